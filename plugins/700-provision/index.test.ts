import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import type { DeployContext } from '../../src/deploy/plugin.js';
import { plugin } from './index.js';

const on = 'CONFIG_PROVISION_DEMO=y';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sw-demo-'));
  writeFileSync(join(directory, 'instance.qcow2'), 'an image\n');
});

afterAll(() => rmSync(directory, { recursive: true }));

it('makes what there is to try, and says how', async () => {
  const { problems, prepare, manifests, messages } = await planOf(plugin, on);

  expect([problems, prepare, manifests]).toEqual([[], [], ['provision@ctl']]);
  expect(messages).toEqual(['on ctl: . /root/keystonerc_demo && openstack server list']);
  expect((await planOf(plugin)).manifests).toEqual([]);
  expect((await planOf(plugin, on, 'EXCLUDE_SERVERS=ctl', 'CONFIG_COMPUTE_HOSTS=c1')).manifests).toEqual([]);
});

it('sends an image of this machine, unless the host has it, and leaves a URL to the host', async () => {
  const image = `CONFIG_PROVISION_IMAGE_URL=${join(directory, 'instance.qcow2')}`;
  const { prepare } = await planOf(plugin, on, image);
  const sent: unknown[] = [];
  const send = async (has: boolean) => {
    const ssh = {
      run: async (_host: unknown, [program]: string[]) => ({ status: program === 'sha256sum' && !has ? 1 : 0 }),
      sendDirectory: async (_host: unknown, from: string, to: string, { names }: { names: string[] }) => {
        sent.push([from, to, names]);
      },
    };
    await prepare[0]?.work({ ssh, reach: (name: string) => ({ name }) } as unknown as DeployContext);
  };

  expect(prepare.map(({ id }) => id)).toEqual(['provision.image@ctl']);
  await send(true);
  expect(sent).toEqual([]);
  await send(false);
  expect(sent).toEqual([[directory, '/var/lib/stackwright/images', ['instance.qcow2']]]);
  const url = 'CONFIG_PROVISION_IMAGE_URL=https://images.example/demo.qcow2';
  expect((await planOf(plugin, on, url)).prepare).toEqual([]);
});

it.each([
  ['a cloud without networks', 'CONFIG_NEUTRON_INSTALL=n', 'CONFIG_PROVISION_DEMO=y needs CONFIG_NEUTRON_INSTALL=y'],
  ['an image that is not there', 'CONFIG_PROVISION_IMAGE_URL=/nowhere.qcow2', 'CONFIG_PROVISION_IMAGE_URL'],
  ['half a pool', 'CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=["start=1.2.3.4"]', 'CONFIG_PROVISION_DEMO_ALLOCATION_POOLS'],
])('refuses %s', async (_what, line, problem) => {
  expect((await planOf(plugin, on, line)).problems.join('\n')).toContain(problem);
});
