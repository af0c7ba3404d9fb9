import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hieradataOf, lookedUp, renderHieradata } from './hieradata.js';
import { configurationOf } from './parameter.js';
import { pluginFile } from './plugin.js';

it('quotes every text, and keeps hiera from evaluating a value', () => {
  const text = renderHieradata({
    CONFIG_DEBUG_MODE: 'y',
    CONFIG_KEYSTONE_DB_PW: 'a"%{facts.kernel}\\: #',
    EXEC_TIMEOUT: 300,
    HOST_ADDRESSES: { 'fe80::1': 'fe80::1', ctl: '10.0.0.1' },
  });

  expect(text).toBe(`---
CONFIG_DEBUG_MODE: "y"
CONFIG_KEYSTONE_DB_PW: "a\\"%{literal('%')}{facts.kernel}\\\\: #"
EXEC_TIMEOUT: 300
HOST_ADDRESSES:
  fe80::1: "fe80::1"
  ctl: "10.0.0.1"
`);
});

it('finds what a manifest looks up, comments left out', () => {
  const manifest = `# lookup('CONFIG_OLD')
$a = lookup('CONFIG_B')
class { 'x': y => lookup( "CONFIG_A" ), z => lookup('CONFIG_B') }`;

  expect(lookedUp(manifest)).toEqual(['CONFIG_A', 'CONFIG_B']);
});

it('gives a manifest only the values that it looks up', () => {
  const configuration = configurationOf(
    new Map([
      ['CONFIG_MEMCACHED_MAX_MEMORY', '5%'],
      ['CONFIG_DEBUG_MODE', 'n'],
      ['CONFIG_KEYSTONE_ADMIN_PW', 'secret of another service'],
    ]),
  );
  const manifest = readFileSync(pluginFile('004-memcached', 'manifests', 'memcached.pp'), 'utf8');
  const values = { HOST_NAME: 'ctl', HOST_ADDRESS: '10.0.0.1', HOST_ADDRESSES: { ctl: '10.0.0.1' }, EXEC_TIMEOUT: 300 };

  expect(hieradataOf(manifest, configuration, values)).toBe(`---
CONFIG_MEMCACHED_MAX_MEMORY: "5%"
CONFIG_DEBUG_MODE: "n"
HOST_ADDRESS: "10.0.0.1"
EXEC_TIMEOUT: 300
`);
});
