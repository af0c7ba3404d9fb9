import { noPlugin, type PackstackGroup, tempest } from './groups.js';

const outsideNetwork = 'the network to the outside is extnet';
const tunnelAddress = 'tunnels end at the addresses at which hosts reach one another';
const ovn = 'OVN and neutron of Debian 12 do not work together; CONFIG_NEUTRON_OVS_… say this for Open vSwitch';

/** The other services, in packstack's order. */
export const serviceGroups: PackstackGroup[] = [
  {
    group: 'IRONIC',
    why: noPlugin('ironic; machines are installed by stackwright itself'),
    parameters: `
      CONFIG_IRONIC_DB_PW os-ironic-db-passwd
      CONFIG_IRONIC_KS_PW os-ironic-ks-passwd`,
  },
  {
    group: 'NOVA',
    why: 'no plugin reads it',
    parameters: `
      CONFIG_NOVA_DB_PURGE_ENABLE nova-db-purge-enable
      CONFIG_NOVA_DB_PW nova-db-passwd
      CONFIG_NOVA_KS_PW nova-ks-passwd
      CONFIG_NOVA_MANAGE_FLAVORS nova-manage-flavors
      CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO novasched-cpu-allocation-ratio
      CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO novasched-ram-allocation-ratio
      CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL novacompute-migrate-protocol
      CONFIG_VNC_SSL_CERT nova-ssl-cert
      CONFIG_VNC_SSL_KEY nova-ssl-key
      CONFIG_NOVA_PCI_ALIAS nova-pci-alias
      CONFIG_NOVA_PCI_PASSTHROUGH_WHITELIST nova-pci-passthrough-whitelist
      CONFIG_NOVA_LIBVIRT_VIRT_TYPE nova-libvirt-virt-type`,
  },
  {
    group: 'NEUTRON',
    why: 'no plugin reads it',
    parameters: `
      CONFIG_NEUTRON_KS_PW os-neutron-ks-password
      CONFIG_NEUTRON_DB_PW os-neutron-db-password
      CONFIG_NEUTRON_L3_EXT_BRIDGE os-neutron-l3-ext-bridge
      CONFIG_NEUTRON_METADATA_PW os-neutron-metadata-pw
      CONFIG_NEUTRON_METERING_AGENT_INSTALL os-neutron-metering-agent-install
      CONFIG_NEUTRON_VPNAAS os-neutron-vpnaas-install`,
  },
  {
    group: 'NEUTRON_ML2_PLUGIN',
    why: 'no plugin reads it',
    parameters: `
      CONFIG_NEUTRON_ML2_TYPE_DRIVERS os-neutron-ml2-type-drivers
      CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES os-neutron-ml2-tenant-network-types
      CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS os-neutron-ml2-mechanism-drivers
      CONFIG_NEUTRON_ML2_FLAT_NETWORKS os-neutron-ml2-flat-networks
      CONFIG_NEUTRON_ML2_VLAN_RANGES os-neutron-ml2-vlan-ranges
      CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES os-neutron-ml2-tunnel-id-ranges
      CONFIG_NEUTRON_ML2_VXLAN_GROUP os-neutron-ml2-vxlan-group
      CONFIG_NEUTRON_ML2_VNI_RANGES os-neutron-ml2-vni-ranges
      CONFIG_NEUTRON_L2_AGENT os-neutron-l2-agent
      CONFIG_NEUTRON_ML2_SRIOV_INTERFACE_MAPPINGS os-neutron-ml2-sriov-interface-mappings`,
  },
  {
    group: 'NEUTRON_LB_AGENT',
    why: 'no plugin reads it',
    parameters: 'CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS os-neutron-lb-interface-mappings',
  },
  {
    group: 'NEUTRON_OVS_AGENT',
    why: 'no plugin reads it',
    parameters: `
      CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS os-neutron-ovs-bridge-mappings
      CONFIG_NEUTRON_OVS_BRIDGE_IFACES os-neutron-ovs-bridge-interfaces
      CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE os-neutron-ovs-bridges-compute`,
  },
  {
    group: 'NEUTRON_OVS_AGENT',
    why: outsideNetwork,
    parameters: 'CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET os-neutron-ovs-external-physnet',
  },
  {
    group: 'NEUTRON_OVS_AGENT_TUNNEL',
    why: tunnelAddress,
    parameters: `
      CONFIG_NEUTRON_OVS_TUNNEL_IF os-neutron-ovs-tunnel-if
      CONFIG_NEUTRON_OVS_TUNNEL_SUBNETS os-neutron-ovs-tunnel-subnets`,
  },
  {
    group: 'NEUTRON_OVS_AGENT_VXLAN',
    why: 'no plugin reads it',
    parameters: 'CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT os-neutron-ovs-vxlan-udp-port',
  },
  {
    group: 'NEUTRON_OVN_AGENT',
    why: ovn,
    parameters: `
      CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS os-neutron-ovn-bridge-mappings
      CONFIG_NEUTRON_OVN_BRIDGE_IFACES os-neutron-ovn-bridge-interfaces
      CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE os-neutron-ovn-bridges-compute
      CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET os-neutron-ovn-external-physnet`,
  },
  {
    group: 'NEUTRON_OVN_AGENT_TUNNEL',
    why: ovn,
    parameters: `
      CONFIG_NEUTRON_OVN_TUNNEL_IF os-neutron-ovn-tunnel-if
      CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS os-neutron-ovn-tunnel-subnets`,
  },
  {
    group: 'OSHORIZON',
    why: noPlugin('horizon'),
    parameters: 'CONFIG_HORIZON_SECRET_KEY os-horizon-secretkey',
  },
  {
    group: 'OSHORIZON',
    why: noPlugin('certificates'),
    parameters: 'CONFIG_HORIZON_SSL os-horizon-ssl',
  },
  {
    group: 'OSSSL',
    why: noPlugin('certificates'),
    parameters: `
      CONFIG_HORIZON_SSL_CERT os-ssl-cert
      CONFIG_HORIZON_SSL_KEY os-ssl-key
      CONFIG_HORIZON_SSL_CACERT os-ssl-cachain`,
  },
  {
    group: 'OSSWIFT',
    why: noPlugin('swift'),
    parameters: `
      CONFIG_SWIFT_KS_PW os-swift-ks-passwd
      CONFIG_SWIFT_STORAGES os-swift-storages
      CONFIG_SWIFT_STORAGE_ZONES os-swift-storage-zones
      CONFIG_SWIFT_STORAGE_REPLICAS os-swift-storage-replicas
      CONFIG_SWIFT_STORAGE_FSTYPE os-swift-storage-fstype
      CONFIG_SWIFT_HASH os-swift-hash
      CONFIG_SWIFT_STORAGE_SIZE os-swift-storage-size`,
  },
  {
    group: 'HEAT',
    why: noPlugin('heat'),
    parameters: `
      CONFIG_HEAT_DB_PW os-heat-mysql-password
      CONFIG_HEAT_AUTH_ENC_KEY heat-auth-encryption-key
      CONFIG_HEAT_KS_PW os-heat-ks-passwd
      CONFIG_HEAT_CFN_INSTALL os-heat-cfn-install
      CONFIG_HEAT_DOMAIN os-heat-domain
      CONFIG_HEAT_DOMAIN_ADMIN os-heat-domain-admin
      CONFIG_HEAT_DOMAIN_PASSWORD os-heat-domain-password`,
  },
  {
    group: 'PROVISION_INIT',
    why: noPlugin('provision'),
    parameters: 'CONFIG_PROVISION_DEMO provision-demo',
  },
  { group: 'PROVISION_INIT', why: tempest, parameters: 'CONFIG_PROVISION_TEMPEST provision-tempest' },
  {
    group: 'PROVISION_DEMO',
    why: noPlugin('provision'),
    parameters: `
      CONFIG_PROVISION_DEMO_FLOATRANGE provision-demo-floatrange
      CONFIG_PROVISION_DEMO_ALLOCATION_POOLS provision-demo-allocation-pools
      CONFIG_PROVISION_IMAGE_NAME provision-image-name
      CONFIG_PROVISION_IMAGE_URL provision-image-url
      CONFIG_PROVISION_IMAGE_FORMAT provision-image-format
      CONFIG_PROVISION_IMAGE_PROPERTIES provision-image-properties`,
  },
  {
    group: 'PROVISION_DEMO',
    why: tempest,
    parameters: 'CONFIG_PROVISION_IMAGE_SSH_USER provision-image-ssh-user',
  },
  {
    group: 'PROVISION_TEMPEST',
    why: tempest,
    parameters: `
      CONFIG_TEMPEST_HOST tempest-host
      CONFIG_PROVISION_TEMPEST_USER provision-tempest-user
      CONFIG_PROVISION_TEMPEST_USER_PW provision-tempest-user-passwd
      CONFIG_PROVISION_TEMPEST_FLOATRANGE provision-tempest-floatrange
      CONFIG_PROVISION_TEMPEST_FLAVOR_NAME provision-tempest-flavor-name
      CONFIG_PROVISION_TEMPEST_FLAVOR_DISK provision-tempest-flavor-disk
      CONFIG_PROVISION_TEMPEST_FLAVOR_RAM provision-tempest-flavor-ram
      CONFIG_PROVISION_TEMPEST_FLAVOR_VCPUS provision-tempest-flavor-vcpus
      CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_NAME provision-tempest-flavor-alt-name
      CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_DISK provision-tempest-flavor-alt-disk
      CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_RAM provision-tempest-flavor-alt-ram
      CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_VCPUS provision-tempest-flavor-alt-vcpus
      CONFIG_RUN_TEMPEST run-tempest
      CONFIG_RUN_TEMPEST_TESTS run-tempest-tests
      CONFIG_SKIP_TEMPEST_TESTS skip-tempest-tests
      CONFIG_PROVISION_UEC_IMAGE_NAME provision-uec-image-name
      CONFIG_PROVISION_UEC_IMAGE_KERNEL_URL provision-uec-image-kernel-url
      CONFIG_PROVISION_UEC_IMAGE_RAMDISK_URL provision-uec-image-ramdisk-url
      CONFIG_PROVISION_UEC_IMAGE_DISK_URL provision-uec-image-disk-url`,
  },
  {
    group: 'PROVISION_OVS_BRIDGE',
    why: 'bridges are made in any case',
    parameters: 'CONFIG_PROVISION_OVS_BRIDGE provision-ovs-bridge',
  },
  {
    group: 'GNOCCHI',
    why: noPlugin('gnocchi'),
    parameters: `
      CONFIG_GNOCCHI_DB_PW gnocchi-db-passwd
      CONFIG_GNOCCHI_KS_PW gnocchi-ks-passwd`,
  },
  {
    group: 'CEILOMETER',
    why: noPlugin('ceilometer'),
    parameters: `
      CONFIG_CEILOMETER_SECRET ceilometer-secret
      CONFIG_CEILOMETER_KS_PW ceilometer-ks-passwd
      CONFIG_CEILOMETER_COORDINATION_BACKEND ceilometer-coordination-backend
      CONFIG_ENABLE_CEILOMETER_MIDDLEWARE enable-ceilometer-middleware`,
  },
  {
    group: 'REDIS',
    why: noPlugin('redis'),
    parameters: `
      CONFIG_REDIS_HOST redis-host
      CONFIG_REDIS_PORT redis-port`,
  },
  {
    group: 'AODH',
    why: noPlugin('aodh'),
    parameters: `
      CONFIG_AODH_KS_PW aodh-ks-passwd
      CONFIG_AODH_DB_PW aodh-db-passwd`,
  },
  {
    group: 'TROVE',
    why: noPlugin('trove'),
    parameters: `
      CONFIG_TROVE_DB_PW trove-db-passwd
      CONFIG_TROVE_KS_PW trove-ks-passwd
      CONFIG_TROVE_NOVA_USER trove-nova-user
      CONFIG_TROVE_NOVA_TENANT trove-nova-tenant
      CONFIG_TROVE_NOVA_PW trove-nova-passwd`,
  },
  {
    group: 'MAGNUM',
    why: noPlugin('magnum'),
    parameters: `
      CONFIG_MAGNUM_DB_PW magnum-db-passwd
      CONFIG_MAGNUM_KS_PW magnum-ks-passwd`,
  },
];
