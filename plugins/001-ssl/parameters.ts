import { homedir } from 'node:os';
import { join } from 'node:path';
import { yesNo } from '../../src/deploy/declare.js';
import type { Configuration, Parameter, ParameterGroup, Processor } from '../../src/deploy/parameter.js';
import { fileExists, matches, notEmpty } from '../../src/deploy/validators.js';
import { type Authority, authorityProblem } from './authority.js';
import { pairProblem } from './pairs.js';

const home: Processor = (value) => ({ value: value.startsWith('~/') ? join(homedir(), value.slice(2)) : value });
const absolute = matches(/\/\S+/, 'the whole path of a file of this machine');

/** What of the subject of an authority each parameter `CONFIG_SSL_CERT_SUBJECT_PART` gives. */
const subjectParts: [part: string, option: string, what: string, value: string][] = [
  ['C', 'country', 'country, two letters', ''],
  ['ST', 'state', 'state', ''],
  ['L', 'location', 'place', ''],
  ['O', 'organization', 'organization', 'openstack'],
  ['OU', 'organizational-unit', 'organizational unit', 'stackwright'],
  ['CN', 'common-name', 'name', 'Stackwright CA'],
  ['MAIL', 'email', 'mail address', ''],
];

/** In openssl's form. */
export function subjectOf(known: Configuration): string {
  const parts = subjectParts.map(([part]) => {
    const value = known.get(`CONFIG_SSL_CERT_SUBJECT_${part}`);
    return value === '' ? '' : `/${part === 'MAIL' ? 'emailAddress' : part}=${value}`;
  });
  return parts.join('');
}

export function authorityOf(known: Configuration): Authority {
  return { certificate: known.get('CONFIG_SSL_CACERT_FILE'), key: known.get('CONFIG_SSL_CACERT_KEY_FILE') };
}

const isOpenstack = (known: Configuration) => known.is('CONFIG_KEYSTONE_INSTALL');
const hasBroker = (known: Configuration) => isOpenstack(known) || known.is('CONFIG_AMQP_INSTALL');

/** The interfaces of services speak TLS. */
export const hasEndpointTls = (known: Configuration) => isOpenstack(known) && known.is('CONFIG_ENDPOINTS_SSL');

/** A page for browsers that may speak TLS with a certificate of the user's. */
export interface Page {
  /** The files on its host are `NAME.crt` and `NAME.key`. */
  name: string;
  install: string;
  certificate: string;
  key: string;
  /** Certificates between its own and one that browsers know. */
  chain?: string;
}

const dashboard = {
  name: 'dashboard',
  install: 'CONFIG_HORIZON_INSTALL',
  certificate: 'CONFIG_HORIZON_SSL_CERT',
  key: 'CONFIG_HORIZON_SSL_KEY',
  chain: 'CONFIG_HORIZON_SSL_CACERT',
};
const consoles = {
  name: 'console',
  install: 'CONFIG_NOVA_INSTALL',
  certificate: 'CONFIG_VNC_SSL_CERT',
  key: 'CONFIG_VNC_SSL_KEY',
};

/** The pages that speak TLS. */
export function tlsPages(known: Configuration): Page[] {
  if (!isOpenstack(known) || !known.is('CONFIG_HORIZON_SSL')) return [];
  return [dashboard, consoles].filter(({ install }) => known.is(install));
}

/** Something has a certificate of the authority. */
export function needsAuthority(known: Configuration): boolean {
  const hasBrokerTls = hasBroker(known) && known.is('CONFIG_AMQP_ENABLE_SSL');
  const isGiven = ({ certificate }: Page) => known.get(certificate) !== '';
  return hasBrokerTls || hasEndpointTls(known) || !tlsPages(known).every(isGiven);
}

const switches: ParameterGroup = {
  name: 'ENCRYPTION',
  description: 'Encryption',
  preCondition: hasBroker,
  parameters: [
    yesNo({
      name: 'CONFIG_AMQP_ENABLE_SSL',
      cmdOption: 'amqp-enable-ssl',
      prompt: 'Should services reach the message broker by TLS',
      usage: "Set to 'y' to have services reach the message broker by TLS only, at port 5671.",
      default: 'n',
    }),
    yesNo({
      name: 'CONFIG_ENDPOINTS_SSL',
      cmdOption: 'os-endpoints-ssl',
      prompt: 'Should the interfaces of services be reached by TLS',
      usage:
        "Set to 'y' to have the interfaces of all services answer by TLS only, at their ports, with certificates of the authority, which every host then trusts.",
      default: 'n',
      condition: isOpenstack,
    }),
    yesNo({
      name: 'CONFIG_HORIZON_SSL',
      cmdOption: 'os-horizon-ssl',
      prompt: 'Should the dashboard and the consoles of instances be reached by TLS',
      usage: "Set to 'y' to have the dashboard and the consoles of instances reached by TLS only.",
      default: 'n',
      condition: isOpenstack,
    }),
  ],
};

function given(page: Page, name: string, cmdOption: string, what: string): Parameter {
  return {
    name,
    cmdOption,
    prompt: `Enter the file of ${what}`,
    usage: `File of this machine with ${what}, PEM. Left empty, the authority certifies.`,
    default: '',
    processors: [home],
    validators: [(value, known) => (value === '' ? undefined : fileExists(value, known))],
    condition: (known) => tlsPages(known).includes(page),
  };
}

const pages: ParameterGroup = {
  name: 'OSSSL',
  description: 'Certificates of the dashboard and of consoles',
  preCondition: (known) => tlsPages(known).length > 0,
  postCondition: (known) =>
    tlsPages(known)
      .map((page) => pairProblem(page, known))
      .find((problem) => problem !== undefined),
  parameters: [
    given(dashboard, dashboard.certificate, 'os-ssl-cert', 'the certificate of the dashboard'),
    given(dashboard, dashboard.key, 'os-ssl-key', 'the key of that certificate'),
    given(dashboard, dashboard.chain, 'os-ssl-cachain', 'the certificates between that and one that browsers know'),
    given(consoles, consoles.certificate, 'nova-ssl-cert', 'the certificate of the console proxy'),
    given(consoles, consoles.key, 'nova-ssl-key', 'the key of that certificate'),
  ],
};

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

const authority: ParameterGroup = {
  name: 'SSL',
  description: 'Certificate authority',
  preCondition: needsAuthority,
  postCondition: (known) => authorityProblem(authorityOf(known), known.is('CONFIG_SSL_CACERT_SELFSIGN')),
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

export const groups = [switches, pages, authority];
