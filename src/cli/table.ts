import Table from 'cli-table3';

/**
 * A table in one colour: what is coloured in it is the caller's.
 * @param lines between rows; without them where there can be hundreds
 */
export function plainTable(head: string[], { lines = true } = {}): Table.Table {
  const chars = lines ? {} : { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  return new Table({ head, chars, style: { head: [], border: [] } });
}

/** `12 MB` of bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
