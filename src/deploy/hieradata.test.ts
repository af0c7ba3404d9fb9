import { expect, it } from 'vitest';
import { lookedUp, renderHieradata } from './hieradata.js';

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
