import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { registerSecret } from '../base/mask.js';
import type { StateDirectory } from '../base/state.js';

/**
 * A token that nobody guesses: 192 bits, in characters that a kernel line and a URL can carry. Those of
 * machines stand in no event, and are too many to be looked for in each.
 */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** The operator's token for the API; made at first use, 0600. */
export async function operatorToken(state: StateDirectory): Promise<string> {
  const path = state.path('api-token');
  const known = await readTextIfExists(path);
  if (known !== undefined) {
    registerSecret(known.trim());
    return known.trim();
  }
  const token = newToken();
  registerSecret(token);
  await writeFileAtomic(path, `${token}\n`, 0o600);
  return token;
}

export function sameToken(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
