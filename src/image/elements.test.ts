import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { elementsPath, firstPartyElements, linkOwnElements, resolveElements, scriptElementsPath } from './elements.js';

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'stackwright-elements-'));
});

afterEach(() => rmSync(path, { recursive: true }));

/** Makes an element in a directory of the elements path. */
function element(name: string, dependencies: string[] = [], provides: string[] = [], directory = path): void {
  mkdirSync(join(directory, name), { recursive: true });
  if (dependencies.length > 0) writeFileSync(join(directory, name, 'element-deps'), `${dependencies.join('\n')}\n\n`);
  if (provides.length > 0) writeFileSync(join(directory, name, 'element-provides'), `${provides.join('\n')}\n`);
}

function names(wanted: string[], directories = [path]): string[] {
  return resolveElements(wanted, directories, { withoutBase: true }).map(({ name }) => name);
}

it('takes dependencies of dependencies, each once and sorted', () => {
  element('system', [], ['operating-system']);
  element('web', ['ssl', 'tools']);
  element('ssl', ['tools']);
  element('tools');

  expect(names(['web', 'system'])).toEqual(['ssl', 'system', 'tools', 'web']);
});

it('ends at dependencies in a circle', () => {
  element('system', ['a'], ['operating-system']);
  element('a', ['b']);
  element('b', ['a', 'system']);

  expect(names(['system'])).toEqual(['a', 'b', 'system']);
});

it('leaves out what another element provides', () => {
  element('system', [], ['operating-system']);
  element('app', ['mailer', 'postfix']);
  element('postfix', [], ['mailer']);
  element('mailer', ['exim']);

  expect(names(['postfix', 'app', 'system'])).toEqual(['app', 'postfix', 'system']);
});

it('takes an element from the earlier directory of two', () => {
  const later = join(path, 'later');
  mkdirSync(later);
  element('system', [], ['operating-system']);
  element('system', ['nowhere'], [], later);

  expect(resolveElements(['system'], [path, later], { withoutBase: true })).toMatchObject([
    { name: 'system', path: join(path, 'system') },
  ]);
});

it('implies base, and finds our own elements last on every path', () => {
  element('system', [], ['operating-system']);

  const found = resolveElements(['system'], [path]);

  expect(found.find(({ name }) => name === 'base')?.path).toBe(join(firstPartyElements(), 'base'));
  expect(elementsPath(path)).toEqual([path, firstPartyElements()]);
});

it('tells scripts of our own elements only those of the build', () => {
  element('system', [], ['operating-system']);
  const elements = resolveElements(['system', 'openssh-server'], [path], { withoutBase: true });
  const own = join(path, 'own');

  linkOwnElements(elements, own);

  expect(scriptElementsPath(elementsPath(path), own)).toEqual([path, own]);
  expect(readdirSync(own)).toContain('openssh-server');
  expect(readdirSync(own)).not.toContain('simple-init');
  expect(realpathSync(join(own, 'openssh-server'))).toBe(join(firstPartyElements(), 'openssh-server'));
});

it('says which element needs one that does not exist', () => {
  element('system', ['no-such'], ['operating-system']);

  expect(() => names(['system'])).toThrow(
    expect.objectContaining({
      code: 'ElementNotFound',
      details: expect.objectContaining({ value: 'no-such', file: join(path, 'system', 'element-deps') }),
    }),
  );
});

it('refuses an element that another one provides when the user names both', () => {
  element('system', [], ['operating-system']);
  element('postfix', [], ['mailer']);
  element('mailer');

  expect(() => names(['system', 'postfix', 'mailer'])).toThrow(
    expect.objectContaining({ code: 'ElementAlreadyProvided' }),
  );
});

it('refuses elements without an operating system', () => {
  element('web');

  expect(() => names(['web'])).toThrow(expect.objectContaining({ code: 'NoOperatingSystem' }));
});

it('refuses a path that does not exist', () => {
  expect(() => elementsPath('/no/such')).toThrow(expect.objectContaining({ code: 'ElementsPathMissing' }));
});

it('gives a vm partitions where none are named, by architecture', () => {
  element('system', [], ['operating-system']);
  const partitions = (wanted: string[], arch: string) =>
    resolveElements(wanted, [path], { withoutBase: true, arch })
      .map(({ name }) => name)
      .filter((name) => name.startsWith('block-device'));

  expect(partitions(['system', 'vm'], 'amd64')).toEqual(['block-device-mbr']);
  expect(partitions(['system', 'vm'], 'arm64')).toEqual(['block-device-efi']);
  expect(partitions(['system', 'vm', 'block-device-gpt'], 'amd64')).toEqual(['block-device-gpt']);
  expect(partitions(['system'], 'amd64')).toEqual([]);
});
