import { expect, it } from 'vitest';
import { run } from '../base/command.js';
import { lackingScript } from './kernel-modules.js';

it('finds the modules that a kernel lacks', async () => {
  const { stdout } = await run('sh', ['-c', lackingScript, 'sh', 'printk', 'no_such_module']);

  expect(stdout).toBe('no_such_module\n');
});
