import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { hasCode, StackwrightError } from '../../base/errors.js';
import type { Json } from '../../base/events.js';
import {
  checkDriveYaml,
  type DriveContents,
  type NetworkDescription,
  parseDriveJson,
  renderConfigDrive,
  renderNoCloudDrive,
  writeDrive,
} from '../../firstboot/index.js';
import { type CliContext, command } from '../context.js';
import type { BuildFlags } from './config-drive.js';

export async function buildDrive(this: CliContext, flags: BuildFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter({ json: flags.json });
    const format = flags.format ?? (/\.(img|vfat)$/.test(flags.output) ? 'vfat' : 'iso9660');
    const { files, unread } = flags.nocloud ? await noCloudDrive(flags) : await configDrive(flags);
    for (const warning of unread) {
      reporter.report({ code: 'firstboot.warning', level: 'warn', message: warning, data: { warning } });
    }
    await writeDrive(files, flags.output, format);
    const data = { output: flags.output, format, files: Object.keys(files) };
    reporter.report({
      code: 'firstboot.drive.built',
      level: 'info',
      message: `wrote ${flags.output} (${format})`,
      data,
    });
  });
}

interface Drive {
  files: DriveContents;
  unread: string[];
}

async function configDrive(flags: BuildFlags): Promise<Drive> {
  const files = renderConfigDrive({
    hostName: flags.hostName,
    keys: await keysOf(flags),
    metaData: await readGiven(flags.metadata, parseDriveJson<Record<string, Json>>),
    network: await readGiven(flags.network, parseDriveJson<NetworkDescription>),
    userData: await readGiven(flags.userData),
    vendorData: await readGiven(flags.vendorData, parseDriveJson<Record<string, Json>>),
  });
  return { files, unread: [] };
}

async function noCloudDrive(flags: BuildFlags): Promise<Drive> {
  return renderNoCloudDrive({
    hostName: flags.hostName,
    keys: await keysOf(flags),
    metaData: await readGiven(flags.metadata, checkDriveYaml),
    networkConfig: await readGiven(flags.network, checkDriveYaml),
    userData: await readGiven(flags.userData),
    vendorData: await readGiven(flags.vendorData),
  });
}

async function keysOf(flags: BuildFlags): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const word of flags.key ?? []) {
    const { name, file } = keyFlag(word);
    keys[name] = (await readText(file)).trim();
  }
  return keys;
}

function keyFlag(word: string): { name: string; file: string } {
  const [, name, file] = /^([A-Za-z0-9_.@-]+)=(.+)$/s.exec(word) ?? [];
  return name && file ? { name, file } : { name: basename(word).replace(/\.pub$/, ''), file: word };
}

async function readGiven<T = string>(
  file: string | undefined,
  parse: (text: string, file: string) => T = (text) => text as T,
): Promise<T | undefined> {
  return file === undefined ? undefined : parse(await readText(file), file);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new StackwrightError('FileNotFound', `there is no file ${file}`, { value: file, exitStatus: 2 });
  }
}
