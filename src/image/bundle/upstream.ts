import { run } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';

/** The proxy by which this host itself would fetch a URL; undefined for none. */
export type UpstreamProxies = (url: URL, userAgent: string | undefined) => URL | undefined;

/**
 * The proxies of the build host: those of its apt for requests of apt (apt-transport-http(1)), for all
 * others those of the environment, as curl(1) reads them.
 * @throws StackwrightError `ProxyUnsupported`
 */
export async function upstreamProxies(environment: Record<string, string>): Promise<UpstreamProxies> {
  const apt = await aptProxies();
  const variable = (name: string) => environment[name] || environment[name.toUpperCase()];
  const ofEnvironment = new Map(
    ['http:', 'https:'].map((scheme) => {
      const text = variable(`${scheme.slice(0, -1)}_proxy`) ?? variable('all_proxy');
      return [scheme, text ? parseProxy(text) : undefined];
    }),
  );
  const exempt = (variable('no_proxy') ?? '').split(/[\s,]+/).filter(Boolean);
  return (url, userAgent) => {
    // Its settings for http count for https too, unless there are others.
    const places = [url.protocol, 'http:'].flatMap((scheme) => [`${scheme}//${url.hostname}`, `${scheme}//`]);
    const forApt = places.map((place) => apt.get(place)).find((proxy) => proxy !== undefined);
    if (forApt && userAgent?.startsWith('Debian APT')) return forApt === 'DIRECT' ? undefined : forApt;
    return exempt.some((pattern) => matches(url, pattern)) ? undefined : ofEnvironment.get(url.protocol);
  };
}

/** By scheme and, where a proxy is for one host only, that host: `http://` or `http://HOST`. */
async function aptProxies(): Promise<Map<string, URL | 'DIRECT'>> {
  const lines = [...(await aptSettings()).matchAll(/^Acquire::(https?)::Proxy(?:::(\S+?))?=(.+)$/gm)];
  return new Map(
    lines.map(([, scheme, host = '', text = '']) => [
      `${scheme}://${host}`,
      text === 'DIRECT' ? text : parseProxy(text),
    ]),
  );
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

function parseProxy(text: string): URL {
  const address = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy?.protocol === 'http:') return proxy;
  throw new StackwrightError('ProxyUnsupported', 'what is fetched can be recorded through an HTTP proxy only', {
    value: text.replace(/\/\/[^@]*@/, '//'),
    hint: 'set http_proxy and https_proxy, or Acquire::http::Proxy of apt, to one such as http://proxy:3128',
  });
}

/** A pattern of `no_proxy`: `*`, or a host that stands for those below it too. */
function matches({ hostname }: URL, pattern: string): boolean {
  const name = pattern.replace(/^\*?\./, '');
  return pattern === '*' || hostname === name || hostname.endsWith(`.${name}`);
}
