import { type Configuration, type Processor, splitList } from '../../src/deploy/parameter.js';

// The files of packstack's last release have OVN, which cannot be had with Debian 12: OVN 23.03 writes bridges and gateways of
// a host into `other_config` of its chassis, and neutron 21 looks for them in `external_ids`; under uWSGI, as Debian runs it,
// neutron's API does not connect to OVN at all. The same networks are made otherwise.
const why = 'OVN and neutron of Debian 12 do not work together';

export const agentWithoutOvn: Processor = (value) =>
  value === 'ovn' ? { value: 'auto', message: `${why}: auto instead of ovn` } : { value };

/** Another entry of a list in place of the one that is OVN's. */
export function withoutOvn(ovns: string, other: (known: Configuration) => string): Processor {
  return (value, { known }) => {
    const entries = splitList(value);
    if (!entries.includes(ovns)) return { value };
    const own = splitList(other(known));
    const changed = [...new Set(entries.flatMap((entry) => (entry === ovns ? own : [entry])))].join(',');
    return { value: changed, message: `${why}: ${own.join(',')} instead of ${ovns}` };
  };
}
