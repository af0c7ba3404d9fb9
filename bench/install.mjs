// From power-on to installed, three ways to bring the same tree to the same blank machine:
//   stackwright  the role as squashfs over HTTP
//   rsync        eDeploy's way: the tree as files, from an rsync daemon
//   dd           a raw image of the installed disk, zstd over HTTP into dd
// The ramdisk, the network boot and (but for dd) the configure script are ours in all of them, so only the way
// differs. dd ends when the image is on the disk: what it leaves is a clone, with another machine's keys and name.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, 'bin', 'stackwright');
const role = { name: 'quickstart', version: 'D12-F.1.0.0' };
const rack = '10.77.0.1';
const imagePort = 8090;
const limitMinutes = 20;

export async function bench(rounds) {
  const state = mkdtempSync('/var/tmp/stackwright-bench-');
  // PostgreSQL's user must be able to enter it.
  chmodSync(state, 0o755);
  const children = [];
  const end = () => {
    for (const child of children) child.kill();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    const site = writeSite(state);
    say('building the role and the ramdisk');
    const elements = join(root, 'examples', 'quickstart', 'elements');
    const named = ['--role', role.name, '--version', role.version];
    await stackwright(state, 'image', 'build', '--elements-path', elements, ...named, 'quickstart-role');
    await stackwright(state, 'netboot', 'build');
    const { namespace } = JSON.parse(await stackwright(state, 'lab', 'up', '--site', site, '--json'));
    children.push(await startRsyncDaemon(state, namespace), startImageServer(state, namespace));
    const seconds = { stackwright: [], rsync: [], dd: [] };
    for (let round = 1; round <= rounds; round++) {
      for (const way of Object.keys(seconds)) {
        const machine = `${way}${round}`;
        const taken = await install(state, site, way, machine);
        if (way === 'stackwright' && round === 1) await makeImage(state, machine);
        seconds[way].push(taken);
        say(`round ${round}, ${way}: ${taken.toFixed(1)} s`);
      }
    }
    print(seconds);
  } finally {
    end();
    await stackwright(state, 'lab', 'down');
    rmSync(state, { recursive: true });
  }
}

/** The site of the quickstart, with a profile for each way; the state file opens one at a time. */
function writeSite(state) {
  const example = join(root, 'examples', 'quickstart');
  const site = join(state, 'site');
  mkdirSync(site);
  const configure = readFileSync(join(example, 'lab.configure'), 'utf8');
  // What eDeploy's kernel line says: where the rsync daemon is.
  const byRsync = `${configure}\nwith open('/vars', 'a') as vars:\n    vars.write("RSERV='${rack}'\\n")\n`;
  const byImage = [
    '#!/bin/sh',
    `run "curl --silent --show-error --fail http://${rack}:${imagePort}/disk.raw.zst | zstd -q -d -c | dd of=/dev/vda bs=4M conv=fsync"`,
    `curl --silent --config /run/curl.conf --data station=imaged http://${rack}:8080/v1/node/progress`,
    'poweroff -f',
    '',
  ].join('\n');
  const scripts = { stackwright: configure, rsync: byRsync, dd: byImage };
  for (const [way, script] of Object.entries(scripts)) {
    writeFileSync(join(site, `${way}.configure`), script);
    cpSync(join(example, 'lab.specs'), join(site, `${way}.specs`));
  }
  const record = (way, from) =>
    writeFileSync(
      join(site, `${way}.cmdb`),
      `generate({'hostname': '${way}1-20', 'ip': '10.77.0.${from}-${from + 19}', 'netmask': '255.255.255.0', 'gateway': '${rack}'})\n`,
    );
  record('stackwright', 10);
  record('rsync', 40);
  record('dd', 70);
  openProfile(site, 'stackwright');
  return site;
}

function openProfile(site, way) {
  writeFileSync(join(site, 'state'), `[('${way}', '*')]\n`);
}

/** A daemon as eDeploy's server has it: the module "install", a tree as VERSION/ROLE. */
async function startRsyncDaemon(state, namespace) {
  const trees = join(state, 'install');
  mkdirSync(join(trees, role.version), { recursive: true });
  const archive = join(state, 'roles', role.name, role.version, 'role.squashfs');
  await execa('unsquashfs', ['-quiet', '-no-progress', '-dest', join(trees, role.version, role.name), archive]);
  const configuration = join(state, 'rsyncd.conf');
  const lines = ['uid = root', 'gid = root', 'use chroot = no', '[install]', `path = ${trees}`, 'read only = yes', ''];
  writeFileSync(configuration, lines.join('\n'));
  return inNamespace(namespace, ['rsync', '--daemon', '--no-detach', `--config=${configuration}`]);
}

function startImageServer(state, namespace) {
  const serve = `require('node:http').createServer((_, reply) =>
    require('node:fs').createReadStream(${JSON.stringify(join(state, 'disk.raw.zst'))}).pipe(reply)
  ).listen(${imagePort}, '${rack}')`;
  return inNamespace(namespace, [process.execPath, '-e', serve]);
}

function inNamespace(namespace, words) {
  return spawn('ip', ['netns', 'exec', namespace, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The disk as it is after an installation, before its first boot. */
async function makeImage(state, machine) {
  const disk = join(state, 'lab', 'lab', 'machines', machine, 'disk.raw');
  await execa('zstd', ['-q', '-3', '-T0', disk, '-o', join(state, 'disk.raw.zst')]);
}

/** @returns seconds from power-on to the report that all is on the disk */
async function install(state, site, way, machine) {
  openProfile(site, way);
  const started = Date.now();
  const { uuid } = JSON.parse(await stackwright(state, 'lab', 'power-on', machine, '--json'));
  const wanted = way === 'dd' ? '"station":"imaged"' : '"code":"server.machine.installed"';
  const log = join(state, 'lab', 'lab', 'server.log');
  for (;;) {
    const lines = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const machineId = lines.find((line) => line.includes('"server.machine.booting"') && line.includes(uuid));
    const id = machineId ? JSON.parse(machineId).data.machine : undefined;
    const events = id ? lines.filter((line) => line.includes(id)) : [];
    const done = events.find((line) => line.includes(wanted));
    if (done) {
      await stackwright(state, 'lab', 'power-off', machine);
      return (Date.parse(JSON.parse(done).time) - started) / 1000;
    }
    const failed = events.find((line) => line.includes('"to":"failed"'));
    if (failed || Date.now() - started > limitMinutes * 60_000) {
      throw new Error(`${machine} was not installed: ${failed ?? `nothing within ${limitMinutes} minutes`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function stackwright(state, ...args) {
  const env = { STACKWRIGHT_STATE: state };
  const { stdout } = await execa(process.execPath, [program, ...args], { env });
  return stdout;
}

function print(seconds) {
  const ours = median(seconds.stackwright);
  console.log('\nfrom power-on to installed, seconds');
  for (const [way, all] of Object.entries(seconds)) {
    const each = all.map((one) => one.toFixed(1)).join(' ');
    const middle = median(all);
    console.log(
      `${way.padEnd(12)} median ${middle.toFixed(1).padStart(6)}   ${(middle / ours).toFixed(2)} × stackwright   (${each})`,
    );
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
