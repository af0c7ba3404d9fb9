// A process that makes and mounts block devices and can be killed then: create.fixture.ts STATE CONFIG TREE.
import { readFileSync } from 'node:fs';
import { stateDirectory } from '../../base/state.js';
import { openTemporary } from '../../base/temporary.js';
import { createBlockDevices, planBlockDevices, readBlockDeviceConfig } from './index.js';

const [root = '', file = '', tree = ''] = process.argv.slice(2);
const temporary = openTemporary(stateDirectory(root), 'image build');
const work = temporary.directory('image');
const plan = planBlockDevices(readBlockDeviceConfig(readFileSync(file, 'utf8'), file), 64 * 2 ** 20);
const { devices } = await createBlockDevices(plan, {
  temporary,
  imageDirectory: work,
  mountPoint: `${work}/mnt`,
  tree,
});
console.log([...devices.values()].join(' '));
setInterval(() => {}, 1000);
