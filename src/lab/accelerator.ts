import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import type { StateDirectory } from '../base/state.js';

/** How QEMU runs guests: KVM only where a probe has proved that it boots a stock kernel. */
export interface Accelerator {
  name: 'kvm' | 'tcg';
  reason: string;
}

/** A `/dev/kvm` that opens is no proof: some back ends cannot run a stock kernel, and hang. */
const PROBE_SECONDS = 8;

/**
 * Starts a tiny guest under KVM and waits for its kernel's first line. The answer is kept until the
 * host boots again.
 */
export async function chooseAccelerator(state: StateDirectory, kernel: string): Promise<Accelerator> {
  const cache = state.path('lab', 'accelerator.json');
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const known = await readTextIfExists(cache);
  if (known !== undefined) {
    const { bootId: then, ...accelerator } = JSON.parse(known);
    if (then === bootId) return accelerator;
  }
  const accelerator = await probe(kernel);
  await writeFileAtomic(cache, JSON.stringify({ ...accelerator, bootId }));
  return accelerator;
}

async function probe(kernel: string): Promise<Accelerator> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return { name: 'tcg', reason: '/dev/kvm cannot be opened' };
  }
  const works = await bootsUnderKvm(kernel);
  return works
    ? { name: 'kvm', reason: 'a probe booted a stock kernel' }
    : { name: 'tcg', reason: `KVM did not boot a stock kernel within ${PROBE_SECONDS} s` };
}

function bootsUnderKvm(kernel: string): Promise<boolean> {
  const display = ['-nographic', '-nodefaults', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'];
  const boot = ['-kernel', kernel, '-append', 'console=ttyS0 earlyprintk=serial panic=-1'];
  const guest = spawn(
    'qemu-system-x86_64',
    ['-M', 'q35', '-accel', 'kvm', '-cpu', 'max', '-m', '256', ...display, ...boot],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  return new Promise((resolve) => {
    let output = '';
    const finish = (works: boolean) => {
      clearTimeout(limit);
      guest.kill('SIGKILL');
      resolve(works);
    };
    const limit = setTimeout(() => finish(false), PROBE_SECONDS * 1000);
    guest.on('error', () => finish(false));
    guest.on('exit', () => finish(false));
    guest.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('latin1')).slice(-4096);
      if (output.includes('Linux version')) finish(true);
    });
  });
}
