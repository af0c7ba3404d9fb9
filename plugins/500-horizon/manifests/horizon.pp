# The dashboard, by Debian's package for Apache; our settings stand in a file of their own and count last.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
# Debian keeps sessions in the memory of each of Apache's processes: the next request goes to another one, and is logged out.
$sessions = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => {
    'CACHES' => {
      'default' => {
        'BACKEND'  => 'django.core.cache.backends.memcached.MemcachedCache',
        'LOCATION' => "${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211",
      },
    },
  },
  default => { 'SESSION_ENGINE' => 'django.contrib.sessions.backends.signed_cookies' },
}
$settings = {
  'OPENSTACK_HOST'                  => $address,
  'OPENSTACK_KEYSTONE_URL'          => "${stackwright::http_url($address, 5000)}/v3",
  'OPENSTACK_KEYSTONE_DEFAULT_ROLE' => 'member',
  'ALLOWED_HOSTS'                   => [$address, lookup('HOST_NAME'), 'localhost'],
  'SECRET_KEY'                      => lookup('CONFIG_HORIZON_SECRET_KEY'),
} + $sessions

package { 'openstack-dashboard-apache': ensure => present }
-> file { '/etc/openstack-dashboard/local_settings.d/_90_stackwright.py':
  owner   => 'root',
  group   => 'www-data',
  mode    => '0640',
  # A text or list in JSON, or an object of such, is the same in Python.
  content => Sensitive($settings.map |$name, $value| { "${name} = ${to_json($value)}\n" }.join('')),
}
# Debian's site for TLS has a certificate that nobody trusts, and redirects to it.
-> exec { 'a2dissite default-ssl':
  command => '/usr/sbin/a2dissite default-ssl',
  onlyif  => '/usr/bin/test -e /etc/apache2/sites-enabled/default-ssl.conf',
}
~> service { 'apache2':
  ensure    => running,
  enable    => true,
  subscribe => File['/etc/openstack-dashboard/local_settings.d/_90_stackwright.py'],
}
