import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type BlockDevicePlan, isReproducible } from './block-device/index.js';
import { reportImage } from './events.js';
import { seenInside } from './inside.js';

/**
 * `SOURCE_DATE_EPOCH` (reproducible-builds.org): seconds since 1970 that stand for the time of now.
 * With it the same inputs give the same bytes.
 * @throws StackwrightError `SourceDateInvalid`
 */
export function sourceDateEpoch({ SOURCE_DATE_EPOCH: text }: NodeJS.ProcessEnv): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new StackwrightError('SourceDateInvalid', 'SOURCE_DATE_EPOCH is not a number of seconds since 1970', {
    value: text,
    hint: 'for the last commit of a repository: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)',
    exitStatus: 2,
  });
}

/** A UUID that depends on a text only (version 8 of RFC 9562). */
export function uuidFrom(text: string): string {
  const hash = createHash('sha256').update(text).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** Names what of the block devices will differ from build to build, whatever the inputs. */
export function reportVarying({ order }: BlockDevicePlan, reporter: Reporter): void {
  for (const node of order) {
    const varies = node.kind === 'mkfs' ? !isReproducible(node) : node.kind === 'lvm';
    if (!varies) continue;
    const what = node.kind === 'mkfs' ? `the ${node.type} file system ${node.name}` : `LVM's metadata of ${node.name}`;
    reportOneVarying(what, 'its program knows no SOURCE_DATE_EPOCH', reporter);
  }
}

/** What programs make of random numbers, by the path in an image; the last name is a pattern. */
const randomFiles: [directory: string, name: RegExp][] = [
  ['/etc', /^machine-id$/],
  ['/etc/ssh', /^ssh_host_.*_key$/],
  ['/etc/ssl/private', /^ssl-cert-snakeoil\.key$/],
  ['/var/lib/dbus', /^machine-id$/],
  ['/var/lib/systemd', /^random-seed$/],
];

/**
 * Removes from a finished tree what depends on the time or the disk of its build and is made again
 * when it is missed, and names what stays and will differ.
 */
export function leaveReproducible(root: string, reporter: Reporter): void {
  // ldconfig(8) keeps inode numbers and times there, to be faster the next time.
  const cache = seenInside(root, '/var/cache/ldconfig/aux-cache');
  if (cache !== undefined) rmSync(cache, { recursive: true });
  for (const [directory, name] of randomFiles) {
    const place = seenInside(root, directory);
    if (place === undefined || !statSync(place).isDirectory()) continue;
    for (const file of readdirSync(place)
      .filter((one) => name.test(one))
      .sort()) {
      const path = join(directory, file);
      const seen = seenInside(root, path);
      if (seen === undefined || !statSync(seen).isFile() || statSync(seen).size === 0) continue;
      reportOneVarying(path, 'it is made of random numbers', reporter);
    }
  }
}

function reportOneVarying(what: string, reason: string, reporter: Reporter): void {
  reportImage(reporter, {
    code: 'image.output.varies',
    level: 'warn',
    message: `${what} differs from build to build: ${reason}`,
    data: { what },
  });
}
