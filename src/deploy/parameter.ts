/** A question that an answer file answers. */
export interface Parameter {
  /** `CONFIG_…`; compared in upper case. */
  name: string;
  /** The option of the command line that sets it, without dashes. */
  cmdOption: string;
  /** What an interactive question asks. */
  prompt: string;
  /** What stands above it in an answer file. */
  usage: string;
  /** Without a default the file must have it. A default may follow from earlier parameters. */
  default?: string | ((known: Configuration) => string);
  /** What a generated file proposes where there is no default. */
  suggest?: () => string;
  /** The only values allowed. */
  options?: string[];
  /** Several of the options may be given, separated by commas. */
  severalOptions?: boolean;
  validators?: Validator[];
  processors?: Processor[];
  /** Never shown, logged or put into a process's arguments. */
  mask?: boolean;
  /** An interactive question asks twice. */
  needConfirm?: boolean;
  /** The default is taken without a question. */
  useDefault?: boolean;
  /** Said at the end of a run that went well, where the value is one of `values` (any, without them). */
  message?: { text: string; values?: string[] };
  /** A value that a validator refuses is reported, and used. */
  looseValidation?: boolean;
  /** Where false, the parameter is not asked, checked or needed. */
  condition?: (known: Configuration) => boolean;
  /** Old names, which are still read. */
  deprecates?: string[];
  /** Its values are hosts that the deployment logs in to; a function where that depends on others. */
  namesHosts?: boolean | ((known: Configuration) => boolean);
}

export interface ParameterGroup {
  name: string;
  description: string;
  parameters: Parameter[];
  /** Where false, the group's parameters are not asked, checked or needed. */
  preCondition?: (known: Configuration) => boolean;
  /** What must hold when the group is answered; the text says what does not. */
  postCondition?: (known: Configuration) => string | undefined;
}

/** Values of all parameters, processed and valid. */
export interface Configuration {
  /** @throws Error where no plugin declares the parameter: that is a fault of the plugin that asks */
  get(name: string): string;
  /** True for `y`. */
  is(name: string): boolean;
  /** A comma-separated value; empty entries are left out. */
  list(name: string): string[];
  entries(): [string, string][];
}

/** What is wrong with a value, in lower case and without naming the value; undefined when it is right. */
export type Validator = (value: string, known: Configuration) => string | undefined | Promise<string | undefined>;

/** The names of the installed machines of the inventory whose property (`role`, …) has this value. */
export type FindMachines = (property: string, value: string) => Promise<string[]>;

/** Which of these modules the kernels of hosts lack, by host; an empty list where one has them all. */
export type LackingModules = (hosts: string[], modules: string[]) => Promise<Map<string, string[]>>;

export interface ProcessorContext {
  known: Configuration;
  /** False where answers are only looked at: then nothing is made on this machine. */
  mayCreate: boolean;
  /** Absent where there is no inventory to ask. */
  findMachines?: FindMachines;
  /** Absent where hosts are not to be asked. */
  lackingModules?: LackingModules;
}

export interface Processed {
  value: string;
  /** Said to the user where the value was changed. */
  message?: string;
  /** The value was made up, or found: a deployment writes it into the answer file, so that the next one has the same. */
  generated?: boolean;
  /** Why the value cannot be processed, as a validator says it. */
  problem?: string;
}

/** Changes a value, e.g. a placeholder to a generated password. Processing a processed value changes nothing. */
export type Processor = (value: string, context: ProcessorContext) => Processed | Promise<Processed>;

export function configurationOf(values: ReadonlyMap<string, string>): Configuration {
  function get(name: string): string {
    const value = values.get(name);
    if (value === undefined) throw new Error(`no plugin declares ${name}`);
    return value;
  }
  return {
    get,
    is: (name) => get(name) === 'y',
    list: (name) => splitList(get(name)),
    entries: () => [...values],
  };
}

export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
