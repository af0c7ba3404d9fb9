import { expect, it } from 'vitest';
import { fitsMemory } from './disks.js';

const GiB = 2 ** 30;
const meminfo = (total: number, free: number) =>
  `MemTotal:       ${total * 2 ** 20} kB\nMemFree:           12345 kB\nMemAvailable:   ${free * 2 ** 20} kB\n`;

it.each([
  ['there is plenty', {}, 2 * GiB, meminfo(16, 8), true],
  ['the least that is asked for is free', {}, 2 * GiB, meminfo(8, 4), true],
  ['the disks could fill half of what is free', {}, 2 * GiB + 1, meminfo(8, 4), false],
  ['too little is free', {}, GiB, meminfo(16, 3), false],
  ['too little is there', {}, GiB, meminfo(7, 6), false],
  ['less is asked for', { DIB_MIN_TMPFS: '1' }, GiB, meminfo(7, 3), true],
  ['nobody wants it', { DIB_NO_TMPFS: '1' }, GiB, meminfo(64, 60), false],
  ['nothing is told', { DIB_NO_TMPFS: '0', DIB_MIN_TMPFS: '4' }, GiB, meminfo(64, 60), true],
  ['nothing is known', {}, 0, '', false],
])('has disks in memory where it is right, and %s', (_, environment, bytes, text, expected) => {
  expect(fitsMemory(environment, bytes, text)).toBe(expected);
});
