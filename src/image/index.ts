export { readAciManifest } from './aci.js';
export {
  blockDeviceGraph,
  describeGraph,
  readBlockDeviceConfig,
  readConfigFile,
} from './block-device/index.js';
export { type BuildOptions, type BuiltTree, buildTree } from './build.js';
export { type BuildListOptions, buildList, type ListedResult } from './build-list.js';
export { buildFromBundle, bundleImage } from './bundle/index.js';
export {
  billOfMaterials,
  describeImage,
  diffImages,
  type FileDifference,
  type FileEntry,
  type ImageContents,
  type ImageDescription,
  type ImageDifference,
  type ImageRecord,
  openImage,
  readableName,
  readImageRecord,
} from './contents/index.js';
export { type Element, elementsPath, type ResolveOptions, resolveElements } from './elements.js';
export { elementExports, hostArchitecture } from './environment.js';
export type { ImageEvent } from './events.js';
export { type IdentityInputs, imageIdentity } from './identity.js';
export { type BuildExplanation, type BuiltImage, buildImage, explainBuild, type ImageOptions } from './image.js';
export { type ListedImage, listedCommand, readImageLists } from './image-list.js';
export { inputReasons, type KeptLayer, type LayerChange, openLayers, pruneLayers } from './layers/index.js';
export { type LintFinding, lintElements } from './lint.js';
export { parseFormats } from './output.js';
export type { PackageInstalls } from './package-installs.js';
export { buildRamdisk, type RamdiskOptions } from './ramdisk.js';
export { sourceDateEpoch } from './reproducible.js';
export { ensureTree, type KeptTree } from './tree.js';
export { wantedPackages } from './wanted-packages.js';
