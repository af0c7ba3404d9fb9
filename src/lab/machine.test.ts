import { expect, it } from 'vitest';
import { stateDirectory } from '../base/state.js';
import { qemuArguments } from './machine.js';
import { labDirectory, newLab, newMachine } from './record.js';

const state = stateDirectory('/tmp');

it('runs a machine that QEMU and its firmware recognise by its SMBIOS identity', async () => {
  const machine = newMachine(newLab(state, 'lab', '/site'), 'node1');

  const args = qemuArguments(machine, { name: 'tcg', reason: 'no KVM' }, 'network');

  await expect(`${args.join('\n')}\n`).toMatchFileSnapshot('golden/qemu.args');
});

it('runs a machine with UEFI and two disks, which asks the network first', () => {
  const machine = { ...newMachine(newLab(state, 'lab', '/site'), 'node1'), firmware: 'uefi' as const, disks: 2 };

  const args = qemuArguments(machine, { name: 'tcg', reason: 'no KVM' }, 'network').join(' ');

  expect(args).toContain('-drive if=pflash,unit=1,format=raw,file=uefi.vars');
  expect(args).toMatch(/virtio-net-pci,\S+,bootindex=0 .*virtio-blk-pci,drive=disk0,serial=DISK0,bootindex=1/);
  expect(args).toMatch(/file=disk2\.raw,\S+ -device virtio-blk-pci,drive=disk1,serial=DISK1,bootindex=2/);
});

it('leaves iPXE out of the network card of a machine that boots by the PXE of its UEFI', () => {
  const machine = { ...newMachine(newLab(state, 'lab', '/site'), 'node1'), firmware: 'uefi-pxe' as const };

  const args = qemuArguments(machine, { name: 'tcg', reason: 'no KVM' }, 'network').join(' ');

  expect(args).toContain('-drive if=pflash,unit=1,format=raw,file=uefi.vars');
  expect(args).toMatch(/virtio-net-pci,\S+,romfile=,bootindex=0 /);
});

it('starts a machine once from a boot medium', () => {
  const machine = newMachine(newLab(state, 'lab', '/site'), 'node1');
  const accelerator = { name: 'tcg' as const, reason: 'no KVM' };

  const bios = qemuArguments(machine, accelerator, 'network', '/tmp/boot.iso').join(' ');
  const uefi = qemuArguments({ ...machine, firmware: 'uefi' }, accelerator, 'network', '/tmp/boot.iso').join(' ');

  expect(bios).toContain('-boot order=c,once=d ');
  expect(uefi).toMatch(
    /virtio-net-pci,\S+,bootindex=9 .*file=\/tmp\/boot\.iso,\S+ -device ide-cd,drive=medium,bootindex=0/,
  );
});

it('gives a machine the same identity each time, and others another', () => {
  const lab = newLab(state, 'lab', '/site');

  expect(newMachine(lab, 'node1')).toEqual(newMachine(lab, 'node1'));
  expect(newMachine(lab, 'node1').uuid).not.toBe(newMachine(lab, 'node2').uuid);
});

it.each(['', '../x', 'A', 'x'.repeat(21), 'a b'])('refuses the name %j', (name) => {
  expect(() => labDirectory(state, name)).toThrow(/cannot name a lab/);
});
