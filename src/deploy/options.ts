import { loadPlugins } from './load-plugins.js';
import { packstackParameters } from './packstack.js';

/** An option of the command line that gives a parameter a value. */
export interface CommandOption {
  /** Without dashes. */
  option: string;
  name: string;
  /** What a help text says of it. */
  usage: string;
  /** Packstack has it, and nothing here reads it. */
  why?: string;
}

/** An option for each parameter: those that plugins declare, then packstack's others. */
export async function commandOptions(): Promise<CommandOption[]> {
  const declared = (await loadPlugins()).flatMap(({ groups }) => groups).flatMap(({ parameters }) => parameters);
  const names = new Set(declared.flatMap(({ name, deprecates = [] }) => [name, ...deprecates]));
  const taken = new Set(declared.map(({ cmdOption }) => cmdOption));
  return [
    ...declared.map(({ cmdOption, name, usage }) => ({ option: cmdOption, name, usage })),
    ...packstackParameters
      .filter(({ name, option }) => !names.has(name) && !taken.has(option))
      .map(({ option, name, why }) => ({ option, name, usage: `Not supported: ${why}.`, why })),
  ];
}
