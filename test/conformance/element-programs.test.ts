import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { StackwrightError } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Element, PackageInstalls } from '../../src/image/index.js';
import { lintElements } from '../../src/image/index.js';
import { squashPackageInstalls } from '../../src/image/package-installs.js';
import { readPackageNames, serviceTable } from '../../src/image/package-names.js';
import { askPython, elementNames, hostPrograms, openUpstream } from './diskimage-builder.js';

/** The programs of elements, ours and upstream's, side by side on the same input. */
const upstream = openUpstream();
const { elements, lib, missing } = upstream;
let work: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-programs-'));
});

afterAll(() => {
  rmSync(work, { recursive: true });
  upstream.dispose();
});

it.skipIf(!missing)(`is skipped: ${missing}`, () => {});

interface SquashQuestion {
  path: string;
  elements: string[];
  environment: Record<string, string>;
}

const squashProgram = `
import contextlib, io, json, os, runpy, sys, tempfile
kept = dict(os.environ)
for line in sys.stdin:
    question = json.loads(line)
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(question['environment'])
    out = tempfile.NamedTemporaryFile()
    words = ' '.join('[%s]=%s/%s' % (name, question['path'], name) for name in question['elements'])
    os.environ['IMAGE_ELEMENT_YAML'] = json.dumps({n: question['path'] + '/' + n for n in question['elements']})
    sys.argv = [sys.argv[0], '--elements', ' '.join(question['elements']), '--path', question['path'], out.name]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(SCRIPT, run_name='__main__')
        print(json.dumps(json.load(open(out.name))))
    except (Exception, SystemExit) as error:
        print(json.dumps('error' if not isinstance(error, SystemExit) or error.code else json.load(open(out.name))))
`;

it.skipIf(missing)('squashes package-installs as upstream does, on generated files', () => {
  const names = ['a-package', 'b', 'c'];
  const setting = fc.record(
    {
      phase: fc.constantFrom('pre-install.d', 'install.d', 'post-install.d'),
      uninstall: fc.constant(true),
      'build-only': fc.constant(true),
      installtype: fc.constantFrom('source', 'package'),
      arch: fc.constantFrom('amd64', 'arm64', 'amd64,arm64', 'arm64,i386'),
      'not-arch': fc.constantFrom('arm64', 'i386,amd64'),
      dib_python_version: fc.constantFrom('2', '3', 3),
      when: fc.oneof(condition(), fc.array(condition(), { minLength: 1, maxLength: 2 })),
    },
    { requiredKeys: [] },
  );
  const entry = fc.oneof(fc.constant(null), setting, fc.array(setting, { minLength: 1, maxLength: 2 }));
  const file = fc.dictionary(fc.constantFrom(...names), entry, { minKeys: 1 });
  const environment = fc.record(
    {
      DIB_PYTHON_VERSION: fc.constantFrom('2', '3'),
      DIB_DEFAULT_INSTALLTYPE: fc.constantFrom('source', 'package'),
      DIB_INSTALLTYPE_first_element: fc.constantFrom('source', 'package'),
      COLOUR: fc.constantFrom('red', 'blue'),
    },
    { requiredKeys: ['DIB_PYTHON_VERSION', 'DIB_DEFAULT_INSTALLTYPE'] },
  );
  const cases = fc.sample(fc.tuple(file, file, environment), { numRuns: 400, seed: 3 });

  const questions = cases.map(([first, second, variables], index) => {
    const path = join(work, `squash-${index}`);
    writeInstalls(path, 'first-element', first);
    writeInstalls(path, 'second', second);
    return { path, elements: ['first-element', 'second'], environment: { ARCH: 'amd64', ...variables } };
  });

  compareSquashed(questions);
});

