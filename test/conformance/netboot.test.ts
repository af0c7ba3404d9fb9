import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('writes a configuration that dnsmasq accepts', () => {
  const golden = new URL('../../src/netboot/golden/dnsmasq.conf', import.meta.url).pathname;

  // dnsmasq looks at the TFTP directory only when it starts.
  const output = execFileSync('dnsmasq', ['--test', `--conf-file=${golden}`], { encoding: 'utf8', stdio: 'pipe' });

  expect(output).toBe('');
});
