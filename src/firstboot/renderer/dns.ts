import type { RenderedFile } from './input.js';
import { plainFile } from './machine.js';
import { trimmed } from './text.js';

/** `/etc/resolv.conf`, or `[Resolve] DNS=` of `resolved.conf` where systemd-resolved is in use. */
export function renderDns(servers: string[], search: string[], resolvedConf: string | undefined): RenderedFile[] {
  if (servers.length === 0 && search.length === 0) return [];
  if (resolvedConf !== undefined) {
    const named = servers.length === 0 ? resolvedConf : setTexts(resolvedConf, 'DNS', servers);
    return [plainFile('/etc/systemd/resolved.conf', search.length === 0 ? named : setTexts(named, 'Domains', search))];
  }
  let text = '';
  for (const server of servers) text += `nameserver ${server}\n`;
  if (search.length > 0) text += `search ${search.join(' ')}\n`;
  return [plainFile('/etc/resolv.conf', text)];
}

/** Replaces a setting of the section, or adds it; everything else stays as it is. */
function setTexts(existing: string, name: string, texts: string[]): string {
  const wanted = `${name}=${texts.join(' ')}`;
  const lines: string[] = [];
  let inside = false;
  let done = false;
  for (const line of trimmed(existing).split('\n')) {
    const text = trimmed(line);
    if (text.charAt(0) === '[') {
      if (inside && !done) lines.push(wanted);
      if (inside) done = true;
      inside = text.substring(0, 9) === '[Resolve]';
    }
    if (inside && trimmed(text.split('=')[0] as string) === name && text.charAt(0) !== '#') {
      if (!done) lines.push(wanted);
      done = true;
    } else {
      lines.push(line);
    }
  }
  if (inside && !done) lines.push(wanted);
  else if (!done) lines.push('[Resolve]', wanted);
  return `${trimmed(lines.join('\n'))}\n`;
}
