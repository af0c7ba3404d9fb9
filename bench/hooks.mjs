// What ten empty hooks add to the seven phases of a deployment, in one shell on this host, beside none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const program = join(dirname(dirname(fileURLToPath(import.meta.url))), 'bin', 'stackwright');
const phases = ['override_defaults', 'source', 'stack pre-install', 'stack install', 'stack post-config'];
phases.push('stack extra', 'stack test-config');

export async function bench(rounds) {
  const directory = mkdtempSync(join(tmpdir(), 'stackwright-bench-'));
  try {
    const counts = [0, 10];
    for (const count of counts) writeHooks(join(directory, `hooks${count}`), count);
    await seconds(directory, 0);
    const measured = { 0: [], 10: [] };
    for (let round = 1; round <= rounds; round++) {
      for (const count of counts) measured[count].push(await seconds(directory, count));
    }
    for (const count of counts)
      console.log(`${count} hooks: ${measured[count].map((value) => value.toFixed(2)).join(' ')} s`);
    const added = median(measured[10]) - median(measured[0]);
    console.log(`ten empty hooks add ${added.toFixed(2)} s to seven phases (aim: under 2 s)`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function writeHooks(directory, count) {
  mkdirSync(directory);
  for (let number = 0; number < count; number++) writeFileSync(join(directory, `${10 + number}-empty.sh`), ':\n');
}

async function seconds(directory, count) {
  const began = performance.now();
  const env = { STACKWRIGHT_STATE: join(directory, 'state'), DEST: join(directory, 'dest') };
  await execa(program, ['hooks', 'run', '--extras-dir', join(directory, `hooks${count}`), ...phases], { env });
  return (performance.now() - began) / 1000;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
