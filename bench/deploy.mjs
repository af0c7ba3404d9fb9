// What a deployment costs: OpenStack on one host, and waves over fifty.
import { bench as allinone } from './allinone.mjs';
import { bench as waves } from './waves.mjs';

export async function bench(rounds) {
  await waves(rounds);
  await allinone();
}
