import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightEvent } from '../../base/events.js';
import { type StateDirectory, stateDirectory } from '../../base/state.js';
import { type BuildOptions, buildTree } from '../build.js';
import { type ElementWriter, elementsIn } from '../elements.fixture.js';
import { explainBuild } from '../image.js';
import { openLayers, pruneLayers } from './index.js';

let work: string;
let state: StateDirectory;
let events: StackwrightEvent[];
let elements: ElementWriter;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-layers-'));
  state = stateDirectory(join(work, 'state'));
  elements = elementsIn(join(work, 'elements'));
  elements.system('tiny', { programs: ['/bin/cat', '/bin/chmod', '/bin/grep', '/bin/ln', '/bin/rm'] });
  script('web', 'extra-data.d/10-data', ['echo data > "$TARGET_ROOT/data"']);
  script('web', 'install.d/10-first', ['echo first > /first', 'ln /first /linked', 'chmod 0600 /data']);
  script('web', 'install.d/20-second', ['echo "${DIB_SECOND:-}" > /second', 'rm /data', 'chmod 0640 /linked']);
  script('web', 'finalise.d/10-last', ['echo "$IMAGE_NAME" > /last']);
});

afterEach(() => rmSync(work, { recursive: true }));

function script(element: string, name: string, lines: string[]): void {
  elements.script(`${element}/${name}`, lines);
}

function options(names: string[], more: Partial<BuildOptions> = {}): BuildOptions {
  return {
    elements: names,
    elementsPath: [join(work, 'elements')],
    environment: {},
    state,
    reporter: { report: (event) => events.push(event) },
    withoutBase: true,
    ...more,
  };
}

/** Builds, and says which steps ran, as `PHASE/SCRIPT`, and what the tree has then. */
async function build(names: string[], more: Partial<BuildOptions> = {}) {
  events = [];
  await using tree = await buildTree(options(names, more));
  const ran = events.flatMap(({ code, data }) =>
    code === 'image.script.finished' ? [`${data.phase}/${data.script}`] : [],
  );
  return { ran, tree: listing(tree.path) };
}

/** Every file with all but its times: mode, owner, links, content. */
function listing(path: string): string {
  const files = execFileSync('find', ['.', '-printf', '%p %y %m %U:%G %n %l\n'], { cwd: path, encoding: 'utf8' });
  const sums = execFileSync('bash', ['-c', 'find . -type f -exec sha256sum {} +'], { cwd: path, encoding: 'utf8' });
  return [...files.split('\n').sort(), ...sums.split('\n').sort()].join('\n');
}

