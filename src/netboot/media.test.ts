import { expect, it } from 'vitest';
import { renderMenu } from './media.js';

it('starts the ramdisk without a token after ten seconds', async () => {
  const options = { IP: 'eth0:10.0.0.7/24:10.0.0.254', ONSUCCESS: 'halt' };

  const menu = renderMenu({ server: '10.0.0.1', httpPort: 8080, options, targetKernelLine: 'console=ttyS0' });

  await expect(menu).toMatchFileSnapshot('golden/medium.cfg');
});
