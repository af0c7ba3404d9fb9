import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reporter } from '../base/events.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { BMC_USER } from './bmc.js';
import { powerOffMachine, powerOnMachine } from './machine.js';
import { LAB_NAME, machineDirectory, RACK, readLab } from './record.js';

/** How a machine of a rack is switched. */
export interface LabPower {
  /** `LAB/MACHINE` */
  name: string;
  /** Its BMC, where it has one: inside the rack's namespace. */
  bmc?: { address: string; port: number; namespace: string; user: string; password: string };
  /** Without a BMC, by the rack itself. */
  power: {
    status(): Promise<'on' | 'off'>;
    on(): Promise<void>;
    off(): Promise<void>;
    bootFrom(device: 'pxe' | 'disk'): Promise<void>;
  };
}

/** The machine with this UUID in one of the racks; undefined where none has it. */
export async function labPower(state: StateDirectory, reporter: Reporter, uuid: string): Promise<LabPower | undefined> {
  for (const name of existsSync(state.path('lab')) ? readdirSync(state.path('lab')) : []) {
    const lab = LAB_NAME.test(name) ? await readLab(state, name) : undefined;
    const machine = lab?.machines.find((known) => known.uuid === uuid);
    if (!lab || !machine) continue;
    const options = { state, reporter, lab: lab.name, name: machine.name };
    // Only for the next start, as a BMC keeps it.
    const boot = join(machineDirectory(state, lab.name, machine.name), 'boot');
    const { bmcPort: port, bmcPassword: password } = machine;
    return {
      name: `${lab.name}/${machine.name}`,
      ...(port && password
        ? { bmc: { address: RACK.address, port, namespace: lab.namespace, user: BMC_USER, password } }
        : {}),
      power: {
        async status() {
          const now = (await readLab(state, lab.name))?.machines.find((known) => known.uuid === uuid);
          return now?.process && isAlive(now.process) ? 'on' : 'off';
        },
        async on() {
          const device = (await readTextIfExists(boot))?.trim() === 'pxe' ? 'network' : 'disk';
          await rm(boot, { force: true });
          await powerOnMachine({ ...options, boot: device, diskGigabytes: 4 });
        },
        off: () => powerOffMachine(options),
        bootFrom: (device) => writeFileAtomic(boot, `${device}\n`),
      },
    };
  }
  return undefined;
}