it.skipIf(missing)('squashes the package-installs of upstream’s elements and of its tests as upstream does', () => {
  const ofTests = askPython<{ objs: Record<string, unknown>; environment: Record<string, string> }>(
    upstream,
    testDataProgram,
    [join(elements, 'package-installs/tests/test_package_squash.py')],
    [],
  ).map(({ objs, environment }, index) => {
    const path = join(work, `test-${index}`);
    writeInstalls(path, 'test_element', objs);
    return { path, elements: ['test_element'], environment: { ARCH: 'amd64', ...environment } };
  });
  const shipped = ['amd64', 'arm64'].flatMap((arch) =>
    elementNames(upstream)
      .filter((name) => existsSync(join(elements, name, 'package-installs.yaml')))
      .map((name) => {
        const environment = {
          ARCH: arch,
          DIB_DEFAULT_INSTALLTYPE: 'source',
          DIB_PYTHON_VERSION: '3',
          DIB_RELEASE: 'x',
        };
        return { path: elements, elements: [name], environment };
      }),
  );

  expect(ofTests.length).toBeGreaterThan(3);
  expect(shipped.length).toBeGreaterThan(40);
  compareSquashed([...ofTests, ...shipped]);
});

/** The literal package-installs and environments in upstream's unit tests. */
const testDataProgram = `
import ast, json, sys
for function in ast.walk(ast.parse(open(sys.argv[1]).read())):
    if not isinstance(function, ast.FunctionDef):
        continue
    environment = {}
    for node in [n for d in function.decorator_list for n in ast.walk(d)]:
        if isinstance(node, ast.keyword):
            try:
                environment[node.arg] = str(ast.literal_eval(node.value))
            except ValueError:
                pass
        if isinstance(node, ast.Dict):
            environment.update({k: str(v) for k, v in ast.literal_eval(node).items()})
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == 'objs':
            print(json.dumps({'objs': ast.literal_eval(node.value), 'environment': environment}))
`;

