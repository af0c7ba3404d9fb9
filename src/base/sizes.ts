/**
 * Sizes as diskimage-builder reads them (`block_device/utils.py`): a number and a unit, binary with
 * `i` (`KiB`…`TiB`), else decimal (`K`, `KB`…`T`, `TB`), bytes without a unit. No number stands for 1.
 */
const units: Record<string, number> = {
  '': 1,
  B: 1,
  K: 1000,
  KB: 1000,
  KiB: 1024,
  M: 1000 ** 2,
  MB: 1000 ** 2,
  MiB: 1024 ** 2,
  G: 1000 ** 3,
  GB: 1000 ** 3,
  GiB: 1024 ** 3,
  T: 1000 ** 4,
  TB: 1000 ** 4,
  TiB: 1024 ** 4,
};

export const sizeHint = 'a number and KiB, MiB, GiB, TiB (binary), K, M, G, T (decimal) or nothing (bytes)';

/** Bytes, a whole number; undefined where the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d*\.?\d*) ?([A-Za-z]*)$/.exec(text);
  const [, number = '', unit = ''] = match ?? [];
  const factor = units[unit];
  if (!match || factor === undefined || number === '.' || text === '') return undefined;
  const bytes = Math.trunc(factor * (number === '' ? 1 : Number(number)));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
