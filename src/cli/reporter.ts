import { maskEvent, type Reporter, type StackwrightEvent } from '../base/events.js';
import { errorColors } from './colors.js';

/** One line an event on standard error, coloured only on a terminal. Debug events show with `verbose`. */
export function textReporter(verbose: boolean): Reporter {
  const started = Date.now();
  return {
    report(event) {
      if (event.level === 'debug' && !verbose) return;
      const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
      process.stderr.write(`${errorColors.dim(`${seconds}s`)} ${renderEvent(maskEvent(event))}\n`);
    },
  };
}

export function jsonReporter(): Reporter {
  return {
    report: (event) => {
      process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...maskEvent(event) })}\n`);
    },
  };
}

function renderEvent(event: StackwrightEvent): string {
  const station = event.code.split('.')[0] ?? '';
  const label = errorColors.cyan(station.padEnd(9));
  if (event.level === 'error') return `${label} ${errorColors.red(event.message)}`;
  if (event.level === 'warn') return `${label} ${errorColors.yellow(event.message)}`;
  return `${label} ${event.message}`;
}
