import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Fact } from './facts.js';
import { previewScript } from './preview.js';
import { loadSite, matchSite } from './site.js';

const layout = (size: string) => `role: {name: web, version: '1.0'}
disks: {only: {device: $disk, partitions: {root: {size: ${size}, format: ext4, mount: /}}}}
kernel_options: ip=$ip
`;
const facts: Fact[] = [['disk', 'vda', 'size', '8']];
const cmdb = "[{'ip': '10.0.0.1', 'used': 1}, {'ip': '10.0.0.2'}]\n";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
  writeFileSync(join(directory, 'state'), "[('vm', 1)]\n");
  writeFileSync(join(directory, 'vm.specs'), "[('disk', '$disk', 'size', 'gt(1)')]\n");
  writeFileSync(join(directory, 'vm.cmdb'), cmdb);
});

afterEach(() => rmSync(directory, { recursive: true }));

async function preview(size: string): Promise<string> {
  writeFileSync(join(directory, 'vm.layout.yaml'), layout(size));
  const site = await loadSite(directory);
  const match = matchSite(site.profiles, facts);
  if (match.profile === undefined) throw new Error('it does not match');
  return previewScript(site, match, facts);
}

it('is the script of the next machine, with the entry that is free, which stays free', async () => {
  const script = await preview('3GiB');

  expect(script).toContain('\ngrub_options ip=10.0.0.2\n');
  expect(script).toContain('\nset_role web 1.0 /dev/vda\n');
  expect(readFileSync(join(directory, 'vm.cmdb'), 'utf8')).toBe(cmdb);
});

it('says that a layout does not fit the machine', async () => {
  await expect(preview('30GiB')).rejects.toMatchObject({ code: 'LayoutDoesNotFit' });
});

it('has either a layout or a script', async () => {
  writeFileSync(join(directory, 'vm.configure'), "run('true')\n");

  await expect(preview('3GiB')).rejects.toMatchObject({
    code: 'SiteInvalid',
    message: expect.stringContaining('the profile has a configure script too'),
  });
});
