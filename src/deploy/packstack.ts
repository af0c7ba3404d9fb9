import { commonGroups } from './packstack/common.js';
import { earlierGroups } from './packstack/earlier.js';
import { serviceGroups } from './packstack/services.js';
import { storageGroups } from './packstack/storage.js';

const groups = [...commonGroups, ...storageGroups, ...serviceGroups, ...earlierGroups];

/** A parameter that packstack has or had. */
export interface PackstackParameter {
  name: string;
  /** The option of the old command that sets it, without dashes. */
  option: string;
  group: string;
  /** Why it has no effect where no plugin declares it. */
  why: string;
}

/**
 * Every parameter of packstack, those of its last release first: an answer file may have any of them. What no plugin
 * declares is reported as not supported, with the reason, and never silently ignored.
 */
export const packstackParameters: PackstackParameter[] = groups.flatMap(({ group, why, parameters }) =>
  parameters
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', option = ''] = line.trim().split(' ');
      return { name, option, group, why };
    }),
);

const byName = new Map(packstackParameters.map((parameter) => [parameter.name, parameter]));

/** The parameter of packstack with this name, in any case. */
export function packstackParameter(name: string): PackstackParameter | undefined {
  return byName.get(name.toUpperCase());
}
