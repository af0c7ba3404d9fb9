import { expect, it } from 'vitest';
import { stateDirectory } from '../base/state.js';
import { parseHostKeys, renderKnownHosts, renderSshConfig } from './ssh-access.js';

const key = `ssh-ed25519 ${'A'.repeat(68)}`;
const target = { hostName: 'node1', address: '10.77.0.11', hostKeys: [key] };
const state = { ...stateDirectory('/tmp'), path: (...parts: string[]) => ['/state', ...parts].join('/') };

it('pins the keys of a machine under its name and its address', () => {
  expect(renderKnownHosts([target])).toBe(`node1,10.77.0.11 ${key}\n`);
});

it('reaches a machine by name or address, strictly, through the proxy', async () => {
  const text = renderSshConfig(state, [target], 'ip netns exec lab nc %h %p');

  await expect(text).toMatchFileSnapshot('golden/ssh_config');
});

it('takes the keys that a machine reports without their comments', () => {
  expect(parseHostKeys(`${key} root@node1\n\n`)).toEqual([key]);
});

it.each([`${key}\nevil ssh-rsa AAAA`, '@cert-authority * ssh-rsa AAAA', 'ssh-ed25519 AAAA,BBBB'])(
  'refuses %j as a host key',
  (text) => {
    expect(() => parseHostKeys(text)).toThrow(/no SSH public key/);
  },
);
