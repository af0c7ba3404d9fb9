import { noPlugin, type PackstackGroup, redHat } from './groups.js';

/** What is common to all services, and the first of them. */
export const commonGroups: PackstackGroup[] = [
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
      CONFIG_CINDER_INSTALL os-cinder-install
      CONFIG_SWIFT_INSTALL os-swift-install
      CONFIG_HEAT_INSTALL os-heat-install
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
      CONFIG_MANILA_INSTALL os-manila-install
      CONFIG_CEILOMETER_INSTALL os-ceilometer-install
      CONFIG_AODH_INSTALL os-aodh-install
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
    why: noPlugin('certificates'),
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
    why: 'nothing here reads it',
    parameters: 'CONFIG_STORAGE_HOST os-storage-host',
  },
  {
    group: 'SERVERPREPARE',
    why: 'it names yum repositories; CONFIG_APT_SOURCES adds package sources of Debian',
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
    why: noPlugin('certificates'),
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
];
