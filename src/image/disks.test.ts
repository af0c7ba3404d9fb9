import { expect, it } from 'vitest';
import { fitsMemory } from './disks.js';

const GiB = 2 ** 30;

it.each([
  ['there is plenty', {}, 2, { total: 16, free: 8 }, true],
  ['the least that is asked for is free', {}, 2, { total: 8, free: 4 }, true],
  ['the disks could fill more than half of what is free', {}, 2.1, { total: 8, free: 4 }, false],
  ['too little is free', {}, 1, { total: 16, free: 3 }, false],
  ['too little is there', {}, 1, { total: 7, free: 6 }, false],
  ['less is asked for', { DIB_MIN_TMPFS: '1' }, 1, { total: 7, free: 3 }, true],
  ['nobody wants it', { DIB_NO_TMPFS: '1' }, 1, { total: 64, free: 60 }, false],
  ['what is asked for is no number', { DIB_MIN_TMPFS: 'much' }, 1, { total: 64, free: 60 }, false],
])('has disks in memory where it is right, and %s', (_, variables, disks, { total, free }, expected) => {
  const environment = { DIB_NO_TMPFS: '0', DIB_MIN_TMPFS: '4', ...variables };
  expect(fitsMemory(environment, disks * GiB, { total: total * GiB, free: free * GiB })).toBe(expected);
});
