import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../base/errors.js';

/** As many links as the kernel follows in one path. */
const mostLinks = 40;

/**
 * The path by which we see a path of an image, with its links followed as in the image: an absolute
 * link begins at the image's root, and `..` does not leave it. So nothing of this host is ever read.
 * @returns undefined where the image has no such path
 */
export function seenInside(root: string, path: string): string | undefined {
  const left = path.split('/').reverse();
  let resolved: string[] = [];
  let links = 0;
  while (left.length > 0) {
    const name = left.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      resolved.pop();
      continue;
    }
    const place = join(root, ...resolved, name);
    const found = lstatIfExists(place);
    if (!found) return undefined;
    if (!found.isSymbolicLink()) {
      resolved.push(name);
      continue;
    }
    links++;
    if (links > mostLinks) return undefined;
    const target = readlinkSync(place);
    if (target.startsWith('/')) resolved = [];
    left.push(...target.split('/').reverse());
  }
  return join(root, ...resolved);
}

/** The text of a file of an image; undefined where it has no regular file there. */
export function readInside(root: string, path: string): string | undefined {
  const seen = seenInside(root, path);
  // A pipe would never end.
  if (seen === undefined || !lstatSync(seen).isFile()) return undefined;
  return readFileSync(seen, 'utf8');
}

/** The names in a directory of an image, sorted; none where it has no such directory. */
export function listInside(root: string, path: string): string[] {
  const seen = seenInside(root, path);
  if (seen === undefined || !lstatSync(seen).isDirectory()) return [];
  return readdirSync(seen).sort();
}

function lstatIfExists(path: string) {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
