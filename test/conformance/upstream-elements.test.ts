import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stateDirectory } from '../../src/base/state.js';
import { mountsBelow } from '../../src/base/temporary.js';
import { buildTree } from '../../src/image/index.js';
import { elementNames, openUpstream } from './diskimage-builder.js';

/** Upstream's elements that build together on Debian with nothing but its archive. */
const together = `debian-minimal base apt-conf apt-preferences cloud-init cloud-init-datasources
  cloud-init-disable-resizefs devuser dhcp-all-interfaces disable-nouveau dynamic-login element-manifest
  enable-serial-console ensure-venv growvols install-static install-types journal-to-console local-config manifests
  modprobe openssh-server package-installs pkg-map posix runtime-ssh-host-keys source-repositories svc-map sysctl
  sysprep`.split(/\s+/);

const upstream = openUpstream();
const { elements } = upstream;
const missing = upstream.missing || (process.getuid?.() === 0 ? '' : 'root is needed');
const work = mkdtempSync(join(tmpdir(), 'stackwright-upstream-'));

afterAll(() => {
  rmSync(work, { recursive: true });
  upstream.dispose();
});

it.skipIf(!missing)(`is skipped: ${missing}`, () => {});

it.skipIf(missing)('builds upstream’s unmodified elements, and leaves nothing mounted', async () => {
  const state = stateDirectory(join(work, 'state'));
  const failures: unknown[] = [];
  expect(together.filter((name) => !elementNames(upstream).includes(name))).toEqual([]);

  await using tree = await buildTree({
    elements: together,
    elementsPath: [elements],
    environment: {
      DIB_RELEASE: 'bookworm',
      DIB_APT_SOURCES_CONF: 'default:deb http://deb.debian.org/debian bookworm main',
      DIB_PYTHON_VERSION: '3',
      DIB_CLOUD_INIT_DATASOURCES: 'None',
      DIB_DEV_USER_USERNAME: 'dev',
      // The files of earlier builds of this host save the downloads.
      ...(process.env.DIB_IMAGE_CACHE ? { DIB_IMAGE_CACHE: process.env.DIB_IMAGE_CACHE } : {}),
    },
    state,
    reporter: { report: (event) => (event.level === 'error' ? failures.push(event) : undefined) },
  });

  expect(failures).toEqual([]);
  expect(mountsBelow(tree.path)).toEqual([]);
  expect(readFileSync(join(tree.path, 'etc/os-release'), 'utf8')).toContain('VERSION_CODENAME=bookworm');
  expect(readFileSync(join(tree.path, 'etc/passwd'), 'utf8')).toMatch(/^dev:/m);
  expect(readdirSync(join(tree.path, 'etc/dib-manifests'))).toEqual(
    expect.arrayContaining(['dib_arguments', 'dib_environment']),
  );
  expect(readdirSync(join(tree.path, 'tmp'))).toEqual([]);
  await tree[Symbol.asyncDispose]();
  expect(readdirSync(state.path('tmp'))).toEqual([]);
  expect(mountsBelow(work)).toEqual([]);
});
