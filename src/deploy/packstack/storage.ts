import { noPlugin, type PackstackGroup, vendorStorage } from './groups.js';

/** Block storage and shared file systems. */
export const storageGroups: PackstackGroup[] = [
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
];
