import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { takeLock } from './lock.js';

const path = `/test/${process.pid}`;

it('is held by one at a time, and free again afterwards', async () => {
  const lock = await takeLock(path, 'the test', 0);

  await expect(takeLock(path, 'the test', 0)).rejects.toMatchObject({ code: 'Busy' });
  await expect(takeLock(`${path}/other`, 'another', 0).then((other) => other[Symbol.asyncDispose]())).resolves.toBe(
    undefined,
  );
  await lock[Symbol.asyncDispose]();
  await (await takeLock(path, 'the test', 0))[Symbol.asyncDispose]();
});

it('waits for another holder', async () => {
  const first = await takeLock(path, 'the test', 0);

  const second = takeLock(path, 'the test', 60);
  await first[Symbol.asyncDispose]();

  await (await second)[Symbol.asyncDispose]();
});

it('is freed by kill -9', async () => {
  const { createHash } = await import('node:crypto');
  const name = `stackwright-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const program = `require('net').createServer().listen('\\0${name}', () => console.log('listening'))`;
  const holder = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  await expect(takeLock(path, 'the test', 0)).rejects.toMatchObject({ code: 'Busy' });

  holder.kill('SIGKILL');

  await (await takeLock(path, 'the test', 60))[Symbol.asyncDispose]();
});
