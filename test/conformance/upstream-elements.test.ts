// The same sets of upstream's unmodified elements in upstream's builder and in ours, from one root of bookworm.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandOptions, type CommandResult, run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { stateDirectory } from '../../src/base/state.js';
import { mountsBelow, openTemporary } from '../../src/base/temporary.js';
import { hostArchitecture } from '../../src/image/index.js';
import { openSandbox } from '../../src/image/sandbox.js';
import { hostPrograms, openUpstream } from './diskimage-builder.js';
import { type AcceptedDifference, compareTrees, judge, readTree } from './file-trees.js';

const mirror = 'http://deb.debian.org/debian';

interface ElementSet {
  elements: string[];
  /** A tar, which is compared; with `raw` ours makes a disk too, as upstream always does. */
  formats: string;
  accepted: AcceptedDifference[];
}

const always: AcceptedDifference[] = [
  {
    path: /^dev\//,
    why: 'upstream packs a tar while the host’s /dev is mounted in the image',
  },
  {
    path: /^etc\/iscsi\/initiatorname\.iscsi$/,
    property: 'content',
    why: 'open-iscsi draws a name by chance when it is configured',
  },
  {
    path: /^var\/cache\/ldconfig\/aux-cache$/,
    property: 'content',
    why: 'ldconfig keeps inode numbers and times of libraries in it',
  },
];

const sets: Record<string, ElementSet> = {
  /** All that build together on Debian with nothing but its archive. */
  'elements without a kernel': {
    elements: `bookworm-root apt-conf apt-preferences cloud-init cloud-init-datasources cloud-init-disable-resizefs
      devuser dhcp-all-interfaces disable-nouveau dynamic-login element-manifest enable-serial-console ensure-venv
      growvols install-static install-types journal-to-console local-config manifests modprobe openssh-server
      package-installs pkg-map posix runtime-ssh-host-keys source-repositories svc-map sysctl sysprep`.split(/\s+/),
    formats: 'tar',
    accepted: [
      ...always,
      {
        path: /^etc\/fstab$/,
        property: 'content',
        why: 'upstream makes a disk for a tar too and describes it; here a tar alone has no disk',
      },
      {
        path: /^lost\+found$/,
        property: 'path',
        why: 'that disk’s',
      },
      {
        path: /^etc\/dib-manifests\/dib-element-manifest$/,
        property: 'content',
        why: 'upstream’s order of elements is that of a Python set, another one in each build; ours is sorted',
      },
    ],
  },
  'a disk that boots': {
    elements: ['debian-minimal', 'vm'],
    formats: 'tar,raw',
    accepted: [
      ...always,
      {
        path: /^boot\/grub\/i386-pc\/(core\.img|load\.cfg)$/,
        property: 'content',
        why: 'GRUB finds the root file system by its UUID, another one in each build',
      },
      {
        path: /^boot\/initrd\.img-/,
        property: 'content',
        why: 'it has the times at which mkinitramfs made its files, and the name of open-iscsi',
      },
    ],
  },
};

const upstream = openUpstream();
const builder = '/usr/bin/disk-image-create';
const absent = [builder, '/usr/bin/mmdebstrap'].filter((program) => !existsSync(program));
const missing =
  upstream.missing ||
  absent.map((program) => `${program} is needed`).join(', ') ||
  (process.getuid?.() === 0 ? '' : 'root is needed');

it.skipIf(!missing)(`is skipped: ${missing}`, () => {});

