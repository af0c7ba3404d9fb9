import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { scratchState } from '../engine/scratch.fixture.js';
import { answersFromInventory, inventoryMachines } from './host-query.js';

const scratch = scratchState();

async function machines(...rows: { name: string; role: string; state?: 'up' | 'installed' | 'failed' }[]) {
  await scratch.db.deleteFrom('machine').execute();
  for (const { name, role, state = 'up' } of rows) {
    const values = {
      identity: name,
      name,
      host_name: name,
      role,
      state,
      facts: '[]',
      variables: '{}',
      host_keys: '[]',
    };
    await scratch.db.insertInto('machine').values(values).execute();
  }
}

it('finds installed machines by role, profile, state and name', async () => {
  const find = inventoryMachines(async () => scratch.db);
  await machines(
    { name: 'ctl', role: 'controller' },
    { name: 'c1', role: 'compute', state: 'installed' },
    { name: 'c2', role: 'compute' },
    { name: 'c3', role: 'compute', state: 'failed' },
  );

  expect((await find('role', 'compute')).sort()).toEqual(['c1', 'c2']);
  expect(await find('state', 'installed')).toEqual(['c1']);
  expect(await find('name', 'ctl')).toEqual(['ctl']);
  expect(await find('profile', 'hp')).toEqual([]);
  await expect(find('colour', 'red')).rejects.toMatchObject({ code: 'HostQueryWrong' });
});

it('does not open the inventory before it is asked', () => {
  let opened = false;

  inventoryMachines(async () => {
    opened = true;
    return scratch.db;
  });

  expect(opened).toBe(false);
});

it.each([
  [['controller', 'compute', 'network'], { controller: 'm0', compute: 'm1', network: 'm2' }],
  [['web', 'web', 'web'], { controller: 'm0', compute: 'm1,m2', network: 'm0' }],
  [['web', 'controller', 'network'], { controller: 'm1', compute: 'm0', network: 'm2' }],
  [['web'], { controller: 'm0', compute: 'm0', network: 'm0' }],
])('makes answers of machines with the roles %j', async (roles, expected) => {
  await machines(...roles.map((role, index) => ({ name: `m${index}`, role })));

  const answers = await answersFromInventory(scratch.db, scratch.state);

  expect(Object.fromEntries(answers)).toEqual({
    CONFIG_SSH_KEY: scratch.state.path('ssh', 'id_ed25519.pub'),
    CONFIG_CONTROLLER_HOST: expected.controller,
    CONFIG_COMPUTE_HOSTS: expected.compute,
    CONFIG_NETWORK_HOSTS: expected.network,
  });
  expect(existsSync(answers.get('CONFIG_SSH_KEY') ?? '')).toBe(true);
});

it('says that no machine is installed', async () => {
  await machines({ name: 'm0', role: 'web', state: 'failed' });

  await expect(answersFromInventory(scratch.db, scratch.state)).rejects.toMatchObject({ code: 'InventoryEmpty' });
});
