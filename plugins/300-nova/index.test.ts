import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

const computes = 'CONFIG_COMPUTE_HOSTS=c1,c2';

it('runs instances on the compute hosts alone', async () => {
  const { manifests, asked } = await planOf(plugin, computes);

  expect(manifests).toEqual(['nova-controller@ctl', 'nova-compute@c1', 'nova-compute@c2']);
  expect(await asked()).toEqual([
    'ctl:8774/',
    'ctl nova-conductor nova-scheduler',
    'c1 nova-compute',
    'c2 nova-compute',
  ]);
  expect((await planOf(plugin, 'CONFIG_NOVA_INSTALL=n')).manifests).toEqual([]);
});

it('takes the hypervisor that each host can have, or the one that is wanted', async () => {
  const { packages } = await planOf(plugin, computes);
  const wanted = await planOf(plugin, computes, 'CONFIG_NOVA_LIBVIRT_VIRT_TYPE=qemu');

  expect(packages('nova-compute@c1', { hasKvm: true })).toContain('nova-compute-kvm');
  expect(packages('nova-compute@c2', { hasKvm: false })).toContain('nova-compute-qemu');
  expect(wanted.packages('nova-compute@c1', { hasKvm: true })).toContain('nova-compute-qemu');
});

it('refuses a share that is no number', async () => {
  expect((await planOf(plugin, 'CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO=many')).problems).toEqual([
    expect.stringContaining('CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO'),
  ]);
});
