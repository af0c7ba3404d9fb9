import { createHash } from 'node:crypto';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type BlockDevicePlan, isReproducible } from './block-device/index.js';
import { reportImage } from './events.js';

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
    reportImage(reporter, {
      code: 'image.output.varies',
      level: 'warn',
      message: `${what} differs from build to build: its program knows no SOURCE_DATE_EPOCH`,
      data: { what },
    });
  }
}
