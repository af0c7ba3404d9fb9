const secrets = new Set<string>();

/** What stands in place of a secret. */
export const MASK = '********';

/** From now on this value is masked in everything that leaves the process through `mask`. */
export function registerSecret(value: string): void {
  // A very short value would mask half of every log line.
  if (value.length >= 4) secrets.add(value);
}

/** Replaces every registered secret, longest first, also where JSON has escaped it. */
export function mask(text: string): string {
  let masked = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    masked = masked.replaceAll(secret, MASK);
    const escaped = JSON.stringify(secret).slice(1, -1);
    if (escaped !== secret) masked = masked.replaceAll(escaped, MASK);
  }
  return masked;
}
