import { existsSync, mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../sandbox.js';

/** The directory of a layer's changes in its own; short, as the kernel takes one page of mount options. */
export const changesName = 'fs';

/** The directory in which a build works: layers of earlier states below, changes on top. */
export interface Overlay {
  /** Mounts it anew over these layers, the last one on top, with no changes. */
  mount(layers: string[]): Promise<void>;
  hasChanges(): Promise<boolean>;
  /** Whether something at a path, or below it, has changed. */
  touches(path: string): boolean;
  /**
   * Unmounts it, with everything that is mounted in it, and gives the directory of the changes.
   * Undefined where a process holds it: it then stays mounted alone. Else `mount` is next.
   */
  cut(): Promise<string | undefined>;
}

export interface OverlayPlace {
  sandbox: Sandbox;
  /** Where it is mounted, seen only in the sandbox: the same path for every build, as scripts may write it down. */
  mountPoint: string;
  /** The lowest layer. */
  base: string;
  /** For changes; on the file system on which layers are kept. */
  scratch: string;
  /** The directory of kept layers; their paths are given relative to it, as the kernel takes one page of options. */
  layersDirectory: string;
}

/** What is mounted in it is the host's, such as /proc: that may go lazily. It itself may not, or changes would be lost. */
const unmountProgram = `
findmnt --raw --noheadings --output TARGET --submounts "$1" | tail --lines +2 | tac | while read -r point; do
    umount --lazy "$(printf %b "$point")"
done
exec umount "$1"
`;

export function openOverlay({ sandbox, mountPoint, base, scratch, layersDirectory }: OverlayPlace): Overlay {
  let count = 0;
  const upper = () => join(scratch, `changes-${count}`);
  return {
    async mount(layers) {
      count++;
      const work = join(scratch, `work-${count}`);
      mkdirSync(upper(), { mode: 0o755 });
      mkdirSync(work);
      const lower = [...layers].reverse().map((id) => `${id}/${changesName}`);
      // Nothing of it has to reach the disk before it is kept.
      const options = `volatile,redirect_dir=on,lowerdir=${[...lower, base].join(':')},upperdir=${upper()},workdir=${work}`;
      await sandbox.run('mount', ['-t', 'overlay', '-o', options, 'stackwright-build', mountPoint], {
        cwd: layersDirectory,
      });
    },
    hasChanges: async () => (await readdir(upper())).length > 0,
    touches: (path) => existsSync(join(upper(), path)),
    async cut() {
      const { status } = await sandbox.run('/bin/bash', ['-c', unmountProgram, 'bash', mountPoint], {
        cwd: '/',
        okStatuses: [0, 1, 32],
      });
      if (status !== 0) return undefined;
      await rm(join(scratch, `work-${count}`), { recursive: true, force: true });
      return upper();
    },
  };
}
