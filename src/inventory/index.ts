export { type Registration, type RegistrationOptions, registerMachine, reportFailure } from './claims.js';
export { type Cmdb, type CmdbEntry, formatCmdb, parseCmdb } from './cmdb.js';
export {
  type ConfigureScript,
  type ConfigureSource,
  configureTextOf,
  renderConfigureScript,
  renderRefusal,
} from './configure.js';
export { type ConvertedFile, convertSite, type SiteForm } from './convert.js';
export { type EdeploySection, readEdeployConf } from './edeploy-conf.js';
export type { InventoryEvent } from './events.js';
export {
  type Fact,
  type Facts,
  type MachineTraits,
  parseFacts,
} from './facts.js';
export { isHardware } from './hardware.js';
export { deriveFacts } from './hardware-store.js';
export { bindRole, keepHostKeys, listEvents, type StoredEvent, sshTargets } from './installation.js';
export { layoutNetwork } from './layout/index.js';
export {
  failSilent,
  findMachine,
  listMachines,
  type Machine,
  type MachineFields,
  type MachineFilter,
  mayInstall,
  publicMachine,
  setMachineState,
  updateMachine,
} from './machines.js';
export { type OperatorAction, operate, operatorActions } from './operate.js';
export { previewScript } from './preview.js';
export {
  checkSite,
  type Explanation,
  explainText,
  loadSite,
  matchSite,
  nearestFirst,
  type Profile,
  type Site,
  type SiteMatch,
} from './site.js';
export { followSite } from './site-watch.js';
export { operatorKey, parseHostKeys, type SshTarget, sshConfigFile, writeSshAccess } from './ssh-access.js';
export { machineByNextToken, machineByToken, touchBooting } from './tokens.js';
