import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { hasCode, StackwrightError } from '../../base/errors.js';
import type { Json } from '../../base/events.js';
import { buildConfigDrive, type NetworkDescription, parseDriveJson, renderConfigDrive } from '../../firstboot/index.js';
import { type CliContext, command } from '../context.js';
import type { BuildFlags } from './config-drive.js';

export async function buildDrive(this: CliContext, flags: BuildFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter({ json: flags.json });
    const format = flags.format ?? (/\.(img|vfat)$/.test(flags.output) ? 'vfat' : 'iso9660');
    const keys: Record<string, string> = {};
    for (const word of flags.key ?? []) {
      const { name, file } = keyFlag(word);
      keys[name] = (await readGiven(file)).trim();
    }
    const files = renderConfigDrive({
      hostName: flags.hostName,
      keys,
      metaData: await readJsonGiven<Record<string, Json>>(flags.metadata),
      network: await readJsonGiven<NetworkDescription>(flags.network),
      userData: flags.userData === undefined ? undefined : await readGiven(flags.userData),
    });
    await buildConfigDrive(files, flags.output, format);
    const data = { output: flags.output, format, files: Object.keys(files) };
    reporter.report({
      code: 'firstboot.drive.built',
      level: 'info',
      message: `wrote ${flags.output} (${format})`,
      data,
    });
  });
}

function keyFlag(word: string): { name: string; file: string } {
  const [, name, file] = /^([A-Za-z0-9_.@-]+)=(.+)$/s.exec(word) ?? [];
  return name && file ? { name, file } : { name: basename(word).replace(/\.pub$/, ''), file: word };
}

async function readJsonGiven<T extends object>(file: string | undefined): Promise<T | undefined> {
  return file === undefined ? undefined : parseDriveJson<T>(await readGiven(file), file);
}

async function readGiven(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new StackwrightError('FileNotFound', `there is no file ${file}`, { value: file, exitStatus: 2 });
  }
}
