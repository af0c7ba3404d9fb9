import type { HookConfiguration } from './typescript-hook.js';

/** What DevStack calls the services that a parameter of the answer file installs. */
const installed: Record<string, string[]> = {
  CONFIG_MEMCACHED_INSTALL: ['memcached'],
  CONFIG_MARIADB_INSTALL: ['mysql'],
  CONFIG_KEYSTONE_INSTALL: ['key'],
  CONFIG_GLANCE_INSTALL: ['g-api'],
  CONFIG_PLACEMENT_INSTALL: ['placement-api', 'placement-client'],
  CONFIG_NOVA_INSTALL: ['n-api', 'n-api-meta', 'n-cond', 'n-sch', 'n-cpu', 'n-novnc'],
  CONFIG_NEUTRON_INSTALL: ['neutron', 'q-svc', 'q-agt', 'q-dhcp', 'q-l3', 'q-meta'],
  CONFIG_CINDER_INSTALL: ['c-api', 'c-sch', 'c-vol'],
  CONFIG_HORIZON_INSTALL: ['horizon'],
  CONFIG_SWIFT_INSTALL: ['s-proxy', 's-object', 's-container', 's-account'],
  CONFIG_HEAT_INSTALL: ['h-eng', 'h-api'],
};

/** ENABLED_SERVICES that follow from the answers. A parameter that no plugin declares counts as not installed. */
export function servicesOf(configuration: HookConfiguration): string[] {
  const answers = new Map(configuration.entries());
  const services = Object.entries(installed).flatMap(([name, of]) => (answers.get(name) === 'y' ? of : []));
  // Where there are services of OpenStack there is the broker that they talk over.
  return answers.has('CONFIG_AMQP_BACKEND') && answers.get('CONFIG_KEYSTONE_INSTALL') === 'y'
    ? ['rabbit', ...services]
    : services;
}
