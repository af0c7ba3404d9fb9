import { expect, it } from 'vitest';
import { renderIpxeBoot, renderIpxeEntry, renderIpxeLocal, renderIpxeRefusal } from './ipxe.js';

it('asks again with what iPXE knows of the machine', async () => {
  await expect(renderIpxeEntry()).toMatchFileSnapshot('golden/entry.ipxe');
});

it('boots the ramdisk with the kernel line of eDeploy', async () => {
  const script = renderIpxeBoot({
    server: '10.77.0.1',
    httpPort: 8080,
    token: 'TOKEN',
    onSuccess: 'reboot',
    onFailure: 'console',
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
