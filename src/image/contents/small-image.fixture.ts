import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files, with the directories that they need. */
export function writeFiles(root: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 A
License: GPL-2+ or Expat

Files: parts/*
Copyright: nobody
License: public-domain
 Do what you like.
 .
 Really.

License: GPL-2+
 On Debian systems it is in /usr/share/common-licenses/GPL-2.

License: Expat
 Permission is hereby granted.
`;

const status = `Package: web
Status: install ok installed
Priority: optional
Installed-Size: 30
Maintainer: A Person <a@example.org>
Architecture: amd64
Source: web-source (1.0-1)
Version: 1:1.0-1+b1
Depends: libweb (>= 1) | libother, base
Description: serves pages
 and more.
Homepage: https://web.example.org/

Package: libweb
Status: install ok installed
Priority: optional
Installed-Size: 20
Maintainer: Debian Web Team <web@lists.example.org>
Architecture: amd64
Multi-Arch: same
Version: 1.0~rc1
Pre-Depends: base
Description: library of web

Package: base
Essential: yes
Status: install ok installed
Priority: required
Installed-Size: 100
Maintainer: A Person <a@example.org>
Architecture: all
Version: 12

Package: gone
Status: deinstall ok config-files
Installed-Size: 7
Architecture: amd64
Version: 3
`;

/** A tree of three packages, as small as one can be that has all that an image is asked for. */
export function makeSmallTree(root: string): string {
  const info = 'var/lib/dpkg/info';
  writeFiles(root, {
    'usr/lib/os-release':
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    'usr/bin/web': 'program',
    'usr/lib/libweb.so.1': 'library',
    'usr/share/doc/libweb/copyright': copyright,
    'usr/share/doc/base/copyright': 'This is free software.\n',
    'srv/own file': 'mine',
    'var/lib/dpkg/status': status,
    [`${info}/web.list`]: '/.\n/bin\n/bin/web\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/doc/web\n',
    [`${info}/libweb:amd64.list`]: '/.\n/usr\n/usr/lib\n/usr/lib/libweb.so.1\n/usr/share/doc/libweb/copyright\n',
    [`${info}/base.list`]: '/.\n/usr\n/usr/lib/os-release\n/usr/share/doc/base/copyright\n',
    'etc/dib-manifests/dib-manifest-git-image':
      'tool git /opt/tool https://git.example.org/tool 0123456789012345678901234567890123456789\n',
  });
  symlinkSync('usr/bin', join(root, 'bin'));
  symlinkSync('../usr/lib/os-release', join(root, 'etc/os-release'));
  symlinkSync('libweb', join(root, 'usr/share/doc/web'));
  chmodSync(join(root, 'usr/bin/web'), 0o4755);
  mkdirSync(join(root, 'usr/lib/modules/6.1.0-1-amd64'), { recursive: true });
  symlinkSync('usr/lib', join(root, 'lib'));
  mkdirSync(join(root, 'boot'));
  mkdirSync(join(root, 'proc/1'), { recursive: true });
  utimesSync(join(root, 'var/lib/dpkg/status'), 1_700_000_000, 1_700_000_000);
  return root;
}

interface DiskPart {
  /** MiB. */
  start: number;
  /** MiB. */
  size: number;
  /** Program that makes a file system, and its options. */
  make: [program: string, ...args: string[]];
}

/** Makes a raw disk with a partition table as sfdisk reads it, and file systems in it. */
export function makeDisk(file: string, table: string, parts: DiskPart[]): void {
  writeFileSync(file, '');
  truncateSync(file, 32 * 2 ** 20);
  if (table !== '') execFileSync('sfdisk', ['--quiet', file], { input: table });
  for (const { start, size, make } of parts) {
    const part = `${file}.part`;
    writeFileSync(part, '');
    truncateSync(part, size * 2 ** 20);
    const [program, ...args] = make;
    execFileSync(program, [...args, part], { stdio: 'pipe' });
    execFileSync('dd', [`if=${part}`, `of=${file}`, 'bs=1M', `seek=${start}`, 'conv=notrunc'], { stdio: 'pipe' });
  }
}
