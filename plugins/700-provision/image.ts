import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DeployContext } from '../../src/deploy/plugin.js';

/** Where the manifest takes it from. */
const DIRECTORY = '/var/lib/stackwright/images';

/** Sends a file of this machine to the host, where it is not there already. */
export function sendImage(host: string, source: string): (context: DeployContext) => Promise<undefined> {
  return async ({ ssh, reach, logFile }) => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(source), hash);
    const path = `${DIRECTORY}/${basename(source)}`;
    const sum = `${hash.digest('hex')}  ${path}\n`;
    await ssh.run(reach(host), ['mkdir', '-p', DIRECTORY], { timeout: 60, logFile });
    const check = ['sha256sum', '--check', '--status'];
    const { status } = await ssh.run(reach(host), check, { input: sum, timeout: 600, okStatuses: [0, 1], logFile });
    if (status === 0) return;
    const names = [basename(source)];
    await ssh.sendDirectory(reach(host), dirname(source), DIRECTORY, { names, timeout: 3600, logFile });
  };
}
