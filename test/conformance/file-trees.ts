import { execFileSync } from 'node:child_process';
import { askPython, type Upstream } from './diskimage-builder.js';

const properties = ['type', 'mode', 'owner', 'content', 'target', 'device', 'linkedTo', 'attributes'] as const;

/**
 * What is kept of a path of a tree: `mode` in octal, `owner` as UID:GID, `content` as size and SHA-256, `target` of a link,
 * MAJOR:MINOR of a `device`, the first path of those that are hard links to one file, and extended `attributes` with
 * capabilities and ACLs in hexadecimal. Times are not, nor the days on which passwords were set.
 */
export type TreeEntry = Partial<Record<(typeof properties)[number], string>>;

const reader = `
import hashlib, io, json, os, re, sys, tarfile
types = {
    tarfile.REGTYPE: 'file', tarfile.DIRTYPE: 'directory', tarfile.SYMTYPE: 'link', tarfile.FIFOTYPE: 'fifo',
    tarfile.CHRTYPE: 'character device', tarfile.BLKTYPE: 'block device',
}
entries, links = {}, {}
with tarfile.open(sys.argv[1]) as archive:
    for member in archive:
        path = os.path.normpath(member.name)
        if member.islnk():
            links.setdefault(os.path.normpath(member.linkname), []).append(path)
            continue
        entry = entries[path] = {
            'type': types[member.type], 'mode': '%04o' % member.mode, 'owner': '%d:%d' % (member.uid, member.gid)}
        if member.isreg():
            data = archive.extractfile(member)
            if path in ('etc/shadow', 'etc/shadow-'):
                data = io.BytesIO(re.sub(rb'(?m)^([^:]*:[^:]*:)\\d+', rb'\\1', data.read()))
            content = hashlib.file_digest(data, 'sha256')
            entry['content'] = '%d bytes, %s' % (member.size, content.hexdigest())
        if member.issym():
            entry['target'] = member.linkname
        if member.ischr() or member.isblk():
            entry['device'] = '%d:%d' % (member.devmajor, member.devminor)
        attributes = [(name, value.encode('utf-8', 'surrogateescape').hex())
                      for name, value in sorted(member.pax_headers.items()) if name.startswith('SCHILY.xattr.')]
        if attributes:
            entry['attributes'] = ' '.join('%s=%s' % attribute for attribute in attributes)
for path, others in links.items():
    group = sorted([path, *others])
    for name in group:
        entries[name] = {**entries[path], 'linkedTo': group[0]}
for entry in entries.items():
    print(json.dumps(entry))
`;

/** Reads every path of an uncompressed tar; `.` is its root. Python knows what else than files is in a tar. */
export function readTree(upstream: Upstream, tar: string): Map<string, TreeEntry> {
  return new Map(askPython<[path: string, entry: TreeEntry]>(upstream, reader, [tar], []));
}

export interface TreeDifference {
  path: string;
  /** `path` where it is in one tree only. */
  property: keyof TreeEntry | 'path';
  theirs: string;
  ours: string;
}

/** What differs between two trees, sorted by path. Of a directory that only one has, what is in it is not told. */
export function compareTrees(theirs: Map<string, TreeEntry>, ours: Map<string, TreeEntry>): TreeDifference[] {
  const paths = [...new Set([...theirs.keys(), ...ours.keys()])].sort();
  return paths.flatMap((path): TreeDifference[] => {
    const [their, our] = [theirs.get(path), ours.get(path)];
    if (their && our) {
      const told = their.type === our.type ? properties : (['type'] as const);
      return told
        .map((property) => ({ path, property, theirs: their[property] ?? 'none', ours: our[property] ?? 'none' }))
        .filter((difference) => difference.theirs !== difference.ours);
    }
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (theirs.has(parent) !== ours.has(parent)) return [];
    return [{ path, property: 'path', theirs: their?.type ?? 'nothing', ours: our?.type ?? 'nothing' }];
  });
}

/** A difference that is right or cannot be avoided, and why. */
export interface AcceptedDifference {
  path: RegExp;
  /** Any one unless told. */
  property?: TreeDifference['property'];
  why: string;
}

/** Those that nobody has accepted as lines to read, and those accepted that are none. */
export function judge(
  differences: TreeDifference[],
  accepted: AcceptedDifference[],
  tars: { theirs: string; ours: string },
): { unaccepted: string[]; outdated: string[] } {
  const accepts = (known: AcceptedDifference, { path, property }: TreeDifference) =>
    (known.property ?? property) === property && known.path.test(path);
  return {
    unaccepted: differences
      .filter((difference) => !accepted.some((known) => accepts(known, difference)))
      .map((difference) => describeDifference(difference, tars)),
    outdated: accepted
      .filter((known) => !differences.some((difference) => accepts(known, difference)))
      .map(({ path, why }) => `${path}: ${why}`),
  };
}

function describeDifference(
  { path, property, theirs, ours }: TreeDifference,
  tars: { theirs: string; ours: string },
): string {
  const line = `${path}: ${property} ${theirs} upstream, ${ours} here`;
  if (property !== 'content') return line;
  const shell =
    'diff --text --unified=0 <(tar -xOf "$0" "./$2") <(tar -xOf "$1" "./$2") | tail -n +3 | cut -c 1-200 | head -n 20';
  return `${line}\n${execFileSync('/bin/bash', ['-c', shell, tars.theirs, tars.ours, path], { encoding: 'utf8' })}`;
}
