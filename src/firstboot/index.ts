export {
  type ConfigDriveContent,
  type MachineRecord,
  type NetworkDescription,
  parseDriveJson,
  recordToConfigDrive,
  renderConfigDrive,
} from './config-drive.js';
export { type DriveContents, type DriveFormat, writeDrive } from './drive-image.js';
export type { FirstbootEvent } from './events.js';
export { checkDriveYaml, type NoCloudContent, renderNoCloudDrive } from './nocloud-drive.js';
export type { RenderedFile, RenderResult } from './renderer/input.js';
export { type RenderRootOptions, renderRoot } from './root.js';
