import { expect, it } from 'vitest';
import { parseRamdiskOptions, renderIpxeBoot, renderIpxeEntry, renderIpxeLocal, renderIpxeRefusal } from './ipxe.js';

it('asks again with what iPXE knows of the machine', async () => {
  await expect(renderIpxeEntry()).toMatchFileSnapshot('golden/entry.ipxe');
});

it('boots the ramdisk with the kernel line of eDeploy', async () => {
  const script = renderIpxeBoot({
    server: '10.77.0.1',
    httpPort: 8080,
    token: 'TOKEN',
    options: {},
    section: 'LAB',
    targetKernelLine: 'console=tty0 console=ttyS0,115200',
  });

  await expect(script).toMatchFileSnapshot('golden/boot.ipxe');
});

it('sends an installed machine to its disk', async () => {
  await expect(renderIpxeLocal()).toMatchFileSnapshot('golden/local.ipxe');
});

it('shows a refusal in which nothing of the reason is a command or a setting', () => {
  const script = renderIpxeRefusal('held: by "bob" && shell ${net0/mac}\nshell || x');

  expect(script).toBe('#!ipxe\necho Stackwright: held: by ?bob? ?? shell ??net0/mac??shell ?? x\nsleep 60\nreboot\n');
});

it('lets an operator say to ramdisks what they do, over our own words', () => {
  const options = parseRamdiskOptions(['ONSUCCESS=kexec', 'IP=eth0:10.0.0.7/24:10.0.0.1', 'RSERV=10.0.0.2']);

  const script = renderIpxeBoot({ server: '10.0.0.1', httpPort: 80, token: 'T', options, targetKernelLine: '' });

  expect(script).toContain(' ONSUCCESS=kexec ONFAILURE=console IP=eth0:10.0.0.7/24:10.0.0.1 RSERV=10.0.0.2 ||');
});

it.each(['ONSUCCESS=sleep', 'LLDP=long', 'TOKEN=mine', 'init=/bin/sh', 'IP=eth0:$(id)', 'RSERV'])(
  'refuses the option %j',
  (word) => {
    expect(() => parseRamdiskOptions([word])).toThrow(expect.objectContaining({ code: 'KernelOptionInvalid' }));
  },
);
