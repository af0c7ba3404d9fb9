/** Where in a file the wrong value stands; lines and columns count from 1. */
export interface SourcePlace {
  file: string;
  line?: number;
  column?: number;
}

export interface ErrorDetails extends Partial<SourcePlace> {
  /** The wrong value, as the user wrote it. */
  value?: string;
  /** What to do about it: a command, a setting, a file to edit. */
  hint?: string;
  cause?: unknown;
  /** Exit status of the command line: 1 failed (default), 2 wrong usage. */
  exitStatus?: 1 | 2;
}

/**
 * A failure that we expect and can explain. `code` is stable and listed in docs/errors.md;
 * `message` is lower case, has no full stop, and names the wrong value.
 */
export class StackwrightError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'StackwrightError';
    this.code = code;
    this.details = details;
  }

  /** `FILE:LINE:COLUMN`, or undefined when no file is to blame. */
  get place(): string | undefined {
    const { file, line, column } = this.details;
    if (file === undefined) return undefined;
    return [file, line, column].filter((part) => part !== undefined).join(':');
  }

  toJSON(): Record<string, unknown> {
    const { cause: _cause, exitStatus: _exitStatus, ...details } = this.details;
    return { code: this.code, message: this.message, ...details };
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for an error of the operating system with this code, e.g. `hasCode(error, 'ENOENT')`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