describe.skipIf(missing)('upstream’s unmodified elements in both builders', () => {
  const work = mkdtempSync(join(tmpdir(), 'stackwright-upstream-'));
  const state = stateDirectory(join(work, 'state'));
  const root = join(work, `debootstrap-debian-bookworm-${hostArchitecture()}.tar.gz`);
  const environment = {
    PATH: [hostPrograms, dirname(process.execPath), process.env.PATH].join(delimiter),
    STACKWRIGHT_STATE: state.root,
    TMP_DIR: work,
    USER: 'root',
    ELEMENTS_PATH: [upstream.elements, join(import.meta.dirname, 'elements')].join(delimiter),
    // The second builder finds packages that the first one has downloaded, and upstream's debootstrap finds the root.
    DIB_IMAGE_CACHE: work,
    // A loop device over a file of a tmpfs that is no more could not be told from others.
    DIB_NO_TMPFS: '1',
    DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE: '1',
    DIB_RELEASE: 'bookworm',
    // Upstream's command adds it, and both write what they are given into the image.
    DIB_PYTHON_EXEC: '/usr/bin/python3',
    DIB_APT_SOURCES_CONF: `default:deb ${mirror} bookworm main`,
    DIB_PYTHON_VERSION: '3',
    DIB_CLOUD_INIT_DATASOURCES: 'None',
    DIB_DEV_USER_USERNAME: 'dev',
    BOOKWORM_ROOT: root,
  };

  beforeAll(async () => {
    await makeRoot(root);
  });

  afterAll(() => {
    rmSync(work, { recursive: true });
    upstream.dispose();
  });

  it.each(Object.entries(sets))('become the same tree: %s', async (name, { elements, formats, accepted }) => {
    const words = ['-t', formats, '-o', 'image', ...elements];
    const theirs = directory(`${name}, theirs`);
    const ours = directory(`${name}, ours`);

    expectSuccess(await buildThere(words, options(theirs)));
    expectSuccess(await run(join(packageRoot(), 'bin/disk-image-create'), words, options(ours)));

    const tars = { theirs: join(theirs, 'image.tar'), ours: join(ours, 'image.tar') };
    const [their, our] = [readTree(upstream, tars.theirs), readTree(upstream, tars.ours)];
    expect(their.size).toBeGreaterThan(10_000);
    expect(judge(compareTrees(their, our), accepted, tars)).toEqual({ unaccepted: [], outdated: [] });
  });

  it('leave nothing mounted and no loop devices', async () => {
    expect(mountsBelow(work)).toEqual([]);
    expect(await loopDevices()).toEqual([]);
  });

  function directory(name: string): string {
    const path = join(work, name.replaceAll(/[, ]+/g, '-'));
    mkdirSync(path);
    return path;
  }

  function options(cwd: string): CommandOptions & { cwd: string } {
    return { cwd, env: environment, timeout: 900, okStatuses: [...Array(256).keys()] };
  }

  function expectSuccess({ status, output }: CommandResult): void {
    expect(status, output.slice(-5000)).toBe(0);
  }

  /** In namespaces that take upstream's mounts and processes with them also where it fails. */
  async function buildThere(words: string[], how: CommandOptions & { cwd: string }): Promise<CommandResult> {
    await using temporary = openTemporary(state, 'upstream');
    const sandbox = await openSandbox(temporary);
    // Where the kernel has no device mapper, `kpartx` makes links instead: none of them stays either.
    const start = 'mkdir -p /dev/mapper && mount -t tmpfs tmpfs /dev/mapper && exec "$@"';
    try {
      return await sandbox.run('/bin/bash', ['-c', start, 'upstream', builder, ...words], how);
    } finally {
      await sandbox.end();
      for (const device of await loopDevices()) await run('losetup', ['--detach', device]);
    }
  }

  /** Those over files of these builds. */
  async function loopDevices(): Promise<string[]> {
    const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
    const lines = stdout.split('\n').filter((line) => line.includes(work));
    return lines.map((line) => line.split(' ')[0] ?? '');
  }
});

/** Root of a Debian with what upstream's debian-minimal wants early, and a file with a capability. */
async function makeRoot(file: string): Promise<void> {
  const packages = '--include=systemd-sysv,busybox,sudo,gnupg2,python3,iputils-ping';
  // The initramfs of a kernel takes most of the time of a build; what is in it is no part of this.
  const small = 'mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=list > "$1/etc/initramfs-tools/conf.d/small"';
  await run('mmdebstrap', ['--variant=minbase', packages, `--customize-hook=${small}`, 'bookworm', file, mirror], {
    timeout: 900,
  });
}
