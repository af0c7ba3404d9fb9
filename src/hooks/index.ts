export type { HookEvent } from './events.js';
export { type HookList, type ListedHook, listHooks } from './list.js';
export { type LocalRunOptions, runHooks } from './local-run.js';
export { servicesOf } from './services.js';
export type { HookConfiguration, HookContext, HookFunction, HookHost } from './typescript-hook.js';
