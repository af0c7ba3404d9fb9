import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Element } from './elements.js';
import { packageScripts, squashPackageInstalls } from './package-installs.js';
import { readPackageNames, serviceTable } from './package-names.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-packages-'));
});

afterEach(() => rmSync(work, { recursive: true }));

function element(name: string, files: Record<string, string>): Element {
  const path = join(work, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return { name, path, dependencies: [], provides: [] };
}

const yaml = (text: string) => element('web', { 'package-installs.yaml': text });
const squash = (text: string, environment: Record<string, string> = {}) =>
  squashPackageInstalls([yaml(text)], { ARCH: 'amd64', ...environment });
const installed = (text: string, environment: Record<string, string> = {}) =>
  squash(text, environment)['install.d'].install.map(([name]) => name);

it('installs in install.d unless a phase is named, and sorts', () => {
  const text = 'zsh:\nbash: {}\nearly:\n  phase: pre-install.d\nlate:\n  phase: post-install.d\n  uninstall: true\n';

  expect(squash(text)).toEqual({
    'pre-install.d': { install: [['early', 'web']], uninstall: [] },
    'install.d': {
      install: [
        ['bash', 'web'],
        ['zsh', 'web'],
      ],
      uninstall: [],
    },
    'post-install.d': { install: [], uninstall: [['late', 'web']] },
  });
});

it('installs and removes what is for the build only', () => {
  expect(squash('gcc:\n  build-only: True\n')['install.d']).toEqual({
    install: [['gcc', 'web']],
    uninstall: [['gcc', 'web']],
  });
});

it('lets an explicit install of any element beat an uninstall of its phase', () => {
  const a = element('a', { 'package-installs.yaml': 'gcc:\n  build-only: true\nvim:\n  uninstall: true\n' });
  const b = element('b', { 'package-installs.json': '{"gcc": null, "vim": {"phase": "post-install.d"}}' });

  const squashed = squashPackageInstalls([a, b], { ARCH: 'amd64' });

  expect(squashed['install.d'].uninstall).toEqual([['vim', 'a']]);
  expect(squashed['post-install.d'].install).toEqual([['vim', 'b']]);
});

it('heeds architectures', () => {
  const text = 'a:\n  arch: amd64, arm64\nb:\n  arch: arm64\nc:\n  not-arch: amd64\nd:\n  not-arch: arm64\n';

  expect(installed(text)).toEqual(['a', 'd']);
});

it('heeds the install type of the element, the default and source', () => {
  const text = 'packaged:\n  installtype: package\nbuilt:\n  installtype: source\n';

  expect(installed(text)).toEqual(['built']);
  expect(installed(text, { DIB_DEFAULT_INSTALLTYPE: 'package' })).toEqual(['packaged']);
  expect(installed(text, { DIB_INSTALLTYPE_web: 'package' })).toEqual(['packaged']);
});

it('heeds the version of Python and conditions, of which all must hold', () => {
  const text = [
    'py2:',
    '  dib_python_version: 2',
    'py3:',
    '  dib_python_version: 3',
    'one:',
    '  when: KERNEL = cloud',
    'both:',
    '  when:',
    '    - KERNEL != generic',
    '    - SITE = ""',
    'neither:',
    '  when:',
    '    - KERNEL = cloud',
    '    - PLACE != here',
    '',
  ].join('\n');
  const environment = { DIB_PYTHON_VERSION: '3', KERNEL: 'cloud', SITE: '""', PLACE: 'here' };

  expect(installed(text, environment)).toEqual(['both', 'one', 'py3']);
});

it('takes several entries for one package', () => {
  const text = 'grub:\n  - arch: arm64\n    phase: pre-install.d\n  - arch: amd64\n    phase: post-install.d\n';

  expect(squash(text)['post-install.d'].install).toEqual([['grub', 'web']]);
  expect(squash(text)['pre-install.d'].install).toEqual([]);
});

it('reads the old lists of a phase', () => {
  const old = element('old', { 'pre-install.d/package-installs-old': 'curl\n\n-vim # not wanted\n' });

  expect(squashPackageInstalls([old], { ARCH: 'amd64' })['pre-install.d']).toEqual({
    install: [['curl', 'old']],
    uninstall: [['vim', 'old']],
  });
});

it.each([
  ['a condition on a variable that is not set', 'a:\n  when: NOWHERE = 1\n', 2, 'NOWHERE is not set'],
  ['a condition that is none', 'a:\n\n  when: KERNEL\n', 3, 'KERNEL is not VARIABLE = value'],
  ['arch together with not-arch', 'a:\n  arch: amd64\n  not-arch: arm64\n', 3, 'both arch and not-arch'],
  ['an unknown setting', 'a:\nb:\n  fase: install.d\n', 3, 'unknown setting fase'],
  ['an unknown phase', 'a:\n  phase: finalise.d\n', 2, 'phase finalise.d'],
  ['a list at the top', '- a\n- b\n', 1, 'not a map'],
  ['what is not YAML', 'a: {\n', 2, ''],
])('refuses %s, with the line', (_what, text, line, message) => {
  expect(() => squash(text)).toThrow(
    expect.objectContaining({
      code: 'PackageInstallsInvalid',
      message: expect.stringContaining(message),
      details: expect.objectContaining({ file: join(work, 'web', 'package-installs.yaml'), line }),
    }),
  );
});

it('makes one script for each slot, with the names of the distribution', () => {
  const web = element('web', {
    'package-installs.yaml': 'ssh-server:\nnothing:\nplain:\n  phase: pre-install.d\ngcc:\n  build-only: true\n',
    'pkg-map': JSON.stringify({
      release: { debian: { bookworm: { gcc: 'gcc-12 g++-12' } } },
      distro: { debian: { 'ssh-server': 'openssh-server', gcc: 'gcc' } },
      family: { debian: { nothing: '' } },
      default: { nothing: 'something', 'ssh-server': 'sshd' },
    }),
  });
  const names = readPackageNames([web], { name: 'debian', release: 'bookworm' });

  const scripts = packageScripts(squashPackageInstalls([web], { ARCH: 'amd64' }), names);

  const head = "#!/bin/bash\n# Generated from the elements' package-installs files.\nset -eu -o pipefail\n\n";
  expect(Object.fromEntries(scripts)).toEqual({
    'pre-install.d/10-package-installs': `${head}install-packages \\\n    plain\n`,
    'install.d/01-package-installs': `${head}install-packages \\\n    g++-12 \\\n    gcc-12 \\\n    openssh-server\n`,
    'install.d/99-package-uninstalls': `${head}install-packages \\\n    -e \\\n    g++-12 \\\n    gcc-12\n`,
  });
  expect(names.tables().get('web')).toBe('gcc\tgcc-12 g++-12\nnothing\t\nssh-server\topenssh-server\n');
});

it('maps services, and refuses two maps of one', () => {
  const a = element('a', { 'svc-map': 'web:\n  debian: apache2\n  default: httpd\ncron:\n  redhat: crond\n' });
  const b = element('b', { 'svc-map': 'web:\n  default: nginx\n' });
  const debian = { name: 'debian', release: 'bookworm' };

  expect(serviceTable([a], debian)).toBe('cron\tcron\nweb\tapache2\n');
  expect(() => serviceTable([a, b], debian)).toThrow(expect.objectContaining({ code: 'ServiceMapInvalid' }));
});

it('decides every condition of a list, so that an unset variable is found', () => {
  expect(() => squash('gcc:\n  when:\n    - ARCH = none\n    - COLOUR = red\n')).toThrow('when: COLOUR is not set');
});
