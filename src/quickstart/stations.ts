import type { Reporter } from '../base/events.js';
import { reportQuickstart } from './events.js';

/** The way of a machine, in order. */
export type Station = 'role' | 'ramdisk' | 'rack' | 'install' | 'firstboot' | 'deploy' | 'check';

const TITLES: Record<Station, string> = {
  role: 'image and role: build and publish what the machine will run',
  ramdisk: 'netboot: the ramdisk that machines boot from',
  rack: 'rack: DHCP, TFTP and the server in a network namespace',
  install: 'install: a blank machine boots from the network, is recognised and installed',
  firstboot: 'first boot: the machine starts from its disk, with its name, address and keys',
  deploy: 'deploy: the answer file becomes a running service',
  check: 'check: the service answers over the network',
};

/** Seconds spent at each station. */
export type StationSeconds = Partial<Record<Station, number>>;

/** Does the work of a station and notes how long it took. */
export async function atStation<T>(
  station: Station,
  seconds: StationSeconds,
  reporter: Reporter,
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const data = { station };
  reportQuickstart(reporter, { code: 'quickstart.station.started', level: 'info', message: TITLES[station], data });
  const result = await work();
  const taken = (performance.now() - started) / 1000;
  seconds[station] = taken;
  reportQuickstart(reporter, {
    code: 'quickstart.station.finished',
    level: 'info',
    message: `${station} took ${taken.toFixed(1)} s`,
    data: { station, seconds: taken },
  });
  return result;
}
