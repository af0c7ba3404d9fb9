import { run } from '../base/command.js';

/**
 * The proxies of the build host's apt (apt-transport-http(1)): by scheme and, where a proxy is for one
 * host only, that host, `http://` or `http://HOST`. `DIRECT` is none.
 */
export async function aptProxies(): Promise<Map<string, string>> {
  const lines = [...(await aptSettings()).matchAll(/^Acquire::(https?)::Proxy(?:::(\S+?))?=(.+)$/gm)];
  return new Map(lines.map(([, scheme, host = '', text = '']) => [`${scheme}://${host}`, text]));
}

/** That for a URL. Settings for http count for https too, unless there are others. */
export function aptProxyOf<Proxy>(proxies: Map<string, Proxy>, url: URL): Proxy | undefined {
  const places = [url.protocol, 'http:'].flatMap((scheme) => [`${scheme}//${url.hostname}`, `${scheme}//`]);
  return places.map((place) => proxies.get(place)).find((proxy) => proxy !== undefined);
}

async function aptSettings(): Promise<string> {
  try {
    const { stdout } = await run('apt-config', ['dump', '--no-empty', '--format', '%f=%v%n', 'Acquire']);
    return stdout;
  } catch {
    // A build host without apt.
    return '';
  }
}
