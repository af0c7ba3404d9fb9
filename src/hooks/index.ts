export type { HookEvent } from './events.js';
export { type HostPhase, runHostPhase } from './host-run.js';
export { type HookList, type ListedHook, listHooks } from './list.js';
export { type LocalRunOptions, runHooks } from './local-run.js';
export { type Phase, phases } from './phases.js';
export { servicesOf } from './services.js';
export { findHooks, type HookSite } from './site.js';
export type { HookConfiguration, HookContext, HookFunction, HookHost } from './typescript-hook.js';
