import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { type Db, storeEvent } from '../engine/index.js';
import { labPower } from '../lab/index.js';
import type { BootDevice, PowerDriver, PowerStatus } from './driver.js';
import type { PowerEvent } from './events.js';
import { ipmiDriver } from './ipmi.js';
import { redfishDriver } from './redfish.js';
import { bmcFile, readBmc } from './settings.js';

/** What is known of a machine whose power is to be switched. */
export interface PoweredMachine {
  id: string;
  identity: string;
  name: string;
  host_name: string | null;
  facts: readonly (readonly string[])[];
}

export interface PowerOptions {
  state: StateDirectory;
  db: Db;
  reporter: Reporter;
  machine: PoweredMachine;
}

export interface SwitchOptions extends PowerOptions {
  action: 'on' | 'off' | 'cycle';
  /** What the machine starts from this time. */
  boot?: BootDevice;
}

/**
 * Switches a machine and waits until its BMC says that it is so.
 * @throws StackwrightError `PowerUnknown`, `PowerUnchanged`, `BmcFailed`, `BmcFileInvalid`, `BmcFileReadable`
 */
export async function switchPower(options: SwitchOptions): Promise<PowerStatus> {
  const { db, reporter, machine, action, boot } = options;
  const driver = await driverOf(options);
  if (boot) await driver.bootFrom(boot);
  // Not the BMC's own cycle: one of a machine that is off does nothing, and some forget the boot device.
  if (action !== 'on' && (await driver.status()) === 'on') {
    await driver.off();
    await become(driver, 'off');
  }
  if (action !== 'off' && (await driver.status()) === 'off') {
    await driver.on();
    await become(driver, 'on');
  }
  const what = action === 'cycle' ? 'switched off and on' : `switched ${action}`;
  const by = userInfo().username;
  const event: PowerEvent = {
    code: 'power.switched',
    level: 'info',
    message: `${machine.host_name ?? machine.name} is ${what} by ${by}${boot ? `, to start from ${boot}` : ''} (${driver.name})`,
    data: { machine: machine.id, action, boot: boot ?? null, by, how: driver.name },
  };
  await storeEvent(db, event, { machineId: machine.id });
  reporter.report(event);
  return action === 'off' ? 'off' : 'on';
}

/** @throws StackwrightError as `switchPower` */
export async function powerStatus(options: PowerOptions): Promise<PowerStatus> {
  return (await driverOf(options)).status();
}

async function driverOf({ state, reporter, machine }: PowerOptions): Promise<PowerDriver> {
  const { id, identity, name, host_name, facts } = machine;
  const uefi = facts.some(([kind, , key, value]) => kind === 'firmware' && key === 'type' && value === 'uefi');
  const names = [id, identity, name, ...(host_name === null ? [] : [host_name])];
  const bmc = await readBmc(bmcFile(state), names);
  if (bmc) return 'ipmi' in bmc ? ipmiDriver(bmc, { uefi }) : redfishDriver(bmc);
  const lab = await labPower(state, reporter, identity);
  if (lab?.bmc) return ipmiDriver({ ...lab.bmc, ipmi: lab.bmc.address }, { uefi, namespace: lab.bmc.namespace });
  if (lab) return { name: `lab ${lab.name}`, ...lab.power };
  throw new StackwrightError('PowerUnknown', `it is not known how to switch ${host_name ?? name}`, {
    value: name,
    hint: `name its BMC in ${bmcFile(state)}; see docs/reference/power.md`,
  });
}

const SWITCH_SECONDS = 60;

async function become(driver: PowerDriver, wanted: PowerStatus): Promise<void> {
  const deadline = Date.now() + SWITCH_SECONDS * 1000;
  while ((await driver.status()) !== wanted) {
    if (Date.now() > deadline) {
      throw new StackwrightError('PowerUnchanged', `the machine did not become ${wanted} within ${SWITCH_SECONDS} s`, {
        value: driver.name,
        hint: 'look at the machine, or at its BMC',
      });
    }
    await delay(300);
  }
}
