import { shellQuote } from '../base/command.js';
import type { HookConfiguration } from './typescript-hook.js';

/** What DevStack calls the services that a parameter of the answer file installs. */
const installed: Record<string, string[]> = {
  CONFIG_MEMCACHED_INSTALL: ['memcached'],
  CONFIG_MARIADB_INSTALL: ['mysql'],
  CONFIG_AMQP_INSTALL: ['rabbit'],
  CONFIG_KEYSTONE_INSTALL: ['key'],
  CONFIG_GLANCE_INSTALL: ['g-api'],
  CONFIG_NOVA_INSTALL: [
    'placement-api',
    'placement-client',
    'n-api',
    'n-api-meta',
    'n-cond',
    'n-sch',
    'n-cpu',
    'n-novnc',
  ],
  CONFIG_NEUTRON_INSTALL: ['neutron', 'q-svc', 'q-agt', 'q-dhcp', 'q-l3', 'q-meta'],
  CONFIG_CINDER_INSTALL: ['c-api', 'c-sch', 'c-vol'],
  CONFIG_HORIZON_INSTALL: ['horizon'],
  CONFIG_SWIFT_INSTALL: ['s-proxy', 's-object', 's-container', 's-account'],
  CONFIG_HEAT_INSTALL: ['h-eng', 'h-api'],
};

/** The variables of DevStack that have a parameter's value. */
const variables: Record<string, string> = {
  CONFIG_KEYSTONE_ADMIN_PW: 'ADMIN_PASSWORD',
  CONFIG_KEYSTONE_REGION: 'REGION_NAME',
  CONFIG_MARIADB_PW: 'DATABASE_PASSWORD',
  CONFIG_MARIADB_USER: 'DATABASE_USER',
  CONFIG_MARIADB_HOST: 'DATABASE_HOST',
  CONFIG_AMQP_AUTH_USER: 'RABBIT_USERID',
  CONFIG_AMQP_AUTH_PASSWORD: 'RABBIT_PASSWORD',
  CONFIG_AMQP_HOST: 'RABBIT_HOST',
};

/** ENABLED_SERVICES that follow from the answers. A parameter that no plugin declares counts as not installed. */
export function servicesOf(configuration: HookConfiguration): string[] {
  const answers = new Map(configuration.entries());
  return Object.entries(installed).flatMap(([name, services]) => (answers.get(name) === 'y' ? services : []));
}

/** The answers as shell assignments: under their own names, and under those that DevStack has for them. */
export function renderAnswers(configuration: HookConfiguration, address: string): string {
  const answers = configuration.entries();
  const lines = answers.map(([name, value]) => `${name}=${shellQuote(value)}`);
  for (const [name, value] of answers) {
    const variable = variables[name];
    if (variable !== undefined && value !== '') lines.push(`${variable}=${shellQuote(value)}`);
  }
  lines.push(
    `HOST_IP=${shellQuote(address)}`,
    `ENABLED_SERVICES=${shellQuote(servicesOf(configuration).join(','))}`,
    ...(new Map(answers).get('CONFIG_ENDPOINTS_SSL') === 'y' ? ['SERVICE_PROTOCOL=https'] : []),
    '',
  );
  return lines.join('\n');
}
