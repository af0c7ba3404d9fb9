# Object storage: the interface, and the devices with accounts, containers and objects.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$controller = stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses)
$memcached = stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)
$auth_url = "${stackwright::http_url($controller, 5000, $tls)}/v3"
$workers = stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'))
$devices = stackwright::list(lookup('CONFIG_SWIFT_STORAGES'))
$zones = Integer(lookup('CONFIG_SWIFT_STORAGE_ZONES'))

class { 'swift':
  swift_hash_path_suffix => lookup('CONFIG_SWIFT_HASH'),
}

$names = $devices ? {
  []      => ['stackwright-device'],
  default => $devices.map |$device| { regsubst($device, '^/dev/', '') },
}
file { '/srv/node':
  ensure => directory,
  owner  => 'root',
  group  => 'root',
  mode   => '0755',
}
$names.each |$index, $name| {
  stackwright::object_device { $name:
    device  => $devices[$index],
    fstype  => lookup('CONFIG_SWIFT_STORAGE_FSTYPE'),
    size    => lookup('CONFIG_SWIFT_STORAGE_SIZE'),
    require => File['/srv/node'],
  }
}

class { 'swift::storage::all':
  storage_local_net_ip     => $address,
  # systemd runs rsync; there is no xinetd.
  rsync_use_xinetd         => false,
  object_port              => 6200,
  container_port           => 6201,
  account_port             => 6202,
  account_server_workers   => $workers,
  container_server_workers => $workers,
  object_server_workers    => $workers,
}

class { 'swift::ringbuilder':
  part_power     => 10,
  replicas       => Integer(lookup('CONFIG_SWIFT_STORAGE_REPLICAS')),
  min_part_hours => 1,
}
$names.each |$index, $name| {
  $place = stackwright::in_url($address)
  $device = {
    zone   => $index % $zones + 1,
    weight => 1,
  }
  ring_object_device { "${place}:6200/${name}": * => $device }
  ring_container_device { "${place}:6201/${name}": * => $device }
  ring_account_device { "${place}:6202/${name}": * => $device }
}

class { 'swift::proxy':
  proxy_local_net_ip => $tls ? { true => '127.0.0.1', default => $address },
  workers            => $workers,
  pipeline           => [
    'catch_errors', 'gatekeeper', 'healthcheck', 'proxy-logging', 'cache', 'listing_formats', 'bulk', 'tempurl',
    'ratelimit', 'authtoken', 'keystone', 'copy', 'slo', 'dlo', 'versioned_writes', 'proxy-logging', 'proxy-server',
  ],
}
stackwright::tls_proxy { 'swift':
  tls     => $tls,
  address => $address,
  port    => 8080,
}
include swift::proxy::catch_errors
include swift::proxy::gatekeeper
include swift::proxy::healthcheck
include swift::proxy::proxy_logging
include swift::proxy::listing_formats
include swift::proxy::bulk
include swift::proxy::tempurl
include swift::proxy::ratelimit
include swift::proxy::copy
include swift::proxy::slo
include swift::proxy::dlo
include swift::proxy::versioned_writes
class { 'swift::proxy::cache': memcache_servers => ["${stackwright::in_url($memcached)}:11211"] }
class { 'swift::proxy::keystone': operator_roles => ['admin', 'member', 'SwiftOperator'] }
class { 'swift::proxy::authtoken':
  password             => lookup('CONFIG_SWIFT_KS_PW'),
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  region_name          => lookup('CONFIG_KEYSTONE_REGION'),
}
