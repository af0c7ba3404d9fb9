import { type QuickstartResult, quickstart } from '../../quickstart/index.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import type { QuickstartFlags } from './quickstart.js';

export async function quickstartRun(this: CliContext, flags: QuickstartFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const result = await quickstart({ state, reporter });
    if (flags.json) this.printJson(result);
    else this.print(summary(result, state.path('ssh', 'config')));
  });
}

function summary(result: QuickstartResult, sshConfig: string): string {
  const { machine, role, service, seconds, lab } = result;
  const hardware = (place: string, key: string) =>
    machine.facts.find((fact) => fact[1] === place && fact[2] === key)?.[3] ?? '?';
  const memory = Math.round(Number(hardware('total', 'size')) / 2 ** 20);
  const rows: [string, string][] = [
    ['machine', `${machine.host_name} (${machine.identity})`],
    [
      'hardware',
      `${hardware('product', 'vendor')} ${hardware('product', 'name')}, ${memory} MiB, disk ${hardware('vda', 'size')} GB`,
    ],
    ['profile', machine.profile ?? '?'],
    ['role', `${role.name} ${role.version}, sha256 ${role.sha256.slice(0, 16)}…`],
    ['address', machine.address ?? '?'],
    ['service', `${service.name} on ${service.address}:${service.port}: ${service.answer}`],
    [
      'seconds',
      Object.entries(seconds)
        .map(([station, time]) => `${station} ${time.toFixed(1)}`)
        .join(', '),
    ],
    [
      'in all',
      `${Object.values(seconds)
        .reduce((sum, time) => sum + time, 0)
        .toFixed(1)} s`,
    ],
    ['log in', `ssh -F ${sshConfig} ${machine.host_name}`],
    ['look', `stackwright node list; stackwright lab status; stackwright deploy show ${result.runId}`],
    ['your copy', result.site],
    ['remove', `stackwright lab down${lab.name === 'lab' ? '' : ` --name ${lab.name}`}`],
  ];
  return rows.map(([name, value]) => `${outputColors.bold(name.padEnd(10))} ${value}`).join('\n');
}
