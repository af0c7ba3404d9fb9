import type { WriteStream } from 'node:tty';
import pc from 'picocolors';

/**
 * Colours for what goes to a stream: only where it is a terminal that has them (NO_COLOR and TERM are
 * heeded). The library's own default also colours into pipes where `CI` is set.
 */
function colorsOf(stream: WriteStream) {
  return pc.createColors(stream.isTTY === true && stream.hasColors());
}

export const outputColors = colorsOf(process.stdout);
export const errorColors = colorsOf(process.stderr);
