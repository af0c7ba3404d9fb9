/**
 * Packstack's parameters beyond those that our plugins declare, by the families of their names: an answer file may
 * have any of them. They are recognised, reported as not supported, and never silently ignored.
 * A family stands for all its names, so a slip in one (`CONFIG_NOVA_FOO`) counts as not supported, too.
 */
// biome-ignore format: a list of names
const families = [
  'AMQP', 'AODH', 'CEILOMETER', 'CINDER', 'GLANCE', 'GNOCCHI', 'HEAT', 'HORIZON', 'IRONIC', 'KEYSTONE', 'LBAAS',
  'MAGNUM', 'MANILA', 'MARIADB', 'MONGODB', 'MYSQL', 'NAGIOS', 'NETAPP', 'NEUTRON', 'NOVA', 'OPENVSWITCH', 'OSCLIENT',
  'PANKO', 'PROVISION', 'QPID', 'QUANTUM', 'RABBITMQ', 'REDIS', 'RH', 'RHN', 'SAHARA', 'SATELLITE', 'SOLUM', 'SSL',
  'SWIFT', 'TEMPEST', 'TROVE', 'VCENTER', 'VMWARE',
];

// biome-ignore format: a list of names
const others = [
  'CONFIG_SERVICE_WORKERS', 'CONFIG_CLIENT_INSTALL', 'CONFIG_NETWORK_HOSTS', 'CONFIG_STORAGE_HOST',
  'CONFIG_UNSUPPORTED', 'CONFIG_USE_SUBNETS', 'CONFIG_USE_EPEL', 'CONFIG_REPO', 'CONFIG_ENABLE_RDO_TESTING',
  'CONFIG_PROXY_SERVER', 'CONFIG_HTTPS_PORT',
];

/** True for a name that packstack knows, or that belongs to a service of packstack. */
export function isPackstackName(name: string): boolean {
  const upper = name.toUpperCase();
  return others.includes(upper) || families.some((family) => upper.startsWith(`CONFIG_${family}_`));
}
