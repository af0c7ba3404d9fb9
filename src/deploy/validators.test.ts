import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configurationOf, type Validator } from './parameter.js';
import {
  address,
  each,
  exportPath,
  fileExists,
  float,
  hostName,
  integer,
  ipv4,
  ipv6,
  listens,
  matches,
  port,
  reachable,
  writableDirectory,
} from './validators.js';

const known = configurationOf(new Map());

it.each([
  ['integer', integer, ['0', '-12'], ['', '1.5', '1e3', 'ten']],
  ['float', float, ['16.0', '1', '-0.5'], ['', '.5', '1.', '1e3']],
  ['matches', matches(/[a-z]+|\d/, 'it'), ['abc', '7'], ['', 'abc7', '77', 'Abc']],
  ['port', port, ['0', '22', '65535'], ['', '-1', '65536', '080000', 'ssh']],
  ['address', address, ['192.0.2.1', '2001:db8::1'], ['', '192.0.2', 'localhost']],
  ['ipv4', ipv4, ['192.0.2.1'], ['2001:db8::1', '192.0.2.256']],
  ['ipv6', ipv6, ['2001:db8::1', '::'], ['192.0.2.1', '2001:db8::g']],
  ['each', each(ipv4), ['', '192.0.2.1, 192.0.2.2'], ['192.0.2.1,here']],
  ['hostName', hostName, ['ctl', 'ctl.example.org', 'fe80::1'], ['', '-x', 'a b', 'x;y']],
  ['exportPath', exportPath, ['nas:/srv/cinder', '[2001:db8::1]:/x'], ['/srv/cinder', 'nas:srv', 'nas:/a b', '']],
  ['fileExists', fileExists, [import.meta.filename], ['/nowhere', tmpdir()]],
  ['writableDirectory', writableDirectory, [tmpdir()], ['/nowhere', import.meta.filename, '/proc/1/fd/x']],
] satisfies [string, Validator, string[], string[]][])(
  '%s tells right values from wrong ones',
  async (_name, validator, right, wrong) => {
    for (const value of right) expect([value, await validator(value, known)]).toEqual([value, undefined]);
    for (const value of wrong) expect([value, await validator(value, known)]).toEqual([value, expect.any(String)]);
  },
);

it('listens tells an open port from a closed one', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: open } = server.address() as AddressInfo;

  expect(await listens(open)('127.0.0.1', known)).toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
  expect(await listens(open)('127.0.0.1', known)).toBe(`does not listen on port ${open}`);
  expect(await listens()('-oProxyCommand=x', known)).toBe('is not a host name or address');
});

it('reachable asks for a machine, whether it listens or not', async () => {
  expect(await reachable('127.0.0.1', known)).toBeUndefined();
  expect(await reachable('nowhere.invalid', known)).toBe('does not answer');
  expect(await reachable('not a host', known)).toBe('is not a host name or address');
});

it('writableDirectory needs the right to write', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stackwright-'));

  expect(await writableDirectory(directory, known)).toBeUndefined();
  rmSync(directory, { recursive: true });
  expect(await writableDirectory(directory, known)).toBe('is not a directory of this machine that can be written to');
});
