import { expect, it } from 'vitest';
import { configurationOf, type FindMachines, type Processor } from './parameter.js';
import { factIsAuto, host, hostAddress, hosts, network, pythonBoolean, yesOrNo } from './processors.js';

const known = configurationOf(new Map());
const machines: Record<string, string[]> = { 'role=compute': ['c1', 'c2'], 'role=controller': ['ctl'] };
const findMachines: FindMachines = async (property, value) => machines[`${property}=${value}`] ?? [];

it.each([
  [network, '10.1.2.3/24', '10.1.2.0/24'],
  [network, '2001:db8::5/64', '2001:db8::/64'],
  [network, 'eth0', 'eth0'],
  [yesOrNo, 'Yes', 'y'],
  [yesOrNo, 'FALSE', 'n'],
  [pythonBoolean, 'y', 'True'],
  [pythonBoolean, 'False', 'False'],
  [pythonBoolean, 'perhaps', 'perhaps'],
  [factIsAuto, '%{::processorcount}', 'auto'],
  [factIsAuto, '4', '4'],
  [hostAddress, '192.0.2.7', '192.0.2.7'],
  [hostAddress, 'localhost', expect.stringMatching(/^(127\.0\.0\.1|::1)$/)],
  [hosts, 'role=compute', 'c1,c2'],
  [hosts, 'c2, role=compute ,c9', 'c2,c1,c9'],
  [hosts, 'c2, c9', 'c2, c9'],
  [host, 'role=controller', 'ctl'],
] satisfies [Processor, string, string][])('%o turns %s into %s', async (processor, value, expected) => {
  const processed = await processor(value, { known, mayCreate: false, findMachines });

  expect(processed.value).toEqual(expected);
  expect(await processor(processed.value, { known, mayCreate: false })).toMatchObject({ value: expected });
});

it.each([
  [hosts, 'role=storage', 'names no installed machine: no role is storage'],
  [host, 'role=compute', 'names 2 machines (c1, c2), and one is needed'],
  [hostAddress, 'nowhere.invalid', 'has no address that this machine knows'],
] satisfies [Processor, string, string][])('%o says what is wrong with %s', async (processor, value, problem) => {
  expect(await processor(value, { known, mayCreate: false, findMachines })).toEqual({ value, problem });
});

it('says that a query needs an inventory', async () => {
  const processed = await hosts('role=compute', { known, mayCreate: false });

  expect(processed.problem).toBe('is a query, and there is no inventory to ask');
});
