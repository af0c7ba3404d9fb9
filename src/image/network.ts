import type { Sandbox } from './sandbox.js';

/** What stands between the scripts of a build and the network of the host. */
export interface BuildNetwork {
  /** The image cache of this build alone, instead of `DIB_IMAGE_CACHE`. */
  cache: string;
  /** Whether scripts get a network namespace in which there is nothing else. */
  unplugged: boolean;
  /** Of all that it holds, where that decides on what is built. */
  digest?: string;
  /**
   * Begins to answer in the namespace of the scripts.
   * @returns variables for all of them, over those of the caller
   */
  connect(sandbox: Sandbox): Promise<Record<string, string>>;
}

/** Sends every program of a build to one proxy, past those of the caller and of the host's apt. */
export function proxyVariables(url: string): Record<string, string> {
  const variables = {
    http_proxy: url,
    https_proxy: url,
    ftp_proxy: url,
    all_proxy: url,
    no_proxy: '',
  };
  const upperCase = Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]);
  // Read by the elements that give an image the proxies of the host's apt, which would win.
  return { ...variables, ...Object.fromEntries(upperCase), STACKWRIGHT_PROXY: url };
}
