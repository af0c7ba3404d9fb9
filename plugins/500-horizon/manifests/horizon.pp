# The dashboard, by Debian's package for Apache; our settings stand in a file of their own and count last.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$address = lookup('HOST_ADDRESS')
$settings = {
  'OPENSTACK_HOST'           => $address,
  'OPENSTACK_KEYSTONE_URL'   => "${stackwright::http_url($address, 5000)}/v3",
  'OPENSTACK_KEYSTONE_DEFAULT_ROLE' => 'member',
  'ALLOWED_HOSTS'            => [$address, lookup('HOST_NAME'), 'localhost'],
  'SECRET_KEY'               => lookup('CONFIG_HORIZON_SECRET_KEY'),
}

package { 'openstack-dashboard-apache': ensure => present }
-> file { '/etc/openstack-dashboard/local_settings.d/_90_stackwright.py':
  owner   => 'root',
  group   => 'www-data',
  mode    => '0640',
  # A text or list in JSON is the same in Python.
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
