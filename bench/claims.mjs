// Machines that register all at once: a profile and a CMDB record for each, none twice.
//   one server    stackwright serve, its private PostgreSQL
//   two servers   the same site and the same PostgreSQL, half of the machines each
//   lock file     eDeploy's way (edeploy-upload.py): a CGI program that locks, evaluates and writes the site's files
// A registration of ours is more than one of eDeploy's: a token is checked, facts, machine and events are stored.
// Afterwards, without a server: how long matching takes, by the number of facts and of profiles.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';
import { stopCluster } from './cluster.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const clients = 500;
const ports = [8391, 8392];
const agentless = { agent: false, host: '127.0.0.1' };

export async function bench(rounds) {
  const ways = { 'one server': oneServer, 'two servers': twoServers, 'lock file': lockFile };
  const results = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [way, run] of Object.entries(ways)) {
      const scratch = mkdtempSync('/var/tmp/stackwright-bench-');
      // PostgreSQL's user must be able to enter it.
      chmodSync(scratch, 0o755);
      try {
        const result = await run(scratch);
        results[way].push(result);
        say(`round ${round}, ${way}: ${describe(result)}`);
      } finally {
        rmSync(scratch, { recursive: true });
      }
    }
  }
  print(results);
  await benchMatching();
}

const oneServer = (scratch) => ours(scratch, ports.slice(0, 1));
const twoServers = (scratch) => ours(scratch, ports);

async function ours(scratch, listening) {
  const site = writeSite(scratch, "generate({'ip': '10.0.0-9.1-50', 'rack': 'A'})\n");
  const env = { STACKWRIGHT_STATE: join(scratch, 'state') };
  const program = join(root, 'bin', 'stackwright');
  const servers = [];
  try {
    for (const port of listening) {
      const ready = join(scratch, `ready-${port}`);
      const args = ['serve', '--site', site, '--listen', `127.0.0.1:${port}`, '--ready-file', ready];
      servers.push(spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env }, stdio: 'ignore' }));
      await until(() => readable(ready));
    }
    const machines = Array.from({ length: clients }, (_, at) => ({ at, port: listening[at % listening.length] }));
    for (const machine of machines) machine.token = await boot(machine);
    const result = await registerAll(machines, '/upload.py', (machine) => {
      const form = multipart(JSON.stringify(factsOf(machine.at)));
      return { ...form, headers: { ...form.headers, 'x-stackwright-token': machine.token } };
    });
    const { stdout } = await execa(process.execPath, [program, 'node', 'list', '--json'], { env });
    const stored = JSON.parse(stdout).map(({ variables }) => variables.ip);
    if (new Set(stored).size !== new Set(result.addresses).size)
      throw new Error('the inventory differs from the answers');
    return result;
  } finally {
    for (const server of servers) server.kill();
    await stopCluster(join(scratch, 'state'));
  }
}

async function lockFile(scratch) {
  const records = Array.from(
    { length: clients },
    (_, at) => `{'ip': '10.0.${Math.floor(at / 50)}.${(at % 50) + 1}', 'rack': 'A'}`,
  );
  const site = writeSite(scratch, `[${records.join(',\n')}]\n`);
  const program = fileURLToPath(new URL('edeploy-upload.py', import.meta.url));
  const server = spawn('python3', [program, 'serve', String(ports[0]), site], { stdio: 'ignore' });
  try {
    await until(async () => (await send({ port: ports[0], method: 'GET', path: '/' }).catch(() => ({}))).status);
    const machines = Array.from({ length: clients }, (_, at) => ({ at, port: ports[0] }));
    return await registerAll(machines, '/upload.py', (machine) => {
      const body = JSON.stringify(factsOf(machine.at));
      return { headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }, body };
    });
  } finally {
    server.kill();
  }
}

function writeSite(scratch, cmdb) {
  const site = join(scratch, 'site');
  mkdirSync(site);
  writeFileSync(join(site, 'state'), `[('big', 4), ('node', ${clients})]\n`);
  writeFileSync(join(site, 'big.specs'), "[('disk', '$disk', 'size', 'gt(9000)')]\n");
  writeFileSync(
    join(site, 'node.specs'),
    "[('disk', '$disk', 'size', 'gt(4)'),\n ('network', '$eth', 'link', 'yes'),\n ('network', '$eth', 'serial', '$mac')]\n",
  );
  writeFileSync(join(site, 'node.cmdb'), cmdb);
  for (const name of ['big', 'node']) writeFileSync(join(site, `${name}.configure`), '#!/bin/sh\n');
  return site;
}

