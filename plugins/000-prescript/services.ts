import { yesNo } from '../../src/deploy/declare.js';
import type { Configuration, ParameterGroup } from '../../src/deploy/parameter.js';

/** A service of OpenStack is installed where OpenStack is, unless it is said otherwise. */
const asKeystone = (known: Configuration) => known.get('CONFIG_KEYSTONE_INSTALL');

function openstack(name: string, cmdOption: string, service: string, deprecates?: string[]) {
  return yesNo({
    name,
    cmdOption,
    prompt: `Should ${service} be installed`,
    usage: `Set to 'y' to install ${service}. It is as CONFIG_KEYSTONE_INSTALL unless given.`,
    default: asKeystone,
    ...(deprecates ? { deprecates } : {}),
  });
}

/** One that is installed only where it is asked for. */
function optional(name: string, cmdOption: string, service: string) {
  return yesNo({
    name,
    cmdOption,
    prompt: `Should ${service} be installed`,
    usage: `Set to 'y' to install ${service}.`,
    default: 'n',
  });
}

/** What is installed. They stand before all other parameters, because these depend on them. */
export const services: ParameterGroup = {
  name: 'SERVICES',
  description: 'Services to install',
  parameters: [
    yesNo({
      name: 'CONFIG_KEYSTONE_INSTALL',
      cmdOption: 'os-keystone-install',
      prompt: 'Should OpenStack be installed: identity, and all that follows',
      usage: "Set to 'y' to install OpenStack Identity (keystone), which every other service of OpenStack needs.",
      default: 'y',
    }),
    openstack('CONFIG_MARIADB_INSTALL', 'mariadb-install', 'the database (MariaDB)', ['CONFIG_MYSQL_INSTALL']),
    openstack('CONFIG_AMQP_INSTALL', 'amqp-install', 'the message broker (RabbitMQ)'),
    openstack('CONFIG_GLANCE_INSTALL', 'os-glance-install', 'OpenStack Image (glance)'),
    openstack('CONFIG_NOVA_INSTALL', 'os-nova-install', 'OpenStack Compute (nova) with placement'),
    openstack('CONFIG_NEUTRON_INSTALL', 'os-neutron-install', 'OpenStack Networking (neutron)', [
      'CONFIG_QUANTUM_INSTALL',
    ]),
    openstack('CONFIG_HORIZON_INSTALL', 'os-horizon-install', 'the dashboard (horizon)'),
    optional('CONFIG_CINDER_INSTALL', 'os-cinder-install', 'OpenStack Block Storage (cinder)'),
    optional('CONFIG_SWIFT_INSTALL', 'os-swift-install', 'OpenStack Object Storage (swift)'),
    optional('CONFIG_HEAT_INSTALL', 'os-heat-install', 'OpenStack Orchestration (heat)'),
    openstack('CONFIG_CLIENT_INSTALL', 'os-client-install', 'the client (openstack) and its rc files'),
  ],
  postCondition: (known) => {
    const needs: [string, string[]][] = [
      ['CONFIG_NOVA_INSTALL', ['CONFIG_KEYSTONE_INSTALL', 'CONFIG_GLANCE_INSTALL', 'CONFIG_NEUTRON_INSTALL']],
      ['CONFIG_NEUTRON_INSTALL', ['CONFIG_KEYSTONE_INSTALL']],
      ['CONFIG_GLANCE_INSTALL', ['CONFIG_KEYSTONE_INSTALL']],
      ['CONFIG_HORIZON_INSTALL', ['CONFIG_KEYSTONE_INSTALL']],
      ['CONFIG_CINDER_INSTALL', ['CONFIG_KEYSTONE_INSTALL', 'CONFIG_GLANCE_INSTALL']],
      ['CONFIG_SWIFT_INSTALL', ['CONFIG_KEYSTONE_INSTALL']],
      ['CONFIG_HEAT_INSTALL', ['CONFIG_KEYSTONE_INSTALL']],
    ];
    const lacking = needs.flatMap(([name, needed]) =>
      known.is(name) ? needed.filter((one) => !known.is(one)).map((one) => `${name}=y needs ${one}=y`) : [],
    );
    return lacking[0];
  },
};