const everything = [
  'root.d/10-tiny',
  'extra-data.d/10-data',
  'install.d/10-first',
  'install.d/20-second',
  'finalise.d/10-last',
];

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  it('runs nothing again that has not changed, and makes the same tree', async () => {
    const first = await build(['tiny', 'web']);
    const second = await build(['tiny', 'web']);
    const fresh = await build(['tiny', 'web'], { fresh: true });

    expect(first.ran).toEqual(everything);
    expect(second).toEqual({ ran: [], tree: first.tree });
    expect(fresh).toEqual({ ran: everything, tree: first.tree });
    expect(readdirSync(state.path('tmp'))).toEqual([]);
  });

  it('starts at the first script that has changed, and what is gone in it is gone', async () => {
    await build(['tiny', 'web']);
    script('web', 'install.d/20-second', ['echo other > /other', 'rm /first']);
    const changed = await build(['tiny', 'web']);
    const fresh = await build(['tiny', 'web'], { fresh: true });

    expect(changed.ran).toEqual(everything.slice(3));
    expect(changed.tree).toBe(fresh.tree);
    expect(changed.tree).toContain('./data f 600');
    expect(changed.tree).not.toContain('./first ');
  });

  it('shares what two images have in common', async () => {
    script('other', 'install.d/15-other', ['echo other > /other']);
    await build(['tiny', 'web']);

    expect((await build(['tiny', 'web', 'other'])).ran).toEqual([
      'install.d/15-other',
      'install.d/20-second',
      'finalise.d/10-last',
    ]);
    expect((await build(['tiny'])).ran).toEqual([]);
  });

  it('counts a variable where a script can read it', async () => {
    await build(['tiny', 'web'], { imageName: 'one' });

    const named = await build(['tiny', 'web'], { imageName: 'two' });
    expect(named.ran).toEqual(['finalise.d/10-last']);
    const second = await build(['tiny', 'web'], { environment: { DIB_SECOND: '2' } });
    expect(second.ran).toEqual(['install.d/20-second', 'finalise.d/10-last']);
    const any = await build(['tiny', 'web'], { environment: { MAKEFLAGS: '-j2' } });
    expect(any.ran).toEqual(everything);
    const job = await build(['tiny', 'web'], { environment: { MAKEFLAGS: '-j2', CI_JOB_ID: '7' } });
    expect(job.ran).toEqual([]);
  });

  it.each([
    ['env | grep "^DIB_INSTALLTYPE_" || true', ['install.d/20-second', 'finalise.d/10-last'], ['finalise.d/10-last']],
    [
      'env | grep "^IMAGE_" || true',
      ['install.d/20-second', 'finalise.d/10-last'],
      ['install.d/20-second', 'finalise.d/10-last'],
    ],
    ['env > /dev/null', ['install.d/20-second', 'finalise.d/10-last'], ['install.d/20-second', 'finalise.d/10-last']],
  ])('counts what a script searches: %s', async (line, forType, forName) => {
    script('web', 'install.d/20-second', [line]);
    await build(['tiny', 'web'], { imageName: 'one' });

    const environment = { DIB_INSTALLTYPE_web: 'package' };
    expect((await build(['tiny', 'web'], { imageName: 'one', environment })).ran).toEqual(forType);
    expect((await build(['tiny', 'web'], { imageName: 'two' })).ran).toEqual(forName);
  });

  it('counts what environment.d sets, where a script can read it', async () => {
    const file = join(work, 'elements', 'web', 'environment.d', '10-web');
    mkdirSync(dirname(file));
    writeFileSync(file, 'export DIB_SECOND=${DIB_SECOND:-1}\n');
    await build(['tiny', 'web']);
    writeFileSync(file, 'export DIB_SECOND=${DIB_SECOND:-2}\n');

    expect((await build(['tiny', 'web'])).ran).toEqual(['install.d/20-second', 'finalise.d/10-last']);
  });

  it('counts helper files for a script that can reach them', async () => {
    mkdirSync(join(work, 'elements', 'web', 'static'));
    script('web', 'install.d/20-second', ['cat "$(dirname "$0")/../static/page" > /page']);
    const page = join(work, 'elements', 'web', 'static', 'page');
    writeFileSync(page, 'one\n');
    script('tiny', 'pre-install.d/01-dirname', ['ln -s /bin/true /dirname || true']);
    script('web', 'install.d/20-second', ['cat "${0%/*}/../static/page" > /page']);
    await build(['tiny', 'web']);
    writeFileSync(page, 'two\n');
    const changed = await build(['tiny', 'web']);

    expect(changed.ran).toEqual(['install.d/20-second', 'finalise.d/10-last']);
    expect(changed.tree).toBe((await build(['tiny', 'web'], { fresh: true })).tree);
  });

  it('runs scripts that a kept script has added, and sees when it would add others', async () => {
    script('web', 'install.d/web-source-install/30-added', ['echo added > /added']);
    script('web', 'extra-data.d/99-link', [
      'ln -s web-source-install/30-added "$TMP_HOOKS_PATH/install.d/30-added"',
      'echo "export DIB_SECOND=set" > "$TMP_HOOKS_PATH/environment.d/50-made"',
    ]);
    mkdirSync(join(work, 'elements', 'web', 'environment.d'));
    const first = await build(['tiny', 'web']);
    expect(first.ran).toContain('install.d/30-added');
    expect(await build(['tiny', 'web'])).toEqual({ ran: [], tree: first.tree });

    script('web', 'finalise.d/10-last', ['echo changed > /last']);
    expect((await build(['tiny', 'web'])).ran).toEqual(['finalise.d/10-last']);

    script('web', 'install.d/web-source-install/30-added', ['echo changed > /added']);
    const changed = await build(['tiny', 'web']);
    expect(changed.ran.slice(0, 1)).toEqual(['extra-data.d/99-link']);
    expect(changed.tree).toBe((await build(['tiny', 'web'], { fresh: true })).tree);
  });

  it('builds on what a fresh build has made, and on nothing older', async () => {
    script('web', 'install.d/10-first', ['echo "$EPOCHREALTIME" > /time']);
    script('web', 'install.d/20-second', ['cat /time > /copy']);
    const first = await build(['tiny', 'web']);
    const fresh = await build(['tiny', 'web'], { fresh: true });

    expect(fresh.ran).toEqual(everything);
    expect(fresh.tree).not.toBe(first.tree);
    expect(await build(['tiny', 'web'])).toEqual({ ran: [], tree: fresh.tree });
  });

  it('keeps the states before a script that fails', async () => {
    script('web', 'install.d/20-second', ['exit 3']);
    await expect(build(['tiny', 'web'])).rejects.toMatchObject({ code: 'ElementScriptFailed' });
    script('web', 'install.d/20-second', ['echo right > /second']);

    expect((await build(['tiny', 'web'])).ran).toEqual(['install.d/20-second', 'finalise.d/10-last']);
  });

  it('says what has changed', async () => {
    expect((await explainBuild(options(['tiny', 'web']))).next).toMatchObject({ step: '10-tiny', changes: [] });
    await build(['tiny', 'web']);
    expect(await explainBuild(options(['tiny', 'web']))).toMatchObject({ held: 8, steps: 8, disk: false });

    script('web', 'install.d/10-first', ['echo changed > /first']);
    expect(await explainBuild(options(['tiny', 'web']))).toMatchObject({
      held: 4,
      next: {
        phase: 'install.d',
        step: '10-first',
        changes: [{ kind: 'script', name: 'install.d/10-first', change: 'changed' }],
      },
    });
    script('web', 'install.d/05-new', ['echo new > /new']);
    expect((await explainBuild(options(['tiny', 'web']))).next?.changes).toMatchObject([{ kind: 'order' }]);
    const environment = { GREETING: 'hello' };
    expect((await explainBuild(options(['tiny', 'web'], { environment }))).next).toMatchObject({
      step: '10-tiny',
      changes: [{ kind: 'variable', name: 'GREETING', change: 'new' }],
    });
  });

  it('never writes down the value of a variable', async () => {
    script('web', 'install.d/20-second', ['echo "${DIB_PASSWORD:-}" > /dev/null']);
    await build(['tiny', 'web'], { environment: { DIB_PASSWORD: 'correct horse', OTHER: 'battery staple' } });

    const store = openLayers(state);
    const records = store.list().map(({ id }) => readFileSync(store.file(id, 'record.json'), 'utf8'));
    expect(records.join()).toContain('DIB_PASSWORD');
    expect(records.join()).not.toMatch(/correct horse|battery staple/);
    expect(statSync(store.directory).mode & 0o777).toBe(0o700);
  });

  it('removes what was not used for the longest time, and never what rests on something kept', async () => {
    await build(['tiny', 'web']);
    const store = openLayers(state);
    const old = new Date(Date.now() - 86_400_000);
    for (const { id } of store.list()) utimesSync(store.file(id, 'record.json'), old, old);
    script('web', 'install.d/20-second', ['echo other > /second']);
    await build(['tiny', 'web']);
    const before = store.list();
    const total = before.reduce((sum, { bytes }) => sum + bytes, 0);

    await pruneLayers(state, total - 1);
    const after = store.list();
    expect(after.length).toBeLessThan(before.length);
    const ids = new Set(after.map(({ id }) => id));
    expect(after.filter(({ parent }) => parent !== undefined && !ids.has(parent))).toEqual([]);
    expect((await build(['tiny', 'web'])).ran).toEqual([]);

    await pruneLayers(state, 0);
    expect(store.list()).toEqual([]);
    expect((await build(['tiny', 'web'])).ran).toEqual([
      'root.d/10-tiny',
      'extra-data.d/10-data',
      'install.d/10-first',
      'install.d/20-second',
      'finalise.d/10-last',
    ]);
  });

  it('does not use what a power cut may have damaged', async () => {
    await build(['tiny', 'web']);
    const store = openLayers(state);
    for (const { id } of store.list()) {
      const file = store.file(id, 'record.json');
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), boot: 'another' }));
    }
    expect((await build(['tiny', 'web'])).ran).toEqual([]);

    for (const { id } of store.list()) {
      rmSync(store.file(id, 'synced'), { force: true });
      const file = store.file(id, 'record.json');
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), boot: 'another' }));
    }
    expect((await build(['tiny', 'web'])).ran).toEqual(everything);
  });

  it('lets several builds run at once', async () => {
    script('other', 'install.d/15-other', ['echo other > /other']);
    const [one, two] = await Promise.all([
      buildTree({ ...options(['tiny', 'web']), reporter: { report: () => {} } }),
      buildTree({ ...options(['tiny', 'other']), reporter: { report: () => {} } }),
    ]);
    await using first = one;
    await using second = two;

    expect(readdirSync(first.path)).toContain('second');
    expect(readdirSync(second.path)).toContain('other');
    expect(statSync(join(second.path, 'other')).size).toBe(6);
  });
});
