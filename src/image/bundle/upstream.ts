import { StackwrightError } from '../../base/errors.js';
import { aptProxies, aptProxyOf } from '../apt-proxies.js';

/** The proxy by which this host itself would fetch a URL; undefined for none. */
export type UpstreamProxies = (url: URL, userAgent: string | undefined) => URL | undefined;

/**
 * The proxies of the build host: those of its apt for requests of apt (apt-transport-http(1)), for all
 * others those of the environment, as curl(1) reads them.
 * @throws StackwrightError `ProxyUnsupported`
 */
export async function upstreamProxies(environment: Record<string, string>): Promise<UpstreamProxies> {
  const apt = new Map<string, URL | 'DIRECT'>(
    [...(await aptProxies())].map(([place, text]) => [place, text === 'DIRECT' ? text : parseProxy(text)]),
  );
  const variable = (name: string) => environment[name] || environment[name.toUpperCase()];
  const ofEnvironment = new Map(
    ['http:', 'https:'].map((scheme) => {
      const text = variable(`${scheme.slice(0, -1)}_proxy`) ?? variable('all_proxy');
      return [scheme, text ? parseProxy(text) : undefined];
    }),
  );
  const exempt = (variable('no_proxy') ?? '').split(/[\s,]+/).filter(Boolean);
  return (url, userAgent) => {
    const forApt = aptProxyOf(apt, url);
    if (forApt && userAgent?.startsWith('Debian APT')) return forApt === 'DIRECT' ? undefined : forApt;
    return exempt.some((pattern) => matches(url, pattern)) ? undefined : ofEnvironment.get(url.protocol);
  };
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
