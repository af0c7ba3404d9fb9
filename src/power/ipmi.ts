import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { PowerDriver } from './driver.js';
import type { IpmiSettings } from './settings.js';

export interface IpmiOptions {
  /** The machine starts by UEFI: it has to be told so with the boot device. */
  uefi: boolean;
  /** The network namespace in which the BMC is. */
  namespace?: string;
}

/** A BMC that speaks IPMI 2.0, by ipmitool. */
export function ipmiDriver(bmc: IpmiSettings, { uefi, namespace }: IpmiOptions): PowerDriver {
  const inNamespace = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  async function chassis(...words: string[]): Promise<string> {
    // Cipher suite 3: with the default many BMCs first let several seconds pass. The password comes by the environment,
    // which only we can read; an argument could be read by everybody.
    const [program = '', ...args] = [
      ...inNamespace,
      ...['ipmitool', '-I', 'lanplus', '-C', '3', '-H', bmc.ipmi, '-p', String(bmc.port), '-U', bmc.user, '-E'],
      ...['-N', '2', '-R', '4', 'chassis', ...words],
    ];
    const env = { IPMI_PASSWORD: bmc.password };
    const { status, stdout, output } = await run(program, args, { env, timeout: 60, okStatuses: [0, 1] });
    if (status === 0) return stdout;
    throw new StackwrightError('BmcFailed', `the BMC ${bmc.ipmi} did not do it: chassis ${words.join(' ')}`, {
      value: output.trim().split('\n').slice(-3).join('\n'),
      hint: 'see address, user and password in bmc.yaml, and whether IPMI over LAN is allowed on the BMC',
    });
  }
  return {
    name: `ipmi ${bmc.ipmi}`,
    async status() {
      return /is on/.test(await chassis('power', 'status')) ? 'on' : 'off';
    },
    async on() {
      await chassis('power', 'on');
    },
    async off() {
      await chassis('power', 'off');
    },
    async bootFrom(device) {
      await chassis('bootdev', device, ...(uefi ? ['options=efiboot'] : []));
    },
  };
}
