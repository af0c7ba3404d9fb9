export { type ConfigText, chooseBlockDeviceConfig, readConfigFile } from './choose.js';
export { type BlockDeviceConfig, type RootFileSystem, readBlockDeviceConfig } from './config.js';
export { type BlockDevicePlace, type BlockDevices, createBlockDevices, type Runner } from './create.js';
export { describeGraph, type GraphDescription } from './describe.js';
export { type BlockDeviceGraph, blockDeviceGraph } from './graph.js';
export { contentSize, imageSize, rootOptions, treeSize, type WantedSize } from './image-size.js';
export { isReproducible } from './make-file-system.js';
export { type BlockDeviceParameters, blockDeviceParameters } from './parameters.js';
export { type BlockDevicePlan, planBlockDevices } from './plan.js';
