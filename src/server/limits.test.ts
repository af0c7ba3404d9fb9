import { expect, it } from 'vitest';
import { Allowance } from './limits.js';

it('refuses a key that comes too often, for the rest of its minute, and no other', () => {
  const allowance = new Allowance(2);
  const take = (key: string, now: number) => {
    try {
      allowance.take(key, now);
      return 'served';
    } catch {
      return 'refused';
    }
  };

  const times = [0, 30_000, 59_999, 60_000, 60_001, 60_002].map((now) => take('a', 1_000_000 + now));

  expect(times).toEqual(['served', 'served', 'refused', 'served', 'served', 'refused']);
  expect(take('b', 1_060_003)).toBe('served');
});
