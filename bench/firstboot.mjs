// A machine's first boot from a config drive with a name, a key and a static network, by
//   simple-init   the element: mujs and one script
//   cloud-init    Debian's package, told to look for a config drive and nowhere else
// and beside them an image that has the same network written in it. Taken are the bytes that each adds to an image, and
// the seconds from the kernel's start to network-online.target. Builds are not taken, so the layers of earlier ones help.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const common = ['debian-minimal', 'vm', 'enable-serial-console', 'openssh-server', 'probe'];
const ways = { nothing: ['baked'], 'simple-init': ['simple-init'], 'cloud-init': ['peer'] };
const mac = '52:54:00:aa:00:01';
const address = '10.0.2.40';
const limitMinutes = 8;

export async function bench(rounds) {
  const work = mkdtempSync('/var/tmp/stackwright-bench-');
  try {
    const elements = join(work, 'elements');
    writeElements(elements);
    const drive = await makeDrive(work);
    const sizes = {};
    for (const [way, names] of Object.entries(ways)) {
      say(`building with ${way}`);
      sizes[way] = await build(work, elements, way, names);
    }
    const seconds = { nothing: [], 'simple-init': [], 'cloud-init': [] };
    for (let round = 1; round <= rounds; round++) {
      for (const way of Object.keys(ways)) {
        const taken = await boot(work, way, drive);
        seconds[way].push(taken);
        say(`round ${round}, ${way}: ${taken.toFixed(1)} s`);
      }
    }
    print(sizes, seconds);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function writeElements(elements) {
  const script = (lines) => `#!/bin/bash\nset -eu -o pipefail\n\n${lines.join('\n')}\n`;
  const write = (name, text) => {
    mkdirSync(dirname(join(elements, name)), { recursive: true });
    writeFileSync(join(elements, name), text);
    chmodSync(join(elements, name), 0o755);
  };
  const unit = [
    '[Unit]\nWants=network-online.target\nAfter=network-online.target',
    '[Service]\nType=oneshot',
    `ExecStart=/bin/sh -c 'echo "ONLINE $(cut -d\\\\  -f1 /proc/uptime) $(hostname) $(hostname -I)" > /dev/ttyS0'`,
    '[Install]\nWantedBy=multi-user.target',
  ].join('\n');
  const place = `cat > /etc/systemd/system/probe.service << 'UNIT'\n${unit}\nUNIT`;
  write('probe/install.d/60-probe', script([place, 'systemctl enable probe.service']));
  const network = `[Match]\nMACAddress=${mac}\n[Network]\nAddress=${address}/24\nAddress=2001:db8::40/64\nGateway=10.0.2.2`;
  const baked = `cat > /etc/systemd/network/10-static.network << 'FILE'\n${network}\nFILE`;
  const enable = 'systemctl enable systemd-networkd.service';
  write('baked/install.d/60-baked', script([baked, enable, 'echo first.example.com > /etc/hostname']));
  write('peer/package-installs.yaml', 'cloud-init:\n');
  const source = "echo 'datasource_list: [ ConfigDrive ]' > /etc/cloud/cloud.cfg.d/91-source.cfg";
  write('peer/install.d/60-peer', script([source, enable]));
}

async function makeDrive(work) {
  const drive = join(work, 'drive.iso');
  const key = join(work, 'key');
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const link = { id: 'first', type: 'phy', ethernet_mac_address: mac };
  const routes = [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.2.2' }];
  const ipv4 = { id: 'ipv4', link: 'first', type: 'ipv4', ip_address: address, netmask: '255.255.255.0', routes };
  const ipv6 = { id: 'ipv6', link: 'first', type: 'ipv6', ip_address: '2001:db8::40', netmask: '64', routes: [] };
  const files = {
    network: { links: [link], networks: [ipv4, ipv6], services: [{ type: 'dns', address: '10.0.2.3' }] },
    // cloud-init takes no drive without a uuid.
    metadata: { uuid: '3f0f3d5e-7c1c-4b5c-8f5e-2f8d1c7b9a10', name: 'first.example.com' },
  };
  const words = ['config-drive', 'build', '--key', `operator=${key}.pub`, '-o', drive];
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(work, `${name}.json`), JSON.stringify(value));
    words.push(`--${name}`, join(work, `${name}.json`));
  }
  await execa(join(root, 'bin', 'stackwright'), words);
  return drive;
}

/** @returns bytes of the files in the image */
async function build(work, elements, way, names) {
  const output = join(work, way);
  const words = ['image', 'build', ...common, ...names, '-t', 'qcow2,squashfs', '--no-compress', '-o', output];
  const program = join(root, 'bin', 'stackwright');
  const { exitCode, all } = await execa(program, [...words, '--elements-path', elements], { all: true, reject: false });
  if (exitCode !== 0) throw new Error(`the image with ${way} was not built:\n${all.slice(-2000)}`);
  const squash = `${output}.squash`;
  const { stdout } = await execa('unsquashfs', ['-lln', squash], { maxBuffer: 1e8 });
  const files = stdout.split('\n').filter((line) => line.startsWith('-'));
  rmSync(squash);
  return files.reduce((sum, line) => sum + Number(line.split(/\s+/)[2]), 0);
}

/** @returns seconds from the kernel's start until the network is online, with the drive's address and name */
async function boot(work, way, drive) {
  const log = join(work, `${way}.console`);
  rmSync(log, { force: true });
  const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'];
  const quiet = ['-display', 'none', '-nodefaults', '-no-reboot', '-serial', `file:${log}`];
  const disks = [
    `if=virtio,file=${join(work, way)}.qcow2,format=qcow2,snapshot=on`,
    `if=virtio,format=raw,readonly=on,file=${drive}`,
  ].flatMap((disk) => ['-drive', disk]);
  const nic = ['-nic', `user,model=virtio,mac=${mac}`];
  const qemu = spawn('qemu-system-x86_64', [...machine, ...quiet, ...disks, ...nic], { stdio: 'inherit' });
  const gone = new Promise((resolve) => qemu.once('exit', resolve));
  try {
    const started = Date.now();
    for (;;) {
      const text = existsSync(log) ? readFileSync(log, 'latin1') : '';
      const [, seconds, state] = /ONLINE ([\d.]+) (.*?)\r?\n/.exec(text) ?? [];
      if (seconds) {
        const asTold = state.startsWith('first') && state.includes(address) && state.includes('2001:db8::40');
        if (!asTold) throw new Error(`with ${way} the machine came up otherwise than the drive says: ${state}`);
        return Number(seconds);
      }
      if (qemu.exitCode !== null || Date.now() - started > limitMinutes * 60_000) {
        throw new Error(`with ${way} the network did not come up:\n${text.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    qemu.kill();
    await gone;
  }
}

function print(sizes, seconds) {
  const best = (way) => Math.min(...seconds[way]);
  const size = (way) => sizes[way] - sizes.nothing;
  const own = (way) => best(way) - best('nothing');
  console.log('\nadded to the image, and seconds from the kernel to network-online.target (best round)');
  for (const way of Object.keys(ways)) {
    const time = `${best(way).toFixed(1).padStart(6)} s, of these ${own(way).toFixed(1)} s its own`;
    console.log(`${way.padEnd(12)} ${megabytes(size(way)).padStart(9)} ${time}`);
  }
  const ratio = (measure) => (measure('simple-init') / measure('cloud-init')).toFixed(3);
  console.log(`simple-init / cloud-init: size ${ratio(size)}, seconds ${ratio(best)}`);
  const parts = [own('simple-init'), own('cloud-init')].map((seconds) => `${seconds.toFixed(1)} s`);
  console.log(`their own parts, above kernel and systemd: ${parts.join(' / ')} = ${ratio(own)}`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function say(text) {
  console.error(text);
}
