import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hostSequence, yesNo } from '../../src/deploy/declare.js';
import type { Configuration, Parameter, ParameterGroup, Processor } from '../../src/deploy/parameter.js';
import type { DeployContext, DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { matches, notEmpty } from '../../src/deploy/validators.js';
import { type Authority, certify, ensureAuthority, isGood } from './authority.js';

/** Where hosts have them; manifests read them there. */
const DIRECTORY = '/etc/ssl/stackwright';

const home: Processor = (value) => ({ value: value.startsWith('~/') ? join(homedir(), value.slice(2)) : value });
const absolute = matches(/\/\S+/, 'the whole path of a file of this machine');

function file(name: string, cmdOption: string, what: string, base: string): Parameter {
  return {
    name,
    cmdOption,
    prompt: `Enter the file of ${what}`,
    usage: `File of this machine with ${what}, in the directory of the authority unless given.`,
    default: (known) => join(known.get('CONFIG_SSL_CERT_DIR'), base),
    processors: [home],
    validators: [absolute],
  };
}

const subjectParts: [part: string, option: string, what: string, value: string][] = [
  ['C', 'country', 'country, two letters', ''],
  ['ST', 'state', 'state', ''],
  ['L', 'location', 'place', ''],
  ['O', 'organization', 'organization', 'openstack'],
  ['OU', 'organizational-unit', 'organizational unit', 'stackwright'],
  ['CN', 'common-name', 'name', 'Stackwright CA'],
  ['MAIL', 'email', 'mail address', ''],
];

const switches: ParameterGroup = {
  name: 'AMQP_SSL',
  description: 'Encryption',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL') || known.is('CONFIG_AMQP_INSTALL'),
  parameters: [
    yesNo({
      name: 'CONFIG_AMQP_ENABLE_SSL',
      cmdOption: 'amqp-enable-ssl',
      prompt: 'Should services reach the message broker by TLS',
      usage: "Set to 'y' to have services reach the message broker by TLS only, at port 5671.",
      default: 'n',
    }),
  ],
};

const authority: ParameterGroup = {
  name: 'SSL',
  description: 'Certificate authority',
  preCondition: (known) => known.is('CONFIG_AMQP_ENABLE_SSL'),
  parameters: [
    {
      name: 'CONFIG_SSL_CERT_DIR',
      cmdOption: 'ssl-cert-dir',
      prompt: 'Enter the directory of the certificate authority',
      usage: 'Directory of this machine with the certificate authority.',
      default: '~/stackwright-ca',
      processors: [home],
      validators: [notEmpty, absolute],
    },
    file('CONFIG_SSL_CACERT_FILE', 'ssl-cacert-file', "the authority's certificate", 'ca.crt'),
    file('CONFIG_SSL_CACERT_KEY_FILE', 'ssl-cacert-key-file', "the authority's key", 'ca.key'),
    yesNo({
      name: 'CONFIG_SSL_CACERT_SELFSIGN',
      cmdOption: 'ssl-cacert-selfsign',
      prompt: 'Should a certificate authority be made where there is none',
      usage: "Set to 'y' to make a certificate authority where there is none.",
      default: 'y',
    }),
    ...subjectParts.map(
      ([part, option, what, value]): Parameter => ({
        name: `CONFIG_SSL_CERT_SUBJECT_${part}`,
        cmdOption: `ssl-cert-subject-${option}`,
        prompt: `Enter the ${what} of the authority`,
        usage: `Subject of the authority that is made: ${what}. Left empty, it has none.`,
        default: value,
        // A slash would begin another part.
        validators: [matches(/[^/\\]*/, 'without slashes')],
        useDefault: true,
      }),
    ),
  ],
};

export const plugin: DeployPlugin = {
  name: 'ssl',
  groups: [switches, authority],
  sequences(configuration, hosts): PluginSequences {
    if (!configuration.is('CONFIG_AMQP_ENABLE_SSL')) return {};
    const make = 'make the certificate authority';
    return {
      prepare: [
        { title: make, steps: [{ id: 'ssl.authority', title: make, work: makeAuthority }] },
        hostSequence('ssl.certificate', 'make the certificate', hosts, certifyHost),
      ],
    };
  },
};

function authorityOf(known: Configuration): Authority {
  return { certificate: known.get('CONFIG_SSL_CACERT_FILE'), key: known.get('CONFIG_SSL_CACERT_KEY_FILE') };
}

async function makeAuthority({ configuration }: DeployContext): Promise<undefined> {
  const parts = subjectParts.map(([part]) => {
    const value = configuration.get(`CONFIG_SSL_CERT_SUBJECT_${part}`);
    return value === '' ? '' : `/${part === 'MAIL' ? 'emailAddress' : part}=${value}`;
  });
  const mayMake = configuration.is('CONFIG_SSL_CACERT_SELFSIGN');
  await ensureAuthority(authorityOf(configuration), parts.join(''), mayMake);
}

/** The key of a certificate that is good stays on its host. */
async function certifyHost(context: DeployContext, host: string): Promise<undefined> {
  const { configuration, ssh, reach, facts, logFile } = context;
  const known = authorityOf(configuration);
  const { address, hostname } = facts(host);
  const names = [...new Set([host, hostname, address])].filter((name) => name !== '');
  const look = `test -s "$1/host.key" && cat "$1/host.crt"`;
  const options = { timeout: 60, okStatuses: [0, 1] };
  const found = await ssh.run(reach(host), ['sh', '-c', look, 'sh', DIRECTORY], options);
  if (found.status === 0 && (await isGood(found.stdout, known, names, new Date()))) return;
  const { certificate, key } = await certify(known, names);
  const files: [name: string, mode: string, text: string][] = [
    ['ca.crt', '0644', await readFile(known.certificate, 'utf8')],
    ['host.key', '0600', key],
    ['host.crt', '0644', certificate],
  ];
  for (const [name, mode, text] of files) {
    const words = ['sh', '-c', writeScript, 'sh', DIRECTORY, name, mode];
    await ssh.run(reach(host), words, { input: text, timeout: 60, logFile });
  }
}

const writeScript = `set -eu
umask 077
mkdir -p "$1"
chmod 0755 "$1"
cat > "$1/$2.new"
chmod "$3" "$1/$2.new"
mv "$1/$2.new" "$1/$2"
`;
