import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';
import { registerSecret } from '../base/mask.js';
import type { StateDirectory } from '../base/state.js';
import { readYaml } from '../base/yaml.js';

const Login = {
  user: z.string().min(1).max(64).optional(),
  password: z.string().min(1).max(128).optional(),
  /** Instead of `password`: a file whose first line it is. */
  password_file: z.string().startsWith('/').optional(),
};

const Address = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'an address or a host name');

const Ipmi = z.strictObject({ ipmi: Address, port: z.number().int().min(1).max(65_535).default(623), ...Login });

const Redfish = z.strictObject({
  /** `https://ADDRESS`, without a path. */
  redfish: z.url({ protocol: /^https?$/ }),
  /** Path of the system; without it the only one that the BMC has. */
  system: z.string().startsWith('/').optional(),
  /** PEM file of the authority that has signed the BMC's certificate. */
  ca: z.string().startsWith('/').optional(),
  /** Accepts any certificate: whoever answers gets the password. */
  insecure: z.boolean().default(false),
  ...Login,
});

const Bmc = z.union([Ipmi, Redfish]);

const Settings = z.strictObject({
  defaults: z.strictObject(Login).default({}),
  /** By host name, UUID, name or id of the machine. */
  machines: z.record(z.string(), Bmc),
});

type Known = { user: string; password: string };
export type IpmiSettings = z.infer<typeof Ipmi> & Known;
export type RedfishSettings = z.infer<typeof Redfish> & Known;

/** The file with the BMCs of machines; it has passwords. */
export const bmcFile = (state: StateDirectory) => state.path('bmc.yaml');

/**
 * The BMC of a machine in `STATE/bmc.yaml`; undefined where it is not there.
 * @param names by which the machine may be listed
 * @throws StackwrightError `BmcFileInvalid`, `BmcFileReadable`
 */
export async function readBmc(
  file: string,
  names: readonly string[],
): Promise<IpmiSettings | RedfishSettings | undefined> {
  const text = await readTextIfExists(file);
  if (text === undefined) return undefined;
  requirePrivate(file);
  const { machines, defaults } = parse(text, file);
  const found = Object.entries(machines).find(([name]) => names.includes(name));
  if (!found) return undefined;
  const [name, bmc] = found;
  const user = bmc.user ?? defaults.user;
  const password = passwordOf(bmc, file) ?? passwordOf(defaults, file);
  if (user !== undefined && password !== undefined) return { ...bmc, user, password };
  throw new StackwrightError('BmcFileInvalid', `the BMC of ${name} has no user or no password`, {
    file,
    value: name,
    hint: 'give user, and password or password_file, here or under defaults',
  });
}

function requirePrivate(file: string): void {
  if ((statSync(file).mode & 0o077) === 0) return;
  throw new StackwrightError('BmcFileReadable', 'others can read the passwords of the BMCs', {
    file,
    value: `0${(statSync(file).mode & 0o777).toString(8)}`,
    hint: `chmod 600 ${file}`,
  });
}

function parse(text: string, file: string): z.infer<typeof Settings> {
  const yaml = readYaml(text, Settings);
  if (!yaml.mistake) return yaml.data;
  const { path, message, line, column } = yaml.mistake;
  const where = path.length > 0 ? `${path.map(String).join('.')}: ` : '';
  // Not the value: it could be a password.
  throw new StackwrightError('BmcFileInvalid', where + message, {
    file,
    line,
    column,
    hint: 'see docs/reference/power.md',
  });
}

function passwordOf(login: { password?: string; password_file?: string }, file: string): string | undefined {
  const password = login.password ?? (login.password_file && firstLine(login.password_file, file));
  if (password !== undefined) registerSecret(password);
  return password;
}

function firstLine(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8').split('\n')[0] ?? '';
  } catch (cause) {
    throw new StackwrightError('BmcFileInvalid', 'the file with the password cannot be read', {
      file,
      value: path,
      cause,
      hint: 'correct password_file',
    });
  }
}
