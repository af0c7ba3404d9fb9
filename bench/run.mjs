// npm run bench -- NAME [--rounds N]: measures against the peers that people run today, as ratios in one run.
import { parseArgs } from 'node:util';

const benches = {
  allinone: () => import('./allinone.mjs'),
  claims: () => import('./claims.mjs'),
  deploy: () => import('./deploy.mjs'),
  firstboot: () => import('./firstboot.mjs'),
  hooks: () => import('./hooks.mjs'),
  image: () => import('./image.mjs'),
  install: () => import('./install.mjs'),
  waves: () => import('./waves.mjs'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '2' } },
});
const [name] = positionals;
const rounds = Number(values.rounds);
if (!Object.hasOwn(benches, name ?? '') || positionals.length > 1 || !(rounds >= 1 && rounds <= 20)) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--rounds 1…20]`);
  process.exit(2);
}
const { bench } = await benches[name]();
await bench(rounds);
