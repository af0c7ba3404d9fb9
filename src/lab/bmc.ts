import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shellQuote } from '../base/command.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { packageRoot } from '../base/package-root.js';
import { isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { startInBackground } from './background.js';
import { type Lab, type LabMachine, machineDirectory, RACK } from './record.js';
import { waitUntil } from './wait.js';

export const BMC_USER = 'operator';

/** Gives a machine a BMC: ipmi_sim of OpenIPMI, which switches it through `stackwright lab`. */
export async function ensureBmc(state: StateDirectory, lab: Lab, machine: LabMachine): Promise<void> {
  if (machine.bmc && isAlive(machine.bmc)) return;
  const directory = machineDirectory(state, lab.name, machine.name);
  mkdirSync(join(directory, 'bmc'), { recursive: true });
  machine.bmcPort ??= nextPort(lab);
  machine.bmcPassword ??= randomBytes(8).toString('hex');
  const control = join(directory, 'bmc', 'control');
  await writeFileAtomic(control, renderControl(state, lab, machine));
  chmodSync(control, 0o755);
  await writeFileAtomic(join(directory, 'bmc', 'lan.conf'), renderLan(machine, control), 0o600);
  await writeFileAtomic(join(directory, 'bmc', 'emulator'), EMULATOR);
  const logFile = join(directory, 'bmc', 'log');
  const files = ['-n', '-c', 'bmc/lan.conf', '-f', 'bmc/emulator', '-s', 'bmc'];
  const args = ['netns', 'exec', lab.namespace, 'ipmi_sim', ...files];
  const bmc = await startInBackground('ip', args, { cwd: directory, logFile });
  machine.bmc = bmc;
  await waitUntil(
    async () => listens(bmc.pid, machine.bmcPort ?? 0),
    () => isAlive(bmc),
    'ipmi_sim',
    logFile,
  );
}

const FIRST_PORT = 9001;

function nextPort(lab: Lab): number {
  return Math.max(FIRST_PORT - 1, ...lab.machines.map(({ bmcPort }) => bmcPort ?? 0)) + 1;
}

/** Whether a UDP socket of the process's network has the port, as /proc/net/udp lists it. */
async function listens(pid: number, port: number): Promise<boolean> {
  const sockets = (await readTextIfExists(`/proc/${pid}/net/udp`)) ?? '';
  return sockets.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
}

/** ipmi_lan(5) */
export function renderLan(machine: LabMachine, control: string): string {
  return [
    `name "${machine.name}"`,
    'set_working_mc 0x20',
    '  startlan 1',
    `    addr ${RACK.address} ${machine.bmcPort}`,
    '    priv_limit admin',
    '    allowed_auths_admin md5',
    `    guid ${machine.uuid.replaceAll('-', '')}`,
    '  endlan',
    `  chassis_control "${control}"`,
    `  user 2 true "${BMC_USER}" "${machine.bmcPassword}" admin 10 md5`,
    '',
  ].join('\n');
}

/** ipmi_sim_cmd(5): one controller, the BMC. */
const EMULATOR = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 100 0x0a
mc_enable 0x20
`;

/**
 * What ipmi_sim calls: `get power`, `set power 0|1`, `set reset 1`, `get boot`, `set boot pxe|default`. It waits for the
 * answer and serves nobody meanwhile, so whatever takes time goes on beside it.
 */
export function renderControl(state: StateDirectory, lab: Lab, machine: LabMachine): string {
  const program = [process.execPath, join(packageRoot(), 'bin', 'stackwright')].map(shellQuote).join(' ');
  const directory = machineDirectory(state, lab.name, machine.name);
  return `#!/bin/sh
# Made by Stackwright: how the BMC of ${machine.name} switches it.
export STACKWRIGHT_STATE=${shellQuote(state.root)}
cd ${shellQuote(directory)} || exit 1
lab() { ${program} lab "$@" --name ${lab.name} ${machine.name} >> bmc/control.log 2>&1; }
power_on() {
  boot=disk
  [ "$(cat bmc/boot 2> /dev/null)" != pxe ] || boot=network
  # For this start only.
  rm -f bmc/boot
  lab power-on --boot "$boot"
}
is_on() { [ -e qemu.pid ] && grep -q qemu-system "/proc/$(cat qemu.pid)/cmdline" 2> /dev/null; }
case "$1 $2" in
  "get power") if is_on; then echo power:1; else echo power:0; fi ;;
  "get boot") echo "boot:$(cat bmc/boot 2> /dev/null || echo none)" ;;
  "set boot") echo "$3" > bmc/boot ;;
  "set power") if [ "$3" = 1 ]; then power_on; else lab power-off; fi > /dev/null 2>&1 & ;;
  "set reset") { lab power-off && power_on; } > /dev/null 2>&1 & ;;
esac
`;
}
