/** A group of packstack's parameters, and why none of them has an effect here where no plugin declares it. */
interface PackstackGroup {
  group: string;
  /** Ends the sentence "NAME is not supported: …". */
  why: string;
  /** A line for each: the name, then the option of the command line without dashes. */
  parameters: string;
}

const noPlugin = (service: string) => `no plugin installs ${service}`;
const vendorStorage = 'storage systems of vendors are not set up';
const redHat = 'it subscribes Red Hat hosts, and Debian needs no subscription';
const tempest = 'no plugin sets tempest up';

/** The parameters of packstack's last public release, in its order. */
export const lastRelease: PackstackGroup[] = [
  {
    group: 'GLOBAL',
    why: 'nothing here reads it',
    parameters: `
      CONFIG_SSH_KEY ssh-public-key
      CONFIG_DEFAULT_PASSWORD default-password
      CONFIG_SERVICE_WORKERS service-workers
      CONFIG_MARIADB_INSTALL mariadb-install
      CONFIG_GLANCE_INSTALL os-glance-install
      CONFIG_NOVA_INSTALL os-nova-install
      CONFIG_NEUTRON_INSTALL os-neutron-install
      CONFIG_HORIZON_INSTALL os-horizon-install
      CONFIG_CLIENT_INSTALL os-client-install
      CONFIG_NTP_SERVERS ntp-servers
      EXCLUDE_SERVERS exclude-servers
      CONFIG_DEBUG_MODE os-debug-mode
      CONFIG_CONTROLLER_HOST os-controller-host
      CONFIG_COMPUTE_HOSTS os-compute-hosts
      CONFIG_NETWORK_HOSTS os-network-hosts`,
  },
  {
    group: 'GLOBAL',
    why: 'no plugin installs this service',
    parameters: `
      CONFIG_CINDER_INSTALL os-cinder-install
      CONFIG_MANILA_INSTALL os-manila-install
      CONFIG_SWIFT_INSTALL os-swift-install
      CONFIG_CEILOMETER_INSTALL os-ceilometer-install
      CONFIG_AODH_INSTALL os-aodh-install
      CONFIG_HEAT_INSTALL os-heat-install
      CONFIG_MAGNUM_INSTALL os-magnum-install
      CONFIG_TROVE_INSTALL os-trove-install
      CONFIG_IRONIC_INSTALL os-ironic-install`,
  },
  {
    group: 'GLOBAL',
    why: 'every parameter that is declared here may be used; there are no risky ones to unlock',
    parameters: 'CONFIG_UNSUPPORTED unsupported',
  },
  {
    group: 'GLOBAL',
    why: 'interfaces are named by their names',
    parameters: 'CONFIG_USE_SUBNETS use-subnets',
  },
  {
    group: 'VMWARE',
    why: 'compute hosts run qemu or kvm, not vCenter',
    parameters: `
      CONFIG_VMWARE_BACKEND os-vmware
      CONFIG_VCENTER_HOST vcenter-host
      CONFIG_VCENTER_USER vcenter-username
      CONFIG_VCENTER_PASSWORD vcenter-password
      CONFIG_VCENTER_CLUSTER_NAMES vcenter-clusters`,
  },
  {
    group: 'SSL',
    why: 'no plugin makes certificates',
    parameters: `
      CONFIG_SSL_CERT_DIR ssl-cert-dir
      CONFIG_SSL_CACERT_FILE ssl-cacert-file
      CONFIG_SSL_CACERT_KEY_FILE ssl-cacert-key-file
      CONFIG_SSL_CACERT_SELFSIGN ssl-cacert-selfsign
      CONFIG_SSL_CERT_SUBJECT_C ssl-cert-subject-country
      CONFIG_SSL_CERT_SUBJECT_ST ssl-cert-subject-state
      CONFIG_SSL_CERT_SUBJECT_L ssl-cert-subject-location
      CONFIG_SSL_CERT_SUBJECT_O ssl-cert-subject-organization
      CONFIG_SSL_CERT_SUBJECT_OU ssl-cert-subject-organizational-unit
      CONFIG_SSL_CERT_SUBJECT_CN ssl-cert-subject-common-name
      CONFIG_SSL_CERT_SUBJECT_MAIL ssl-cert-subject-email`,
  },
  {
    group: 'UNSUPPORTED',
    why: 'storage services go to the controller',
    parameters: 'CONFIG_STORAGE_HOST os-storage-host',
  },
  {
    group: 'SERVERPREPARE',
    why: 'it names yum repositories; a Debian host has its sources in /etc/apt',
    parameters: `
      CONFIG_REPO additional-repo
      CONFIG_ENABLE_RDO_TESTING enable-rdo-testing`,
  },
  {
    group: 'RHEL',
    why: redHat,
    parameters: `
      CONFIG_RH_USER rh-username
      CONFIG_SATELLITE_URL rhn-satellite-server
      CONFIG_RH_SAT6_SERVER rh-sat6-server`,
  },
  {
    group: 'RHSM',
    why: redHat,
    parameters: `
      CONFIG_RH_PW rh-password
      CONFIG_RH_OPTIONAL rh-enable-optional
      CONFIG_RH_PROXY rh-proxy-host
      CONFIG_RH_SAT6_ORG rh-sat6-org
      CONFIG_RH_SAT6_KEY rh-sat6-key`,
  },
  {
    group: 'RHSM_PROXY',
    why: redHat,
    parameters: `
      CONFIG_RH_PROXY_PORT rh-proxy-port
      CONFIG_RH_PROXY_USER rh-proxy-user
      CONFIG_RH_PROXY_PW rh-proxy-password`,
  },
  {
    group: 'SATELLITE',
    why: redHat,
    parameters: `
      CONFIG_SATELLITE_USER rhn-satellite-username
      CONFIG_SATELLITE_PW rhn-satellite-password
      CONFIG_SATELLITE_AKEY rhn-satellite-activation-key
      CONFIG_SATELLITE_CACERT rhn-satellite-cacert
      CONFIG_SATELLITE_PROFILE rhn-satellite-profile
      CONFIG_SATELLITE_FLAGS rhn-satellite-flags
      CONFIG_SATELLITE_PROXY rhn-satellite-proxy-host`,
  },
  {
    group: 'SATELLITE_PROXY',
    why: redHat,
    parameters: `
      CONFIG_SATELLITE_PROXY_USER rhn-satellite-proxy-username
      CONFIG_SATELLITE_PROXY_PW rhn-satellite-proxy-password`,
  },
  {
    group: 'AMQP',
    why: noPlugin('the message broker'),
    parameters: `
      CONFIG_AMQP_BACKEND amqp-backend
      CONFIG_AMQP_HOST amqp-host
      CONFIG_AMQP_ENABLE_AUTH amqp-enable-auth`,
  },
  {
    group: 'AMQP',
    why: 'no plugin makes certificates',
    parameters: 'CONFIG_AMQP_ENABLE_SSL amqp-enable-ssl',
  },
  {
    group: 'AMQPAUTH',
    why: noPlugin('the message broker'),
    parameters: `
      CONFIG_AMQP_AUTH_USER amqp-auth-user
      CONFIG_AMQP_AUTH_PASSWORD amqp-auth-password`,
  },
  {
    group: 'MARIADB',
    why: noPlugin('mariadb'),
    parameters: `
      CONFIG_MARIADB_HOST mariadb-host
      CONFIG_MARIADB_USER mariadb-user
      CONFIG_MARIADB_PW mariadb-pw`,
  },
  {
    group: 'KEYSTONE',
    why: noPlugin('keystone'),
    parameters: `
      CONFIG_KEYSTONE_DB_PW keystone-db-passwd
      CONFIG_KEYSTONE_FERNET_TOKEN_ROTATE_ENABLE keystone-fernet-token-rotate-enable
      CONFIG_KEYSTONE_REGION keystone-region
      CONFIG_KEYSTONE_ADMIN_EMAIL keystone-admin-email
      CONFIG_KEYSTONE_ADMIN_USERNAME keystone-admin-username
      CONFIG_KEYSTONE_ADMIN_PW keystone-admin-passwd
      CONFIG_KEYSTONE_DEMO_PW keystone-demo-passwd
      CONFIG_KEYSTONE_API_VERSION keystone-api-version
      CONFIG_KEYSTONE_TOKEN_FORMAT keystone-token-format
      CONFIG_KEYSTONE_IDENTITY_BACKEND keystone-identity-backend`,
  },
  {
    group: 'KEYSTONE_LDAP',
    why: 'users are kept in the database, not in LDAP',
    parameters: `
      CONFIG_KEYSTONE_LDAP_URL keystone-ldap-url
      CONFIG_KEYSTONE_LDAP_USER_DN keystone-ldap-user-dn
      CONFIG_KEYSTONE_LDAP_USER_PASSWORD keystone-ldap-user-password
      CONFIG_KEYSTONE_LDAP_SUFFIX keystone-ldap-suffix
      CONFIG_KEYSTONE_LDAP_QUERY_SCOPE keystone-ldap-query-scope
      CONFIG_KEYSTONE_LDAP_PAGE_SIZE keystone-ldap-page-size
      CONFIG_KEYSTONE_LDAP_USER_SUBTREE keystone-ldap-user-subtree
      CONFIG_KEYSTONE_LDAP_USER_FILTER keystone-ldap-user-filter
      CONFIG_KEYSTONE_LDAP_USER_OBJECTCLASS keystone-ldap-user-objectclass
      CONFIG_KEYSTONE_LDAP_USER_ID_ATTRIBUTE keystone-ldap-user-id-attribute
      CONFIG_KEYSTONE_LDAP_USER_NAME_ATTRIBUTE keystone-ldap-user-name-attribute
      CONFIG_KEYSTONE_LDAP_USER_MAIL_ATTRIBUTE keystone-ldap-user-mail-attribute
      CONFIG_KEYSTONE_LDAP_USER_ENABLED_ATTRIBUTE keystone-ldap-user-enabled-attribute
      CONFIG_KEYSTONE_LDAP_USER_ENABLED_MASK keystone-ldap-user-enabled-mask
      CONFIG_KEYSTONE_LDAP_USER_ENABLED_DEFAULT keystone-ldap-user-enabled-default
      CONFIG_KEYSTONE_LDAP_USER_ENABLED_INVERT keystone-ldap-user-enabled-invert
      CONFIG_KEYSTONE_LDAP_USER_ATTRIBUTE_IGNORE keystone-ldap-user-attribute-ignore
      CONFIG_KEYSTONE_LDAP_USER_DEFAULT_PROJECT_ID_ATTRIBUTE keystone-ldap-user-default-project-id-attribute
      CONFIG_KEYSTONE_LDAP_USER_PASS_ATTRIBUTE keystone-ldap-user-pass-attribute
      CONFIG_KEYSTONE_LDAP_USER_ENABLED_EMULATION_DN keystone-ldap-user-enabled-emulation-dn
      CONFIG_KEYSTONE_LDAP_USER_ADDITIONAL_ATTRIBUTE_MAPPING keystone-ldap-user-additional-attribute-mapping
      CONFIG_KEYSTONE_LDAP_GROUP_SUBTREE keystone-ldap-group-subtree
      CONFIG_KEYSTONE_LDAP_GROUP_FILTER keystone-ldap-group-filter
      CONFIG_KEYSTONE_LDAP_GROUP_OBJECTCLASS keystone-ldap-group-objectclass
      CONFIG_KEYSTONE_LDAP_GROUP_ID_ATTRIBUTE keystone-ldap-group-id-attribute
      CONFIG_KEYSTONE_LDAP_GROUP_NAME_ATTRIBUTE keystone-ldap-group-name-attribute
      CONFIG_KEYSTONE_LDAP_GROUP_MEMBER_ATTRIBUTE keystone-ldap-group-member-attribute
      CONFIG_KEYSTONE_LDAP_GROUP_DESC_ATTRIBUTE keystone-ldap-group-desc-attribute
      CONFIG_KEYSTONE_LDAP_GROUP_ATTRIBUTE_IGNORE keystone-ldap-group-attribute-ignore
      CONFIG_KEYSTONE_LDAP_GROUP_ADDITIONAL_ATTRIBUTE_MAPPING keystone-ldap-group-additional-attribute-mapping
      CONFIG_KEYSTONE_LDAP_USE_TLS keystone-ldap-use-tls
      CONFIG_KEYSTONE_LDAP_TLS_CACERTDIR keystone-ldap-tls-cacertdir
      CONFIG_KEYSTONE_LDAP_TLS_CACERTFILE keystone-ldap-tls-cacertfile
      CONFIG_KEYSTONE_LDAP_TLS_REQ_CERT keystone-ldap-tls-req-cert`,
  },
  {
    group: 'GLANCE',
    why: noPlugin('glance'),
    parameters: `
      CONFIG_GLANCE_DB_PW glance-db-passwd
      CONFIG_GLANCE_KS_PW glance-ks-passwd
      CONFIG_GLANCE_BACKEND glance-backend`,
  },
  {
    group: 'CINDER',
    why: noPlugin('cinder'),
    parameters: `
      CONFIG_CINDER_DB_PW cinder-db-passwd
      CONFIG_CINDER_DB_PURGE_ENABLE cinder-db-purge-enable
      CONFIG_CINDER_KS_PW cinder-ks-passwd
      CONFIG_CINDER_BACKEND cinder-backend`,
  },
  {
    group: 'CINDERVOLUMECREATE',
    why: noPlugin('cinder'),
    parameters: 'CONFIG_CINDER_VOLUMES_CREATE cinder-volumes-create',
  },
  { group: 'CINDERVOLUMENAME', why: noPlugin('cinder'), parameters: 'CONFIG_CINDER_VOLUME_NAME cinder-volume-name' },
  { group: 'CINDERVOLUMESIZE', why: noPlugin('cinder'), parameters: 'CONFIG_CINDER_VOLUMES_SIZE cinder-volumes-size' },
  { group: 'CINDERNFSMOUNTS', why: noPlugin('cinder'), parameters: 'CONFIG_CINDER_NFS_MOUNTS cinder-nfs-mounts' },
  {
    group: 'CINDERNETAPPMAIN',
    why: vendorStorage,
    parameters: `
      CONFIG_CINDER_NETAPP_LOGIN cinder-netapp-login
      CONFIG_CINDER_NETAPP_PASSWORD cinder-netapp-password
      CONFIG_CINDER_NETAPP_HOSTNAME cinder-netapp-hostname
      CONFIG_CINDER_NETAPP_SERVER_PORT cinder-netapp-server-port
      CONFIG_CINDER_NETAPP_STORAGE_FAMILY cinder-netapp-storage-family
      CONFIG_CINDER_NETAPP_TRANSPORT_TYPE cinder-netapp-transport-type
      CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL cinder-netapp-storage-protocol`,
  },
  {
    group: 'CINDERNETAPPONTAPISCSI',
    why: vendorStorage,
    parameters: 'CONFIG_CINDER_NETAPP_SIZE_MULTIPLIER cinder-netapp-size-multiplier',
  },
  {
    group: 'CINDERNETAPPNFS',
    why: vendorStorage,
    parameters: `
      CONFIG_CINDER_NETAPP_EXPIRY_THRES_MINUTES cinder-netapp-expiry-thres-minutes
      CONFIG_CINDER_NETAPP_THRES_AVL_SIZE_PERC_START cinder-netapp-thres-avl-size-perc-start
      CONFIG_CINDER_NETAPP_THRES_AVL_SIZE_PERC_STOP cinder-netapp-thres-avl-size-perc-stop
      CONFIG_CINDER_NETAPP_NFS_SHARES cinder-netapp-nfs-shares
      CONFIG_CINDER_NETAPP_NFS_SHARES_CONFIG cinder-netapp-nfs-shares-config`,
  },
  {
    group: 'CINDERNETAPPISCSI7MODE',
    why: vendorStorage,
    parameters: `
      CONFIG_CINDER_NETAPP_VOLUME_LIST cinder-netapp-volume-list
      CONFIG_CINDER_NETAPP_VFILER cinder-netapp-vfiler`,
  },
  {
    group: 'CINDERNETAPP7MODEFC',
    why: vendorStorage,
    parameters: 'CONFIG_CINDER_NETAPP_PARTNER_BACKEND_NAME cinder-netapp-partner-backend-name',
  },
  {
    group: 'CINDERNETAPPVSERVER',
    why: vendorStorage,
    parameters: 'CONFIG_CINDER_NETAPP_VSERVER cinder-netapp-vserver',
  },
  {
    group: 'CINDERNETAPPESERIES',
    why: vendorStorage,
    parameters: `
      CONFIG_CINDER_NETAPP_CONTROLLER_IPS cinder-netapp-controller-ips
      CONFIG_CINDER_NETAPP_SA_PASSWORD cinder-netapp-sa-password
      CONFIG_CINDER_NETAPP_ESERIES_HOST_TYPE cinder-netapp-eseries-host-type
      CONFIG_CINDER_NETAPP_WEBSERVICE_PATH cinder-netapp-webservice-path
      CONFIG_CINDER_NETAPP_STORAGE_POOLS cinder-netapp-storage-pools`,
  },
  {
    group: 'CINDERSOLIDFIRE',
    why: vendorStorage,
    parameters: `
      CONFIG_CINDER_SOLIDFIRE_LOGIN cinder-solidfire-login
      CONFIG_CINDER_SOLIDFIRE_PASSWORD cinder-solidfire-password
      CONFIG_CINDER_SOLIDFIRE_HOSTNAME cinder-solidfire-hostname`,
  },
  {
    group: 'MANILA',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_DB_PW manila-db-passwd
      CONFIG_MANILA_KS_PW manila-ks-passwd
      CONFIG_MANILA_BACKEND manila-backend`,
  },
  {
    group: 'MANILANETAPP',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_NETAPP_DRV_HANDLES_SHARE_SERVERS manila-netapp-driver-handles-share-servers
      CONFIG_MANILA_NETAPP_TRANSPORT_TYPE manila-netapp-transport-type
      CONFIG_MANILA_NETAPP_LOGIN manila-netapp-login
      CONFIG_MANILA_NETAPP_PASSWORD manila-netapp-password
      CONFIG_MANILA_NETAPP_SERVER_HOSTNAME manila-netapp-server-hostname
      CONFIG_MANILA_NETAPP_STORAGE_FAMILY manila-netapp-storage-family
      CONFIG_MANILA_NETAPP_SERVER_PORT manila-netapp-server-port
      CONFIG_MANILA_NETAPP_AGGREGATE_NAME_SEARCH_PATTERN manila-netapp-aggregate-name-search-pattern`,
  },
  {
    group: 'MANILANETAPPMULTISVM',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_NETAPP_ROOT_VOLUME_AGGREGATE manila-netapp-root-volume-aggregate
      CONFIG_MANILA_NETAPP_ROOT_VOLUME_NAME manila-netapp-root-volume-name`,
  },
  {
    group: 'MANILANETAPPSINGLESVM',
    why: noPlugin('manila'),
    parameters: 'CONFIG_MANILA_NETAPP_VSERVER manila-netapp-vserver',
  },
  {
    group: 'MANILAGENERIC',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_GENERIC_DRV_HANDLES_SHARE_SERVERS manila-generic-driver-handles-share-servers
      CONFIG_MANILA_GENERIC_VOLUME_NAME_TEMPLATE manila-generic-volume-name-template
      CONFIG_MANILA_GENERIC_SHARE_MOUNT_PATH manila-generic-share-mount-path
      CONFIG_MANILA_SERVICE_IMAGE_LOCATION manila-service-image-location
      CONFIG_MANILA_SERVICE_INSTANCE_USER manila-service-instance-user
      CONFIG_MANILA_SERVICE_INSTANCE_PASSWORD manila-service-instance-password`,
  },
  { group: 'MANILANETWORK', why: noPlugin('manila'), parameters: 'CONFIG_MANILA_NETWORK_TYPE manila-network-type' },
  {
    group: 'MANILANETWORKSTANDALONE',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_NETWORK_STANDALONE_GATEWAY standalone_network_plugin_gateway
      CONFIG_MANILA_NETWORK_STANDALONE_NETMASK standalone_network_plugin_mask
      CONFIG_MANILA_NETWORK_STANDALONE_SEG_ID standalone_network_plugin_segmentation_id
      CONFIG_MANILA_NETWORK_STANDALONE_IP_RANGE standalone_network_plugin_ip_range
      CONFIG_MANILA_NETWORK_STANDALONE_IP_VERSION standalone_network_plugin_ip_version`,
  },
  {
    group: 'MANILAGLUSTERNATIVE',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_GLUSTERFS_SERVERS glusterfs-servers
      CONFIG_MANILA_GLUSTERFS_NATIVE_PATH_TO_PRIVATE_KEY glusterfs-native-path-to-private_key
      CONFIG_MANILA_GLUSTERFS_VOLUME_PATTERN glusterfs-volume-pattern`,
  },
  {
    group: 'MANILAGLUSTERNFS',
    why: noPlugin('manila'),
    parameters: `
      CONFIG_MANILA_GLUSTERFS_TARGET glusterfs-target
      CONFIG_MANILA_GLUSTERFS_MOUNT_POINT_BASE glusterfs-mount-point-base
      CONFIG_MANILA_GLUSTERFS_NFS_SERVER_TYPE glusterfs-nfs-server-type
      CONFIG_MANILA_GLUSTERFS_PATH_TO_PRIVATE_KEY glusterfs-path-to-private-key
      CONFIG_MANILA_GLUSTERFS_GANESHA_SERVER_IP glusterfs-ganesha-server-ip`,
  },
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
    why: 'networks are made with linuxbridge, not with Open vSwitch',
    parameters: `
      CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS os-neutron-ovs-bridge-mappings
      CONFIG_NEUTRON_OVS_BRIDGE_IFACES os-neutron-ovs-bridge-interfaces
      CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE os-neutron-ovs-bridges-compute
      CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET os-neutron-ovs-external-physnet`,
  },
  {
    group: 'NEUTRON_OVS_AGENT_TUNNEL',
    why: 'networks are made with linuxbridge, not with Open vSwitch',
    parameters: `
      CONFIG_NEUTRON_OVS_TUNNEL_IF os-neutron-ovs-tunnel-if
      CONFIG_NEUTRON_OVS_TUNNEL_SUBNETS os-neutron-ovs-tunnel-subnets`,
  },
  {
    group: 'NEUTRON_OVS_AGENT_VXLAN',
    why: 'networks are made with linuxbridge, not with Open vSwitch',
    parameters: 'CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT os-neutron-ovs-vxlan-udp-port',
  },
  {
    group: 'NEUTRON_OVN_AGENT',
    why: 'networks are made with linuxbridge, not with OVN',
    parameters: `
      CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS os-neutron-ovn-bridge-mappings
      CONFIG_NEUTRON_OVN_BRIDGE_IFACES os-neutron-ovn-bridge-interfaces
      CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE os-neutron-ovn-bridges-compute
      CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET os-neutron-ovn-external-physnet`,
  },
  {
    group: 'NEUTRON_OVN_AGENT_TUNNEL',
    why: 'networks are made with linuxbridge, not with OVN',
    parameters: `
      CONFIG_NEUTRON_OVN_TUNNEL_IF os-neutron-ovn-tunnel-if
      CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS os-neutron-ovn-tunnel-subnets`,
  },
  {
    group: 'OSHORIZON',
    why: noPlugin('horizon'),
    parameters: 'CONFIG_HORIZON_SECRET_KEY os-horizon-secretkey',
  },
  { group: 'OSHORIZON', why: 'no plugin makes certificates', parameters: 'CONFIG_HORIZON_SSL os-horizon-ssl' },
  {
    group: 'OSSSL',
    why: 'no plugin makes certificates',
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
    why: 'no plugin makes demo networks, flavours or images',
    parameters: 'CONFIG_PROVISION_DEMO provision-demo',
  },
  { group: 'PROVISION_INIT', why: tempest, parameters: 'CONFIG_PROVISION_TEMPEST provision-tempest' },
  {
    group: 'PROVISION_DEMO',
    why: 'no plugin makes demo networks, flavours or images',
    parameters: `
      CONFIG_PROVISION_DEMO_FLOATRANGE provision-demo-floatrange
      CONFIG_PROVISION_DEMO_ALLOCATION_POOLS provision-demo-allocation-pools
      CONFIG_PROVISION_IMAGE_NAME provision-image-name
      CONFIG_PROVISION_IMAGE_URL provision-image-url
      CONFIG_PROVISION_IMAGE_FORMAT provision-image-format
      CONFIG_PROVISION_IMAGE_PROPERTIES provision-image-properties
      CONFIG_PROVISION_IMAGE_SSH_USER provision-image-ssh-user`,
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
    why: 'networks are made with linuxbridge, not with Open vSwitch',
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

/** Parameters that earlier releases of packstack had. */
export const earlierReleases: PackstackGroup[] = [
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
    why: 'no plugin makes certificates',
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
    why: 'no plugin makes certificates',
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
    why: 'networks are made with linuxbridge, not with Open vSwitch',
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
