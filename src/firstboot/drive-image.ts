import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../base/command.js';

/** Contents by path, e.g. `openstack/latest/meta_data.json`, or `meta-data` of a NoCloud drive. */
export type DriveContents = Record<string, string>;

export type DriveFormat = 'iso9660' | 'vfat';

/**
 * Writes a drive: iso9660 (genisoimage) or vfat (mkfs.vfat, mcopy). The label is `config-2`, or `cidata` where there is a
 * `meta-data`.
 * @throws StackwrightError `CommandNotFound`, `CommandFailed`
 */
export async function writeDrive(files: DriveContents, output: string, format: DriveFormat): Promise<void> {
  const label = files['meta-data'] === undefined ? 'config-2' : 'cidata';
  const directory = await mkdtemp(join(tmpdir(), 'stackwright-drive-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(directory, dirname(path)), { recursive: true });
      await writeFile(join(directory, path), content, { mode: 0o600 });
    }
    // Rock Ridge and Joliet keep the long names.
    if (format === 'iso9660') await run('genisoimage', ['-quiet', '-r', '-J', '-V', label, '-o', output, directory]);
    else await writeVfat(directory, files, output, label);
    // User data may hold secrets.
    await chmod(output, 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeVfat(directory: string, files: DriveContents, output: string, label: string): Promise<void> {
  const bytes = Object.values(files).reduce((sum, content) => sum + Buffer.byteLength(content), 0);
  await rm(output, { force: true });
  // 64 MiB is what nova makes; sparse, so that it costs nothing.
  const kibibytes = Math.max(64 * 1024, Math.ceil(bytes / 1024) * 2);
  await run('mkfs.vfat', ['-C', '-n', label.toUpperCase(), '-i', '57A74B07', output, String(kibibytes)], {
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  const tops = new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''));
  await run('mcopy', ['-s', '-i', output, ...[...tops].map((top) => join(directory, top)), '::']);
}
