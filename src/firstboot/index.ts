export {
  buildConfigDrive,
  type ConfigDriveContent,
  type ConfigDriveFiles,
  type ConfigDriveFormat,
  configDriveFormats,
  configDriveSeed,
  type MachineRecord,
  type NetworkDescription,
  parseDriveJson,
  recordToConfigDrive,
  renderConfigDrive,
} from './config-drive.js';
export type { FirstbootEvent } from './events.js';
export type { RenderedFile, RenderResult } from './renderer/input.js';
export { distributions, type RenderRootOptions, renderRoot } from './root.js';
