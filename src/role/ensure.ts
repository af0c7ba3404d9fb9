import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { buildTree, hostArchitecture, imageIdentity, resolveElements } from '../image/index.js';
import { reportRole } from './events.js';
import { checkPublishable, publishRole } from './publish.js';
import type { Role } from './store.js';

export interface EnsureRoleOptions {
  name: string;
  version: string;
  elements: string[];
  elementsPath: string[];
  /** What the elements' scripts see, e.g. `DIB_RELEASE`; part of the image's identity. */
  environment: Record<string, string>;
  state: StateDirectory;
  reporter: Reporter;
  arch?: string;
  packages?: string[];
  withoutBase?: boolean;
  /** Replace a role of this name and version that was built from something else. */
  force?: boolean;
  signal?: AbortSignal;
}

/**
 * The role, built and published unless it is published from the same elements and environment
 * already; finding that out reads the elements' files only.
 * @throws StackwrightError `RoleExists` before anything is built, and those of `buildTree`
 */
export async function ensureRole(options: EnsureRoleOptions): Promise<Role> {
  const { name, version, state, reporter } = options;
  const arch = options.arch ?? hostArchitecture();
  const elements = resolveElements(options.elements, options.elementsPath, { ...options, arch });
  const identity = imageIdentity({ ...options, elements, arch });
  const existing = checkPublishable(state, name, version, identity, options.force ?? false);
  if (existing) {
    reportRole(reporter, {
      code: 'role.unchanged',
      level: 'info',
      message: `${name} ${version} is published already`,
      data: { name, version, identity },
    });
    return existing;
  }
  await using tree = await buildTree({ ...options, imageName: name });
  return await publishRole({ ...options, tree });
}
