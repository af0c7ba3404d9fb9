export { type EnsureRoleOptions, ensureRole } from './ensure.js';
export type { RoleEvent } from './events.js';
export { exportRole } from './export.js';
export { type PublishedTree, type PublishOptions, publishRole } from './publish.js';
export { getRole, listRoles, type Role, type RoleRecord, readRoleAt } from './store.js';
