export { billOfMaterials } from './bill-on-demand.js';
export { describeImage, type ImageDescription } from './describe.js';
export { diffImages, type FileDifference, type ImageDifference } from './diff.js';
export { type ImageContents, openImage } from './open.js';
export { type ImageRecord, keepImageRecord, readImageRecord } from './record.js';
export { type FileEntry, readableName } from './walk.js';
