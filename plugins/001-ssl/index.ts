import { readFile } from 'node:fs/promises';
import { HOST_CERTIFICATES, hostSequence } from '../../src/deploy/declare.js';
import type { DeployContext, DeployPlugin, PluginSequences, Sequence } from '../../src/deploy/plugin.js';
import { certify, ensureAuthority, isGood } from './authority.js';
import { authorityOf, groups, hasEndpointTls, needsAuthority, type Page, subjectOf, tlsPages } from './parameters.js';

export const plugin: DeployPlugin = {
  name: 'ssl',
  groups,
  sequences(configuration, hosts): PluginSequences {
    const controller = configuration.get('CONFIG_CONTROLLER_HOST');
    const given = tlsPages(configuration).filter(({ certificate }) => configuration.get(certificate) !== '');
    const endpoints = hasEndpointTls(configuration);
    return {
      prepare: [
        ...(needsAuthority(configuration) ? authoritySequences(hosts) : []),
        ...(endpoints ? [hostSequence('ssl.trust', 'trust the certificate authority', hosts, trust)] : []),
        ...given.map((page) =>
          hostSequence(`ssl.${page.name}`, `send the certificate of the ${page.name}`, [controller], (context, host) =>
            sendGiven(context, host, page),
          ),
        ),
      ],
      messages: endpoints
        ? [
            `elsewhere than on the hosts a client needs the authority: OS_CACERT=${authorityOf(configuration).certificate}`,
          ]
        : [],
    };
  },
};

function authoritySequences(hosts: string[]): Sequence[] {
  const make = 'make the certificate authority';
  return [
    { title: make, steps: [{ id: 'ssl.authority', title: make, work: makeAuthority }] },
    hostSequence('ssl.certificate', 'make the certificate', hosts, certifyHost),
  ];
}

async function makeAuthority({ configuration }: DeployContext): Promise<undefined> {
  const mayMake = configuration.is('CONFIG_SSL_CACERT_SELFSIGN');
  await ensureAuthority(authorityOf(configuration), subjectOf(configuration), mayMake);
}

/** The key of a certificate that is good stays on its host. */
async function certifyHost(context: DeployContext, host: string): Promise<undefined> {
  const { configuration, ssh, reach, facts } = context;
  const known = authorityOf(configuration);
  const { address, hostname } = facts(host);
  const names = [...new Set([host, hostname, address])].filter((name) => name !== '');
  // It may have been renewed with the same key, and then what it has certified is still good.
  await send(context, host, 'ca.crt', '0644', await readFile(known.certificate, 'utf8'));
  const look = `test -s "$1/host.key" && cat "$1/host.crt"`;
  const options = { timeout: 60, okStatuses: [0, 1] };
  const found = await ssh.run(reach(host), ['sh', '-c', look, 'sh', HOST_CERTIFICATES], options);
  if (found.status === 0 && (await isGood(found.stdout, known, names, new Date()))) return;
  const { certificate, key } = await certify(known, names);
  await send(context, host, 'host.key', '0600', key);
  await send(context, host, 'host.crt', '0644', certificate);
}

/** Python's clients read what the system trusts. A host that has not that package yet gets it with them, and it looks here. */
async function trust({ ssh, reach, logFile }: DeployContext, host: string): Promise<undefined> {
  await ssh.run(reach(host), ['sh', '-c', trustScript, 'sh', HOST_CERTIFICATES], { timeout: 120, logFile });
}

async function sendGiven(context: DeployContext, host: string, page: Page): Promise<undefined> {
  const textOf = async (name: string) => (await readFile(context.configuration.get(name), 'utf8')).trimEnd();
  const chain = page.chain && context.configuration.get(page.chain) !== '' ? [await textOf(page.chain)] : [];
  await send(context, host, `${page.name}.key`, '0600', `${await textOf(page.key)}\n`);
  await send(context, host, `${page.name}.crt`, '0644', `${[await textOf(page.certificate), ...chain].join('\n')}\n`);
}

async function send(context: DeployContext, host: string, name: string, mode: string, input: string): Promise<void> {
  const words = ['sh', '-c', writeScript, 'sh', HOST_CERTIFICATES, name, mode];
  await context.ssh.run(context.reach(host), words, { input, timeout: 60, logFile: context.logFile });
}

const writeScript = `set -eu
umask 077
mkdir -p "$1"
chmod 0755 "$1"
cat > "$1/$2.new"
chmod "$3" "$1/$2.new"
mv "$1/$2.new" "$1/$2"
`;

const trustScript = `set -eu
umask 022
mkdir -p /usr/local/share/ca-certificates
cp "$1/ca.crt" /usr/local/share/ca-certificates/stackwright.crt
! command -v update-ca-certificates > /dev/null || update-ca-certificates
`;
