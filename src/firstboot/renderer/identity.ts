import { contains, type RenderedFile, shown } from './input.js';
import { type JsonValue, member, textOf } from './json.js';
import type { Network } from './networks.js';
import { endsWith, madeOf, trimmed, wordLetters, wordsOf } from './text.js';

const keyTypes = [
  'ssh-rsa',
  'ssh-dss',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];
const longestKey = 16384;

/** What is to be added to root's `authorized_keys`; undefined where nothing is. */
export function renderKeys(
  metaData: JsonValue | undefined,
  existing: string | undefined,
  exactlyAsGlean: boolean,
  warnings: string[],
): RenderedFile | undefined {
  const keys = member(metaData, 'public_keys');
  if (keys?.kind !== 'object') return undefined;
  const present: string[] = [];
  for (const line of (existing || '').split('\n')) present.push(trimmed(line));
  const lines: string[] = [];
  for (const { name, value } of keys.members) {
    const raw = value.kind === 'string' ? value.text : '';
    const key = trimmed(raw);
    const title = `# Injected key ${printable(name)} by keypair extension`;
    if (!isPlain(name)) {
      warnings.push(`key ${shown(name)} is refused: its name has control characters`);
    } else if (!isPlain(key) || !isKeyLine(key)) {
      warnings.push(`key ${shown(name)} is refused: it is not an SSH public key: ${shown(key)}`);
    } else if (!contains(present, printable(key))) {
      if (!contains(present, title)) lines.push(title);
      lines.push(printable(key));
      present.push(title, printable(key));
      // glean writes the key as it is, and nova's often end in a newline.
      if (exactlyAsGlean && endsWith(raw, '\n')) lines.push('');
    }
  }
  if (lines.length === 0) return undefined;
  const first = existing && !endsWith(existing, '\n') ? '\n' : '';
  return { path: '/root/.ssh/authorized_keys', mode: 0o600, content: `${first}${lines.join('\n')}\n`, append: true };
}

/** The host name: `_` becomes `-`. Undefined, with a warning, where it cannot be one. */
export function readHostName(metaData: JsonValue | undefined, warnings: string[]): string | undefined {
  const given = textOf(metaData, 'name');
  if (given === undefined) return undefined;
  const name = given.split('_').join('-');
  if (isHostName(name)) return name;
  warnings.push(`the host name is refused: ${shown(given)}`);
  return undefined;
}

/** RFC 1123; 64 is what sethostname(2) takes. */
export function isHostName(name: string): boolean {
  if (name.length > 64) return false;
  for (const label of name.split('.')) {
    if (!madeOf(label, `${wordLetters}-`, 63)) return false;
    if (label.charAt(0) === '-' || endsWith(label, '-')) return false;
  }
  return true;
}

/** `/etc/hostname` (Gentoo: `/etc/conf.d/hostname`) and what `/etc/hosts` lacks. */
export function renderHostName(
  name: string,
  networks: Network[],
  hosts: string | undefined,
  gentoo: boolean,
): RenderedFile[] {
  const files: RenderedFile[] = [
    gentoo
      ? { path: '/etc/conf.d/hostname', mode: 0o644, content: `hostname="${name}"\n`, append: false }
      : { path: '/etc/hostname', mode: 0o644, content: `${name}\n`, append: false },
  ];
  let address = '127.0.1.1';
  for (const network of networks) {
    if (network.address === undefined) continue;
    address = network.address;
    break;
  }
  const short = name.split('.')[0] as string;
  const wanted: [string, string][] = [['127.0.0.1', 'localhost']];
  wanted.push([address, name]);
  if (short !== name) wanted.push([address, short]);
  const existing = hosts || '';
  let content = '';
  for (const [ip, host] of wanted) if (!namesHost(existing, ip, host)) content += `${ip} ${host}\n`;
  if (!content) return files;
  const first = existing && !endsWith(existing, '\n') ? '\n' : '';
  files.push({ path: '/etc/hosts', mode: 0o644, content: first + content, append: true });
  return files;
}

function namesHost(hosts: string, address: string, host: string): boolean {
  for (const line of hosts.split('\n')) {
    const words = wordsOf(line.split('#')[0] as string);
    if (words[0] === address && contains(words.slice(1), host)) return true;
  }
  return false;
}

/** A line of `authorized_keys` (sshd(8)): options, type, base64 (whose first three bytes are always 0), comment. */
function isKeyLine(line: string): boolean {
  const words = afterOptions(line).split(' ');
  const data = words[1] || '';
  const padded = data.indexOf('=');
  const body = padded === -1 ? data : data.substring(0, padded);
  const padding = padded === -1 ? '' : data.substring(padded);
  return (
    contains(keyTypes, words[0] as string) &&
    body.substring(0, 4) === 'AAAA' &&
    madeOf(body, `${wordLetters}+/`, longestKey) &&
    (padding === '' || madeOf(padding, '=', 2))
  );
}

/** The line behind its options, which end at the first space outside quotes. */
function afterOptions(line: string): string {
  if (contains(keyTypes, line.split(' ')[0] as string)) return line;
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const letter = line.charAt(at);
    if (letter === '\\' && quoted) at += 1;
    else if (letter === '"') quoted = !quoted;
    else if (letter === ' ' && !quoted) return line.substring(at + 1);
  }
  return '';
}

function isPlain(text: string): boolean {
  if (text.length > longestKey) return false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // C0, delete, C1, and the line separators of Unicode.
    if (code < 32 || (code >= 127 && code < 160) || code === 0x2028 || code === 0x2029) return false;
  }
  return text !== '';
}

/** Characters beyond the basic plane become `?`: mujs cannot write them, and here they stand in comments only. */
function printable(text: string): string {
  let result = '';
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0xd800 || (code > 0xdfff && code < 0x10000)) result += text.charAt(at);
    else if (code < 0xdc00 || code > 0xdfff) result += '?';
  }
  return result;
}
