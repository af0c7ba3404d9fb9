import { noPlugin, type PackstackGroup, tempest, vendorStorage } from './groups.js';

/** Parameters that earlier releases of packstack had. */
export const earlierGroups: PackstackGroup[] = [
  {
    group: 'SAHARA',
    why: noPlugin('sahara'),
    parameters: `
      CONFIG_SAHARA_INSTALL os-sahara-install
      CONFIG_SAHARA_HOST os-sahara-host
      CONFIG_SAHARA_DB_PW sahara-db-passwd
      CONFIG_SAHARA_KS_PW sahara-ks-passwd`,
  },
  {
    group: 'PANKO',
    why: noPlugin('panko'),
    parameters: `
      CONFIG_PANKO_INSTALL os-panko-install
      CONFIG_PANKO_DB_PW panko-db-passwd
      CONFIG_PANKO_KS_PW panko-ks-passwd`,
  },
  {
    group: 'NAGIOS',
    why: noPlugin('nagios'),
    parameters: `
      CONFIG_NAGIOS_INSTALL nagios-install
      CONFIG_NAGIOS_PW nagios-passwd`,
  },
  {
    group: 'SERVERPREPARE',
    why: 'EPEL is a yum repository; a Debian host has its sources in /etc/apt',
    parameters: 'CONFIG_USE_EPEL use-epel',
  },
  { group: 'GLOBAL', why: noPlugin('gnocchi'), parameters: 'CONFIG_GNOCCHI_INSTALL os-gnocchi-install' },
  {
    group: 'MONGODB',
    why: noPlugin('mongodb'),
    parameters: 'CONFIG_MONGODB_HOST mongodb-host',
  },
  {
    group: 'REDIS',
    why: noPlugin('redis'),
    parameters: `
      CONFIG_REDIS_MASTER_HOST redis-master-host
      CONFIG_REDIS_HA redis-ha
      CONFIG_REDIS_SLAVE_HOSTS redis-slave-hosts
      CONFIG_REDIS_SENTINEL_HOSTS redis-sentinel-hosts
      CONFIG_REDIS_SENTINEL_CONTACT_HOST redis-sentinel-contact-host
      CONFIG_REDIS_SENTINEL_PORT redis-sentinel-port
      CONFIG_REDIS_SENTINEL_QUORUM redis-sentinel-quorum
      CONFIG_REDIS_SENTINEL_MASTER_NAME redis-sentinel-master-name`,
  },
  {
    group: 'AMQP',
    why: 'the broker has a certificate of the authority of CONFIG_SSL_CACERT_FILE, at port 5671',
    parameters: `
      CONFIG_AMQP_SSL_PORT amqp-ssl-port
      CONFIG_AMQP_SSL_CERT_FILE amqp-ssl-cert-file
      CONFIG_AMQP_SSL_KEY_FILE amqp-ssl-key-file
      CONFIG_AMQP_SSL_SELF_SIGNED amqp-ssl-self-signed
      CONFIG_AMQP_NSS_CERTDB_PW amqp-nss-certdb-pw`,
  },
  {
    group: 'KEYSTONE',
    why: 'keystone is set up by its bootstrap, without a token; it runs under uwsgi',
    parameters: `
      CONFIG_KEYSTONE_ADMIN_TOKEN keystone-admin-token
      CONFIG_KEYSTONE_SERVICE_NAME keystone-service-name`,
  },
  {
    group: 'KEYSTONE_LDAP',
    why: 'users are kept in the database, not in LDAP',
    parameters: `
      CONFIG_KEYSTONE_LDAP_USER_ALLOW_CREATE keystone-ldap-user-allow-create
      CONFIG_KEYSTONE_LDAP_USER_ALLOW_UPDATE keystone-ldap-user-allow-update
      CONFIG_KEYSTONE_LDAP_USER_ALLOW_DELETE keystone-ldap-user-allow-delete
      CONFIG_KEYSTONE_LDAP_GROUP_ALLOW_CREATE keystone-ldap-group-allow-create
      CONFIG_KEYSTONE_LDAP_GROUP_ALLOW_UPDATE keystone-ldap-group-allow-update
      CONFIG_KEYSTONE_LDAP_GROUP_ALLOW_DELETE keystone-ldap-group-allow-delete`,
  },
  {
    group: 'NOVA_NETWORK',
    why: 'nova has no networking of its own any more; neutron has taken its place',
    parameters: `
      CONFIG_NOVA_COMPUTE_PRIVIF novacompute-privif
      CONFIG_NOVA_NETWORK_MANAGER novanetwork-manager
      CONFIG_NOVA_NETWORK_PUBIF novanetwork-pubif
      CONFIG_NOVA_NETWORK_PRIVIF novanetwork-privif
      CONFIG_NOVA_NETWORK_FIXEDRANGE novanetwork-fixed-range
      CONFIG_NOVA_NETWORK_FLOATRANGE novanetwork-floating-range
      CONFIG_NOVA_NETWORK_DEFAULTFLOATINGPOOL novanetwork-default-floating-pool
      CONFIG_NOVA_NETWORK_AUTOASSIGNFLOATINGIP novanetwork-auto-assign-floating-ip
      CONFIG_NOVA_NETWORK_VLAN_START novanetwork-vlan-start
      CONFIG_NOVA_NETWORK_NUMBER novanetwork-num-networks
      CONFIG_NOVA_NETWORK_SIZE novanetwork-network-size`,
  },
  {
    group: 'NEUTRON',
    why: 'neutron of this release has ml2 alone, without load balancer and firewall',
    parameters: `
      CONFIG_LBAAS_INSTALL os-neutron-lbaas-install
      CONFIG_NEUTRON_FWAAS neutron-fwaas
      CONFIG_NEUTRON_L2_PLUGIN os-neutron-l2-plugin
      CONFIG_NEUTRON_LB_TENANT_NETWORK_TYPE os-neutron-lb-tenant-network-type
      CONFIG_NEUTRON_LB_VLAN_RANGES os-neutron-lb-vlan-ranges
      CONFIG_NEUTRON_OVS_TENANT_NETWORK_TYPE os-neutron-ovs-tenant-network-type
      CONFIG_NEUTRON_OVS_VLAN_RANGES os-neutron-ovs-vlan-ranges
      CONFIG_NEUTRON_OVS_TUNNEL_RANGES os-neutron-ovs-tunnel-ranges`,
  },
  {
    group: 'SSL',
    why: 'certificates are made by the authority of CONFIG_SSL_CACERT_FILE',
    parameters: `
      CONFIG_SELFSIGN_CACERT_SUBJECT_C selfsign-cacert-subject-country
      CONFIG_SELFSIGN_CACERT_SUBJECT_ST selfsign-cacert-subject-state
      CONFIG_SELFSIGN_CACERT_SUBJECT_L selfsign-cacert-subject-location
      CONFIG_SELFSIGN_CACERT_SUBJECT_O selfsign-cacert-subject-organization
      CONFIG_SELFSIGN_CACERT_SUBJECT_OU selfsign-cacert-subject-organizational-unit
      CONFIG_SELFSIGN_CACERT_SUBJECT_CN selfsign-cacert-subject-common-name
      CONFIG_SELFSIGN_CACERT_SUBJECT_MAIL selfsign-cacert-subject-email
      CONFIG_SSL_CERT ssl-cert
      CONFIG_SSL_KEY ssl-key
      CONFIG_SSL_CACHAIN ssl-cachain
      CONFIG_HORIZON_SSL_CACHAIN horizon-ssl-cachain`,
  },
  {
    group: 'VMWARE',
    why: 'compute hosts run qemu or kvm, not vCenter',
    parameters: 'CONFIG_VCENTER_CLUSTER_NAME vcenter-cluster',
  },
  {
    group: 'OSSWIFT',
    why: noPlugin('swift'),
    parameters: 'CONFIG_SWIFT_STORAGE_HOSTS os-swift-storage',
  },
  {
    group: 'PROVISION_OVS_BRIDGE',
    why: 'bridges are made in any case',
    parameters: 'CONFIG_PROVISION_ALL_IN_ONE_OVS_BRIDGE provision-all-in-one-ovs-bridge',
  },
  {
    group: 'PROVISION_TEMPEST',
    why: tempest,
    parameters: `
      CONFIG_PROVISION_TEMPEST_REPO_URI provision-tempest-repo-uri
      CONFIG_PROVISION_TEMPEST_REPO_REVISION provision-tempest-repo-revision`,
  },
  {
    group: 'HEAT',
    why: noPlugin('heat'),
    parameters: `
      CONFIG_HEAT_CLOUDWATCH_INSTALL os-heat-cloudwatch-install
      CONFIG_HEAT_USING_TRUSTS os-heat-using-trusts`,
  },
  {
    group: 'CINDER',
    why: vendorStorage,
    parameters: 'CONFIG_CINDER_GLUSTER_MOUNTS cinder-gluster-mounts',
  },
];
