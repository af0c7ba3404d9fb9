// What tests of a deployed cloud share: Debian's client on its host, as the administrator has it, and what stays there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_ADDRESS, type NspawnHost, PROXY_PORT, SHARED } from '../conformance/nspawn-host.js';

/** What `deploy --json` prints, as far as tests look at it. */
export interface Outcome {
  run: string;
  state: string;
  failures: unknown[];
  steps: { title: string; host: string | null; starts: number }[];
}

/** What the client prints on the host, with the variables of `/root/keystonerc_USER`. */
export async function client(host: NspawnHost, words: string[], user = 'admin'): Promise<string> {
  return await host.onHost(['sh', '-c', `. /root/keystonerc_${user} && exec openstack "$@"`, 'sh', ...words]);
}

export async function openstack<T = unknown>(host: NspawnHost, words: string[], user = 'admin'): Promise<T> {
  return JSON.parse(await client(host, [...words, '--format', 'json'], user));
}

/** HOST SERVICE of what of nova runs. */
export async function runningServices(host: NspawnHost): Promise<string[]> {
  const services = await openstack<Record<string, string>[]>(host, ['compute', 'service', 'list']);
  return services.flatMap((one) => (one.State === 'up' ? [`${one.Host} ${one.Binary}`] : [])).sort();
}

/** HOST AGENT of what of neutron is alive. */
export async function runningAgents(host: NspawnHost): Promise<string[]> {
  const agents = await openstack<Record<string, unknown>[]>(host, ['network', 'agent', 'list']);
  return agents.flatMap((one) => (one.Alive ? [`${one.Host} ${one['Agent Type']}`] : [])).sort();
}

/** The names of the manifests that a run has applied, in order. */
export function appliedManifests({ steps }: Outcome): string[] {
  return steps.flatMap(({ title }) => /^apply the manifest (.*)/.exec(title)?.[1] ?? []);
}

/** What puppet says in the logs of a run that it has changed. */
export function changesOf(state: string, run: string): string[] {
  return logsOf(state, run).flatMap((text) => text.match(/^Notice: \/Stage.*$/gm) ?? []);
}

/** How many manifests of a run needed no puppet, as the host is as a deployment has left it. */
export function settledManifests(state: string, run: string): number {
  return logsOf(state, run).filter((text) => text.includes('the host is as it was left')).length;
}

function logsOf(state: string, run: string): string[] {
  const logs = join(state, 'runs', run, 'logs');
  return readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
}

/** Logs in to the dashboard as the administrator: where that leads, and the title of the page. */
export async function logIn(host: NspawnHost): Promise<string[]> {
  const text = await host.onHost(['sh', '-c', `. /root/keystonerc_admin && python3 -c '${logInScript}'`]);
  return text.trim().split('\n');
}

/** The TCP ports at which anything listens on the host, but for that of the tests' own proxy. */
export async function listeningPorts(host: NspawnHost): Promise<number[]> {
  const sockets = await host.onHost(['ss', '--listening', '--tcp', '--no-header', '--numeric']);
  const ports = new Set(sockets.match(/(?<=:)\d+(?= )/g)?.map(Number));
  ports.delete(PROXY_PORT);
  return [...ports].sort((a, b) => a - b);
}

/**
 * The kernels at hand have no NFS. Cinder and nova mount no export that they find mounted, at a path that they make of its
 * name: all but that mount is as it is. What the hosts of a test share stands for the export.
 */
export async function mountExport(host: NspawnHost, name: string, directory: string): Promise<void> {
  const place = join(directory, createHash('md5').update(name).digest('hex'));
  await host.onHost(['mkdir', '-p', '-m', '1777', place]);
  await host.onHost(['mount', '--bind', SHARED, place]);
}

const logInScript = `
import http.cookiejar, os, re, urllib.parse, urllib.request
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
page = browser.open("http://${HOST_ADDRESS}/horizon/auth/login/")
token = re.search("csrfmiddlewaretoken[^>]*value=.([A-Za-z0-9]+)", page.read().decode()).group(1)
form = {"csrfmiddlewaretoken": token, "region": "default"}
form["username"] = os.environ["OS_USERNAME"]
form["password"] = os.environ["OS_PASSWORD"]
request = urllib.request.Request(page.url, urllib.parse.urlencode(form).encode(), {"Referer": page.url})
answer = browser.open(request)
print(answer.url)
print(re.sub(r"\\s+", " ", re.search("<title>(.*?)</title>", answer.read().decode(), re.S).group(1)))
`;
