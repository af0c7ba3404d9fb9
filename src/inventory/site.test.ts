import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseEdeployConf } from './edeploy-conf.js';
import { checkSite, explainText, formatState, loadSite, matchSite, parseState } from './site.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

const good = {
  state: "[('hp', 4), ('vm', '*')]\n",
  'hp.specs': "[('system', 'product', 'vendor', 'HP')]\n",
  'hp.configure': "run('true')\n",
  'vm.specs': "[('disk', '$disk', 'size', 'gt(4)')]\n",
  'vm.configure': '#!/bin/sh\n',
  'vm.cmdb': "generate({'ip': '192.168.122.3-4'})\n",
};

it('reads the profiles in the order of state, and nothing else of the directory', async () => {
  write({ ...good, 'answers.txt': 'not ours', 'old.specs': 'not [ Python' });
  mkdirSync(join(directory, 'elements'));

  const site = await loadSite(directory);

  expect(site.profiles.map(({ name, remaining }) => [name, remaining])).toEqual([
    ['hp', 4],
    ['vm', null],
  ]);
  expect(site.profiles[1]?.cmdb).toMatchObject({
    generated: true,
    entries: [{ ip: '192.168.122.3' }, { ip: '192.168.122.4' }],
  });
});

it('collects all the problems with their places', async () => {
  write({
    state: "[('hp', 4), ('vm', '*'),\n ('big', 1)]",
    'hp.specs': "[\n ('disk', '$d', 'size', 'gte(4)')]",
    'hp.configure': '#!/usr/bin/perl\n',
    'vm.specs': "[('a', 'b', 'c', 'd']",
    'vm.configure': '',
    'vm.cmdb': '{}',
    'big.specs': '[]',
  });

  const { site, problems } = await checkSite(directory);

  expect(site).toBeUndefined();
  expect(problems.map(({ code, details: { file, line } }) => [code, file?.slice(directory.length + 1), line])).toEqual([
    ['SpecInvalid', 'hp.specs', 2],
    ['ConfigureInvalid', 'hp.configure', 1],
    ['PythonLiteralInvalid', 'vm.specs', 1],
    ['CmdbInvalid', 'vm.cmdb', 1],
    ['SiteFileMissing', 'big.configure', undefined],
  ]);
  await expect(loadSite(directory)).rejects.toMatchObject({
    code: 'SiteInvalid',
    details: { file: join(directory, 'hp.specs'), line: 2, hint: expect.stringContaining('big.configure') },
  });
});

it.each([
  ["('hp', 4)", 'an entry is not a pair of profile and count'],
  ["[('hp', 4, 5)]", 'an entry is not a pair of profile and count'],
  ["[('hp', -1)]", "a count is not a number or '*'"],
  ["[('hp', 'all')]", "a count is not a number or '*'"],
  ["[('../hp', 1)]", 'the name of a profile is wrong'],
  ["[('hp', 1), ('hp', 2)]", 'a profile is named twice'],
])('refuses the state %s', (text, message) => {
  expect(() => parseState(text, 'state')).toThrow(expect.objectContaining({ code: 'StateFileInvalid', message }));
});

it("writes state in eDeploy's form", () => {
  expect(formatState(parseState("[['hp', '4'], ('vm', '*')]", 'state'), 'state')).toBe("[('hp', 4), ('vm', '*')]\n");
});

it('matches the first profile with a count left, and explains the others', async () => {
  write({ ...good, state: "[('hp', 0), ('vm', '*')]" });
  const site = await loadSite(directory);

  expect(matchSite(site.profiles, [['disk', 'vda', 'size', '8']])).toEqual({
    profile: 'vm',
    variables: { disk: 'vda' },
    forced: {},
  });
  const missed = matchSite(site.profiles, [['disk', 'vda', 'size', '4']]);
  expect(explainText('explanations' in missed ? missed.explanations : [])).toBe(
    `vm: comes closest, 0 of 1 specs match
  ${directory}/vm.specs:1 ('disk', '$disk', 'size', 'gt(4)'): no line matches
    the machine has disk vda size 4
hp: its count in the state file is 0, no more may be installed`,
  );
});

it('puts the profile first that came closest', async () => {
  write({
    ...good,
    'vm.specs': "[('disk', '$disk', 'size', 'gt(4)'), ('disk', '$disk', 'vendor', '0x1af4')]",
  });
  const site = await loadSite(directory);

  const missed = matchSite(site.profiles, [
    ['disk', 'vda', 'size', '8'],
    ['disk', 'vdb', 'vendor', '0x1af4'],
  ]);

  const lines = explainText('explanations' in missed ? missed.explanations : []).split('\n');
  expect(lines[0]).toBe('vm: comes closest, 1 of 2 specs match');
  expect(lines[1]).toContain("('disk', '$disk', 'vendor', '0x1af4'): no line matches with what is bound, $disk is vda");
  expect(lines[3]).toBe('hp: 0 of 1 specs match');
});

it('reads the sections of edeploy.conf', () => {
  const text =
    '# ours\n[SERVER]\n\nCONFIGDIR=/root/edeploy/config\nhwdir : /var/hw\nLOCKFILE=/var/tmp/edeploy.lock\n[LAB]\nCONFIGDIR = /lab\nMETADATAURL=http://10.0.0.1:80/\n';

  expect(parseEdeployConf(text, 'edeploy.conf')).toEqual([
    {
      name: 'SERVER',
      configDir: '/root/edeploy/config',
      hwDir: '/var/hw',
      logDir: '/root/edeploy/config',
      lockFile: '/var/tmp/edeploy.lock',
      metadataUrl: undefined,
    },
    {
      name: 'LAB',
      configDir: '/lab',
      hwDir: '/lab',
      logDir: '/lab',
      lockFile: undefined,
      metadataUrl: 'http://10.0.0.1:80/',
    },
  ]);
  expect(() => parseEdeployConf('[A]\nHWDIR=/x\n', 'edeploy.conf')).toThrow('a section has no CONFIGDIR');
  expect(() => parseEdeployConf('HWDIR=/x\n', 'edeploy.conf')).toThrow('a line stands before any [SECTION]');
});
