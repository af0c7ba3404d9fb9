import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command, RouteMap } from '@stricli/core';
import { expect, it } from 'vitest';
import type { Json } from '../../src/base/events.js';
import { parseAnswers } from '../../src/base/ini.js';
import { routes } from '../../src/cli/routes.js';
import { resolveAnswers } from '../../src/deploy/answers.js';
import { parameterReference } from '../../src/deploy/index.js';
import { loadPlugins } from '../../src/deploy/load-plugins.js';
import { type NetworkDescription, parseDriveJson, renderConfigDrive, renderRoot } from '../../src/firstboot/index.js';
import { planBlockDevices, readBlockDeviceConfig } from '../../src/image/block-device/index.js';
import { parseCmdb, parseFacts, renderConfigureScript } from '../../src/inventory/index.js';
import { parseLayout } from '../../src/inventory/layout/index.js';
import { parseState } from '../../src/inventory/site.js';
import { parseSpecs } from '../../src/inventory/specs.js';

const root = new URL('../..', import.meta.url).pathname;
const pages = ['README.md', ...filesBelow('docs', '.md')];
type Target = RouteMap<never> | Command<never>;

/** Readers of the code blocks that are marked with a format, as in ```python specs; each throws at a mistake. */
const readers: Record<string, (text: string, page: string) => unknown> = {
  specs: parseSpecs,
  'specs.yaml': (text, page) => parseSpecs(text, `${page}.yaml`),
  cmdb: parseCmdb,
  'cmdb.yaml': (text, page) => parseCmdb(text, `${page}.yaml`),
  state: parseState,
  'state.yaml': (text, page) => parseState(text, `${page}.yaml`),
  facts: parseFacts,
  configure: (configureText) => renderConfigureScript({ profile: 'page', configureText, variables: {} }),
  layout: (text, page) => parseLayout(text, page),
  'block-device': (text, page) => planBlockDevices(readBlockDeviceConfig(text, page), 4 * 2 ** 30),
  network_data: (text, page) => renderConfigDrive({ network: parseDriveJson<NetworkDescription>(text, page) }),
  meta_data: (text, page) => renderConfigDrive({ metaData: parseDriveJson<Record<string, Json>>(text, page) }),
  'network-config': (text) => expect(noCloudWarnings('network-config', text)).toEqual([]),
  'meta-data': (text) => expect(noCloudWarnings('meta-data', text)).toEqual([]),
  async answers(text, page) {
    const { findings } = await resolveAnswers(parseAnswers(text, page), await loadPlugins(), { mayCreate: false });
    expect(findings.filter(({ level, code }) => level === 'error' || code === 'UnsupportedParameter')).toEqual([]);
  },
};

it('every relative link names a file, and a heading of it', () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
      .filter(([, path = '', heading]) => {
        const target = path === '' ? page : join(dirname(page), path);
        return !existsSync(join(root, target)) || (heading !== undefined && !anchors(target).includes(heading));
      })
      .map(([link]) => `${page}: ${link}`),
  );

  expect(broken).toEqual([]);
});

it('docs/reference/events.md lists every event of the source, and no other', () => {
  const source = ['src', 'plugins']
    .flatMap((top) => filesBelow(top, '.ts'))
    .filter((name) => !/\.test\.ts$/.test(name));
  const codes = source.flatMap((name) =>
    [...read(name).matchAll(/(?:StackwrightEvent<\s*|\bcode: )'([a-z]+\.[a-z.-]+)'/g)].map(([, code]) => code),
  );

  expect(firstColumn('docs/reference/events.md')).toEqual([...new Set(codes)].sort());
});

it('docs/reference/commands.md lists every command with its brief', () => {
  const lines = Object.entries(routes).flatMap(([name, target]) => commandLines(target, [name]));
  const rows = read('docs/reference/commands.md').match(/^\| `.*$/gm);

  expect(rows).toEqual(lines);
});

it('docs/reference/parameters.md is what `answers options` prints', async () => {
  expect(read('docs/reference/parameters.md')).toBe(await parameterReference());
});

it('every command line of a console block names a command and its flags', () => {
  const lines = codeBlocks('console').flatMap(({ page, text }) =>
    text.split('\n').flatMap((line) => {
      const [, words] = /^\$ (?:bin\/)?stackwright ([^|;>]*)/.exec(line) ?? [];
      return words === undefined ? [] : [{ page, words: words.trim().split(/\s+/) }];
    }),
  );
  const wrong = lines
    .filter(({ words }) => !isCommandLine(words))
    .map(({ page, words }) => `${page}: ${words.join(' ')}`);

  expect(lines.length).toBeGreaterThan(20);
  expect(wrong).toEqual([]);
});

it.each(Object.keys(readers))('every example of %s is read by the product', async (format) => {
  const examples = codeBlocks(`\\w+ ${format}`);

  expect(examples).not.toEqual([]);
  for (const { text, page } of examples) await readers[format]?.(text, page);
});

it('every mark of a code block has a reader', () => {
  const marks = pages.flatMap((page) => [...read(page).matchAll(/^```\w+ (\S+)$/gm)].map(([, mark]) => mark ?? ''));

  expect(marks.filter((mark) => !(mark in readers))).toEqual([]);
});

/** What a first boot says of a NoCloud drive with this file. */
function noCloudWarnings(file: string, text: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'docs-'));
  try {
    mkdirSync(join(directory, 'mnt/config'), { recursive: true });
    writeFileSync(join(directory, 'mnt/config', file), text);
    return renderRoot(directory, { distro: 'networkd', ssh: file === 'meta-data' }).warnings;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function filesBelow(directory: string, ending: string): string[] {
  const names = readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(directory, name));
}

/** The headings of a page as GitHub makes anchors of them. */
function anchors(page: string): string[] {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  return headings.map((heading) => heading.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'));
}

/** The names in code that begin the rows of tables: those of events, `a.b`. */
function firstColumn(page: string): string[] {
  return [...read(page).matchAll(/^\| `([a-z]+\.[a-z.-]+)` \|/gm)].map(([, name]) => name ?? '').sort();
}

function codeBlocks(info: string): { page: string; text: string }[] {
  const block = new RegExp(`^\`\`\`${info}\\n([\\s\\S]*?)^\`\`\``, 'gm');
  return pages.flatMap((page) => [...read(page).matchAll(block)].map(([, text = '']) => ({ page, text })));
}

function commandLines(target: Target, words: string[]): string[] {
  if (!('getAllEntries' in target)) return [`| \`${words.join(' ')}\` | ${target.brief} |`];
  return target.getAllEntries().flatMap((entry) => commandLines(entry.target, [...words, entry.name.original]));
}

function isCommandLine(words: string[]): boolean {
  let target: Target | undefined = (routes as Record<string, Target>)[words[0] ?? ''];
  let at = 1;
  while (target && 'getAllEntries' in target) {
    const next: Target | undefined = target.getRoutingTargetForInput(words[at] ?? '');
    if (next) at++;
    target = next ?? target.getDefaultCommand();
  }
  if (!target) return false;
  const { usesFlag } = target as Command<never>;
  const flags = words.slice(at).filter((word) => /^--?[a-z]/.test(word));
  const inCamelCase = (flag: string) =>
    flag.replace(/^-+/, '').replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return flags.every((flag) => usesFlag(inCamelCase(flag), 'original'));
}
