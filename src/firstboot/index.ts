export {
  buildConfigDrive,
  type ConfigDriveContent,
  type ConfigDriveFiles,
  type ConfigDriveFormat,
  type MachineRecord,
  type NetworkDescription,
  parseDriveJson,
  recordToConfigDrive,
  renderConfigDrive,
} from './config-drive.js';
export type { FirstbootEvent } from './events.js';
export type { RenderedFile, RenderResult } from './renderer/input.js';
export { type RenderRootOptions, renderRoot } from './root.js';
