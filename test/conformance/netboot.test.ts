import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it.each(['dnsmasq', 'dnsmasq-proxy', 'dnsmasq-networks'])('writes a configuration that dnsmasq accepts: %s', (name) => {
  const golden = new URL(`../../src/netboot/golden/${name}.conf`, import.meta.url).pathname;

  // dnsmasq looks at the TFTP directory only when it starts.
  const output = execFileSync('dnsmasq', ['--test', `--conf-file=${golden}`], { encoding: 'utf8', stdio: 'pipe' });

  expect(output).toBe('');
});
