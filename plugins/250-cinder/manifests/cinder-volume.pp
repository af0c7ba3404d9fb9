# Block storage: what makes volumes, and where they are.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'cinder',
  lookup('CONFIG_CINDER_DB_PW'),
  'cinder',
  $addresses
)
$backends = stackwright::list(lookup('CONFIG_CINDER_BACKEND'))
$group = lookup('CONFIG_CINDER_VOLUME_NAME')
$mounts = stackwright::list(lookup('CONFIG_CINDER_NFS_MOUNTS'))

class { 'stackwright::cinder::common':
  transport_url => $amqp_url,
  database_url  => $database_url,
  controller    => stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses),
  region        => lookup('CONFIG_KEYSTONE_REGION'),
  password      => lookup('CONFIG_CINDER_KS_PW'),
  tls           => lookup('CONFIG_ENDPOINTS_SSL') == 'y',
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
}
class { 'cinder::volume': }
class { 'cinder::backends': enabled_backends => $backends }

if 'lvm' in $backends {
  if lookup('CONFIG_CINDER_VOLUMES_CREATE') == 'y' {
    class { 'stackwright::volume_group':
      group  => $group,
      size   => lookup('CONFIG_CINDER_VOLUMES_SIZE'),
      before => Service['cinder-volume'],
    }
  }
  cinder::backend::iscsi { 'lvm':
    target_ip_address => $address,
    target_protocol   => 'iscsi',
    volume_group      => $group,
  }
}

if 'nfs' in $backends {
  package { 'nfs-common': ensure => present }
  if $mounts == [] {
    $exported = '/srv/stackwright-volumes'
    $computes = stackwright::list(lookup('CONFIG_COMPUTE_HOSTS'))
    class { 'stackwright::nfs_export':
      directory => $exported,
      # This host makes volumes, the others attach them.
      clients   => ([$address] + $computes.map |$host| { stackwright::address_of($host, $addresses) }).unique,
      before    => Service['cinder-volume'],
    }
  }
  $server = stackwright::in_url($address)
  cinder::backend::nfs { 'nfs':
    nfs_servers => $mounts ? { [] => ["${server}:${exported}"], default => $mounts },
    # Debian's service does not run as root, and may change the owner of no file on an export.
    nas_secure_file_operations  => false,
    nas_secure_file_permissions => false,
  }
}