const macOf = (at) =>
  `52:54:00:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;
const uuidOf = (at) => `4c4c4544-0043-4210-8053-${String(at).padStart(12, '0')}`;

/** What a server with 8 disks and 4 interfaces says. */
function factsOf(at) {
  const disks = Array.from({ length: 8 }, (_, disk) => [
    ['disk', `sd${'abcdefgh'[disk]}`, 'model', 'MB0500GCEHE'],
    ['disk', `sd${'abcdefgh'[disk]}`, 'rotational', '1'],
    ['disk', `sd${'abcdefgh'[disk]}`, 'size', '500'],
  ]);
  const interfaces = Array.from({ length: 4 }, (_, number) => [
    ['network', `eth${number}`, 'link', number === 0 ? 'yes' : 'no'],
    ['network', `eth${number}`, 'serial', number === 0 ? macOf(at) : `02:00:0${number}:${macOf(at).slice(9)}`],
  ]);
  return [['system', 'product', 'uuid', uuidOf(at)], ...disks.flat(), ...interfaces.flat()];
}

async function boot({ at, port }) {
  const query = `mac=${macOf(at).replaceAll(':', '-')}&uuid=${uuidOf(at)}&serial=${at}`;
  const { text } = await send({ port, method: 'GET', path: `/boot.ipxe?${query}` });
  return / TOKEN=(\S+) /.exec(text)[1];
}

function multipart(content) {
  const boundary = 'stackwright-bench';
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="facts.hw"\r\n\r\n`;
  const body = `${head}${content}\r\n--${boundary}--\r\n`;
  const type = `multipart/form-data; boundary=${boundary}`;
  return { headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) }, body };
}

/** All at once, each on a connection of its own; a machine has what it was given when the answer is complete. */
async function registerAll(machines, path, requestOf) {
  const started = performance.now();
  const answers = await Promise.all(
    machines.map(async (machine) => {
      const begun = performance.now();
      const { status, text } = await send({ port: machine.port, method: 'POST', path, ...requestOf(machine) });
      if (status !== 200) throw new Error(`status ${status}: ${text}`);
      return { seconds: (performance.now() - begun) / 1000, address: /var_ip='?([\d.]+)/.exec(text)?.[1] };
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const addresses = answers.flatMap(({ address }) => address ?? []);
  const waits = answers.map((answer) => answer.seconds).toSorted((a, b) => a - b);
  return { seconds, addresses, doubles: addresses.length - new Set(addresses).size, slowest: waits.at(-1) };
}

function send({ body, ...options }) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...agentless, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject).end(body);
  });
}

async function until(condition) {
  for (let tries = 0; tries < 1200; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('a server did not start within a minute');
}

function readable(path) {
  try {
    return readFileSync(path) !== undefined;
  } catch {
    return false;
  }
}

const rate = ({ seconds }) => clients / seconds;
const describe = ({ seconds, addresses, doubles, slowest }) =>
  `${(clients / seconds).toFixed(0)}/s, ${addresses.length} of ${clients} granted, ${doubles} twice, the slowest after ${slowest.toFixed(1)} s`;

function print(results) {
  const median = (all) => all.toSorted((a, b) => rate(a) - rate(b))[Math.floor(all.length / 2)];
  const peer = rate(median(results['lock file']));
  console.log(`\n${clients} machines at once`);
  for (const [way, all] of Object.entries(results)) {
    const middle = median(all);
    const doubles = all.reduce((sum, one) => sum + one.doubles, 0);
    const ratio = (rate(middle) / peer).toFixed(1);
    console.log(
      `${way.padEnd(12)} ${describe(middle)}   ${ratio} × lock file   (${doubles} double in ${all.length} rounds)`,
    );
  }
}

/** The matcher of the product, in this process. */
async function benchMatching() {
  const scratch = mkdtempSync('/var/tmp/stackwright-bench-');
  try {
    const outfile = join(scratch, 'match.mjs');
    const contents = "export { matchSite } from './site.ts'; export { parseSpecs } from './specs.ts';";
    const stdin = { contents, resolveDir: join(root, 'src', 'inventory'), loader: 'ts' };
    const banner = {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    };
    await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', banner, logLevel: 'error' });
    const { matchSite, parseSpecs } = await import(pathToFileURL(outfile));
    console.log('\nmatching, ms (median of 20): the last profile matches, 50 specs each');
    for (const factCount of [100, 1000, 5000]) {
      for (const profileCount of [1, 10, 100]) {
        const milliseconds = timeMatching(matchSite, parseSpecs, factCount, profileCount);
        console.log(
          `${String(factCount).padStart(5)} facts ${String(profileCount).padStart(4)} profiles ${milliseconds.toFixed(2).padStart(8)}`,
        );
      }
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function timeMatching(matchSite, parseSpecs, factCount, profileCount) {
  const facts = Array.from({ length: factCount }, (_, at) => [
    'disk',
    `sd${Math.floor(at / 50)}`,
    `key${at % 50}`,
    String(at),
  ]);
  const profiles = Array.from({ length: profileCount }, (_, number) => {
    const last = number === profileCount - 1;
    const specs = Array.from(
      { length: 50 },
      (_, at) => `('disk', '$d', 'key${at}', '${last || at < 49 ? 'ge(0)' : 'lt(0)'}')`,
    );
    return { name: `p${number}`, remaining: null, specs: parseSpecs(`[${specs.join(',')}]`, `p${number}.specs`) };
  });
  const times = Array.from({ length: 20 }, () => {
    const started = performance.now();
    const { profile } = matchSite(profiles, facts);
    if (profile !== `p${profileCount - 1}`) throw new Error(`matched ${profile}`);
    return performance.now() - started;
  });
  return times.toSorted((a, b) => a - b)[10];
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