it.skipIf(missing)('maps the names of upstream’s packages as upstream does', () => {
  const systems = [
    ['debian', 'bookworm'],
    ['ubuntu', 'noble'],
    ['ubuntu', 'xenial'],
    ['fedora', '40'],
    ['centos', '9-stream'],
    ['opensuse', '15.6'],
    ['gentoo', ''],
  ];
  let compared = 0;
  for (const name of elementNames(upstream)) {
    const file = join(elements, name, 'pkg-map');
    if (!existsSync(file)) continue;
    const words = [...new Set([...readFileSync(file, 'utf8').matchAll(/"([^"]+)":/g)].map(([, word = '']) => word))];
    for (const [distro = '', release = ''] of systems) {
      const args = ['--pkg-map', file, '--distro', distro, '--release', release, '--missing-ok'];
      const theirs = spawnSync('/usr/bin/python3', [join(elements, 'pkg-map/bin/pkg-map'), ...args, ...words], {
        encoding: 'utf8',
      });
      const names = readPackageNames([elementAt(elements, name)], { name: distro, release });

      const ours = words.flatMap((word) => names.map(name, word));

      expect({ name, distro, ours }).toEqual({ name, distro, ours: theirs.stdout.split(/\s+/).filter(Boolean) });
      compared += words.length;
    }
  }
  expect(compared).toBeGreaterThan(500);
});

it.skipIf(missing)('maps the names of services as upstream does', () => {
  const systems = fc.constantFrom('debian', 'ubuntu', 'fedora', 'redhat', 'suse', 'opensuse', 'default');
  const map = fc.dictionary(systems, fc.constantFrom('one', 'two', 'three'), { minKeys: 1 });
  const file = (prefix: string) => fc.dictionary(fc.constantFrom(`${prefix}-x`, `${prefix}-y`), map, { minKeys: 1 });
  const distribution = fc.constantFrom('debian', 'ubuntu', 'fedora', 'opensuse');
  for (const [index, [a, b, name]] of fc
    .sample(fc.tuple(file('a'), file('b'), distribution), { numRuns: 60, seed: 5 })
    .entries()) {
    const path = join(work, `svc-${index}`);
    mkdirSync(join(path, 'mnt/usr/share'), { recursive: true });
    mkdirSync(join(path, 'mnt/tmp'));
    for (const [element, services] of Object.entries({ a, b })) {
      mkdirSync(join(path, element));
      writeFileSync(join(path, element, 'svc-map'), JSON.stringify(services));
    }
    for (const script of ['10-merge-svc-map-files', '11-copy-svc-map-file']) {
      const env = {
        PATH: `${hostPrograms}:/usr/bin:/bin`,
        TMP_MOUNT_PATH: join(path, 'mnt'),
        TMP_BUILD_DIR: path,
        DISTRO_NAME: name,
        DIB_PYTHON_EXEC: '/usr/bin/python3',
        DIB_DEBUG_TRACE: '0',
        'BASH_FUNC_get_image_element_array%%': `() { echo "[a]=${path}/a [b]=${path}/b"; }`,
        IMAGE_ELEMENT_YAML: JSON.stringify({ a: join(path, 'a'), b: join(path, 'b') }),
      };
      spawnSync(join(elements, 'svc-map/extra-data.d', script), { env });
    }
    const theirs = parse(readFileSync(join(path, 'mnt/usr/share/svc-map/services'), 'utf8')) ?? {};

    const table = serviceTable([elementAt(path, 'a'), elementAt(path, 'b')], { name, release: '' });

    const lines = table.split('\n').filter(Boolean);
    const ours = Object.fromEntries(lines.map((line) => line.split('\t')));
    // What has no service for this distribution keeps its name, there in the program and here in the table.
    const named = Object.fromEntries([...Object.keys(a), ...Object.keys(b)].map((service) => [service, service]));
    expect({ a, b, name, ours }).toEqual({ a, b, name, ours: { ...named, ...theirs } });
  }
});

it.skipIf(missing)('lists the scripts of a directory as upstream’s dib-run-parts does', () => {
  const name = fc.stringMatching(/^[-_.~0-9A-Za-z]{1,6}$/).filter((word) => !/^\.+$/.test(word));
  const sets = fc.sample(fc.uniqueArray(fc.tuple(name, fc.boolean()), { selector: ([word]) => word, maxLength: 60 }), {
    numRuns: 30,
    seed: 7,
  });
  for (const [index, files] of sets.entries()) {
    const directory = join(work, `parts-${index}`, 'x.d');
    mkdirSync(directory, { recursive: true });
    for (const [file, executable] of files)
      writeFileSync(join(directory, file), '', { mode: executable ? 0o755 : 0o644 });
    const list = (program: string) =>
      spawnSync(program, ['--list', directory], { encoding: 'utf8' }).stdout.split('\n');

    expect(list(join(packageRoot(), 'bin/dib-run-parts'))).toEqual(list(join(lib, 'dib-run-parts')));
  }
});

it.skipIf(missing)('dib-run-parts sources, runs and fails as upstream’s does', () => {
  const directory = join(work, 'run-parts');
  mkdirSync(join(directory, 'environment.d'), { recursive: true });
  mkdirSync(join(directory, 'x.d'));
  writeFileSync(join(directory, 'environment.d/10-a.bash'), 'export COUNT=1\n');
  writeFileSync(join(directory, 'environment.d/9-b'), 'export COUNT=9 OTHER=${COUNT:-none}\n');
  const script = (name: string, text: string) => writeFileSync(join(directory, 'x.d', name), `#!/bin/bash\n${text}\n`);
  script('10-a', 'echo $COUNT $OTHER');
  script('9-b', 'echo nine; COUNT=2');
  script('20-c', 'exit 7');
  script('30-d', 'echo never');
  for (const name of readdirSync(join(directory, 'x.d'))) chmodSync(join(directory, 'x.d', name), 0o755);
  const call = (program: string, args: string[]) => {
    const { stdout, status } = spawnSync(program, args, { encoding: 'utf8' });
    return { stdout, status };
  };

  for (const args of [[join(directory, 'x.d')], [], ['/nowhere']]) {
    expect(call(join(packageRoot(), 'bin/dib-run-parts'), args)).toEqual(call(join(lib, 'dib-run-parts'), args));
  }
});

it.skipIf(missing)('element-info prints the elements, and their exports, as upstream’s does', () => {
  const sets = [
    ['debian-minimal'],
    ['ubuntu-minimal', 'cloud-init'],
    ['debian-minimal', 'vm', 'block-device-efi', 'posix'],
  ];
  const shell = 'eval "$1"; declare -A array="($(get_image_element_array))"; export -p IMAGE_ELEMENT_YAML > /dev/null;';
  const show = `${shell} for name in "\${!array[@]}"; do echo "$name \${array[$name]}"; done | sort; echo ---; echo "$IMAGE_ELEMENT" | xargs -n 1 | sort; echo ---; echo "$IMAGE_ELEMENT_YAML"`;
  for (const set of sets) {
    const env = { PATH: process.env.PATH ?? '', ELEMENTS_PATH: elements, PYTHONPATH: upstream.modules };
    const ask = (args: string[], program: string[]) =>
      spawnSync(program[0] ?? '', [...program.slice(1), ...args, ...set], { encoding: 'utf8', env }).stdout;
    const evaluated = (text: string) => {
      const { stdout } = spawnSync('bash', ['-c', show, 'bash', text], { encoding: 'utf8' });
      const [array = '', list = '', yaml = ''] = stdout.split('---\n');
      return { array, list, yaml: parse(yaml) };
    };
    const ours = [join(packageRoot(), 'bin/element-info')];
    const theirs = ['/usr/bin/python3', join(lib, 'element-info.py')];

    expect(ask([], ours).trim().split(' ')).toEqual(ask([], theirs).trim().split(' ').sort());
    expect(evaluated(ask(['--env'], ours))).toEqual(evaluated(ask(['--env'], theirs)));
  }
});

it.skipIf(missing)('source-repositories expands lines, fetches and notes as upstream’s does', () => {
  const from = join(work, 'from');
  mkdirSync(join(from, 'top', 'sub'), { recursive: true });
  writeFileSync(join(from, 'top', 'sub', 'deep'), 'deep');
  writeFileSync(join(from, 'top', 'plain'), 'plain');
  const cases: { lines: string[]; environment?: Record<string, string> }[] = [
    { lines: ['web file /opt/$WHERE/web file://$FROM/top/plain'] },
    { lines: ['web file "/opt/web" "file://${FROM}/top/plain" ignored'] },
    { lines: ['# comment', '', 'web file ${UNSET:-/opt/default} file://$FROM/top/plain'] },
    { lines: ['web file /opt/a file://$FROM/top/plain', 'other file /opt/$(echo b) file://$FROM/top/sub/deep'] },
    { lines: ['a-b file /opt/x file://nowhere'], environment: { DIB_REPOLOCATION_a_b: `file://${from}/top/plain` } },
    {
      lines: ['web tar /opt/x file://nowhere .'],
      environment: { DIB_REPOTYPE_web: 'file', DIB_REPOLOCATION_web: `file://${from}/top/plain` },
    },
    { lines: ['web file /opt/x file://$FROM/top/plain'], environment: { DIB_INSTALLTYPE_web: 'package' } },
    { lines: ['web file /opt/x file://nowhere'], environment: { NO_SOURCE_REPOSITORIES: '1' } },
    { lines: ['a wrong /opt/x file://$FROM/top/plain'] },
  ];
  for (const { lines, environment = {} } of cases) {
    const results = [join(packageRoot(), 'elements'), elements].map((path, side) => {
      const place = mkdtempSync(join(work, `sources-${side}-`));
      for (const name of ['mnt/etc', 'hooks', 'cache', 'lock', 'image'])
        mkdirSync(join(place, name), { recursive: true });
      cpSync(join(path, 'cache-url/bin'), join(place, 'hooks/bin'), { recursive: true });
      writeFileSync(join(place, 'hooks/source-repository-web'), lines.map((line) => `${line}\n`).join(''));
      const script = join(path, 'source-repositories/extra-data.d/98-source-repositories');
      const { status } = spawnSync(script, {
        encoding: 'utf8',
        cwd: place,
        env: {
          PATH: `${hostPrograms}:/usr/sbin:/usr/bin:/sbin:/bin`,
          HOME: place,
          TMPDIR: place,
          TMP_BUILD_DIR: place,
          TMP_MOUNT_PATH: join(place, 'mnt'),
          TMP_HOOKS_PATH: join(place, 'hooks'),
          TMP_IMAGE_DIR: join(place, 'image'),
          DIB_IMAGE_CACHE: join(place, 'cache'),
          DIB_LOCKFILES: join(place, 'lock'),
          DIB_MANIFEST_IMAGE_DIR: '/etc/dib-manifests',
          DIB_DEFAULT_INSTALLTYPE: 'source',
          DIB_DEBUG_TRACE: '0',
          DIB_OFFLINE: '',
          IMAGE_NAME: 'image',
          FROM: from,
          WHERE: 'somewhere',
          ...environment,
        },
      });
      const list = join(place, 'mnt/etc/dib-source-repositories');
      return {
        succeeded: status === 0,
        list: status === 0 && existsSync(list) ? readFileSync(list, 'utf8') : '',
        files: status === 0 ? filesBelow(join(place, 'mnt/opt')) : [],
      };
    });

    expect({ lines, ...results[0] }).toEqual({ lines, ...results[1] });
  }
});

it.skipIf(missing)('lint finds nothing in upstream’s elements', () => {
  expect(lintElements(elements).map(({ file, rule }) => `${file} ${rule}`)).toEqual([]);
});

function condition(): fc.Arbitrary<string> {
  return fc.constantFrom('COLOUR = red', 'COLOUR != red', 'COLOUR=blue', 'ARCH = amd64', 'DIB_PYTHON_VERSION != 2');
}

function writeInstalls(path: string, element: string, content: unknown): void {
  mkdirSync(join(path, element), { recursive: true });
  writeFileSync(join(path, element, 'package-installs.yaml'), JSON.stringify(content));
}

function elementAt(path: string, name: string): Element {
  return { name, path: join(path, name), dependencies: [], provides: [] };
}

function compareSquashed(questions: SquashQuestion[]): void {
  const script = JSON.stringify(join(elements, 'package-installs/bin/package-installs-squash'));
  const theirs = askPython<PackageInstalls | 'error'>(upstream, `SCRIPT = ${script}\n${squashProgram}`, [], questions);
  const different = questions.flatMap((question, index) => {
    const ours = normal(ourSquashed(question));
    const peers = normal(theirs[index] ?? 'error');
    return JSON.stringify(ours) === JSON.stringify(peers) ? [] : [{ question, ours, peers }];
  });
  expect(different.slice(0, 3)).toEqual([]);
}

function ourSquashed({ path, elements: names, environment }: SquashQuestion): PackageInstalls | 'error' {
  try {
    return squashPackageInstalls(
      names.map((name) => elementAt(path, name)),
      environment,
    );
  } catch (error) {
    if (error instanceof StackwrightError) return 'error';
    throw error;
  }
}

/** Without empty lists, sorted. */
function normal(installs: Partial<PackageInstalls> | 'error'): unknown {
  if (installs === 'error') return installs;
  const lists = Object.entries(installs).flatMap(([phase, kinds]) =>
    Object.entries(kinds).flatMap(([kind, requests]) =>
      (requests as string[][]).map((request) => [phase, kind, ...request].join(' ')),
    ),
  );
  return [...new Set(lists)].sort();
}

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path.slice(directory.length)}: ${readFileSync(path, 'utf8')}`)
    .sort();
}
