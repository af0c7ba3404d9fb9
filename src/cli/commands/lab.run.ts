import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StackwrightError } from '../../base/errors.js';
import { isAlive } from '../../base/process.js';
import { labDown, labUp, machineDirectory, powerOffMachine, powerOnMachine, requireLab } from '../../lab/index.js';
import { type CliContext, command } from '../context.js';
import type { LabFlags, LabMachineFlags, LabUpFlags } from './lab.js';

export async function labUpCommand(this: CliContext, flags: LabUpFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const { name, dhcp, option = [], silence, machines } = flags;
    const serverFlags = [
      ...option.flatMap((word) => ['--option', word]),
      ...(silence === undefined ? [] : ['--silence', silence]),
    ];
    const lab = await labUp({ state, reporter, name, site: resolve(flags.site), dhcp, serverFlags, machines });
    if (flags.json) this.printJson({ ...lab, machines: lab.machines.map(({ bmcPassword: _, ...machine }) => machine) });
    else this.print(`the lab "${lab.name}" is up in namespace ${lab.namespace}`);
  });
}

export async function labDownCommand(this: CliContext, flags: LabFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    await labDown(await this.openState(reporter), flags.name, reporter);
  });
}

export async function labStatusCommand(this: CliContext, flags: LabFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const lab = await requireLab(await this.openState(this.reporter(flags)), flags.name);
    const parts = [
      { part: 'dnsmasq', running: lab.dnsmasq !== undefined && isAlive(lab.dnsmasq) },
      ...(lab.dhcp === 'proxy'
        ? [{ part: 'foreign DHCP server', running: lab.foreignDhcp !== undefined && isAlive(lab.foreignDhcp) }]
        : []),
      { part: 'server', running: lab.server !== undefined && isAlive(lab.server) },
      ...lab.machines.map(({ name, process }) => ({
        part: `machine ${name}`,
        running: process !== undefined && isAlive(process),
      })),
    ];
    if (flags.json) this.printJson({ name: lab.name, namespace: lab.namespace, site: lab.site, parts });
    else for (const { part, running } of parts) this.print(`${running ? 'running' : 'stopped'}  ${part}`);
  });
}

export async function labPowerOnCommand(this: CliContext, flags: LabMachineFlags, name: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const lab = flags.name;
    const { boot, disk: diskGigabytes, disks, firmware, medium } = flags;
    const machine = await powerOnMachine({ state, reporter, lab, name, boot, diskGigabytes, disks, firmware, medium });
    const { bmcPassword: _password, ...shown } = machine;
    if (flags.json) this.printJson(shown);
  });
}

export async function labPowerOffCommand(this: CliContext, flags: LabFlags, name: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    await powerOffMachine({ state, reporter, lab: flags.name, name });
  });
}

export async function labConsoleCommand(this: CliContext, flags: LabFlags, name: string): Promise<void> {
  await command(this, flags.json, async () => {
    const state = await this.openState(this.reporter(flags));
    const lab = await requireLab(state, flags.name);
    const path = join(machineDirectory(state, lab.name, name), 'console.log');
    try {
      this.print(await readFile(path, 'utf8'));
    } catch (cause) {
      throw new StackwrightError('MachineUnknown', `machine ${name} has no console log`, {
        value: name,
        hint: path,
        cause,
      });
    }
  });
}
