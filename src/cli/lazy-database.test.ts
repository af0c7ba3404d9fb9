import { expect, it } from 'vitest';
import { lazyDatabase } from './lazy-database.js';

it('says why a database cannot be opened, and not that it cannot be closed', async () => {
  const work = async () => {
    await using database = lazyDatabase(() => Promise.reject(new Error('no such directory')));
    await database.open();
  };

  await expect(work()).rejects.toThrow(/^no such directory$/);
});
