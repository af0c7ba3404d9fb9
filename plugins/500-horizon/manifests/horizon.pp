# The dashboard, by Debian's package for Apache; our settings stand in a file of their own and count last. By TLS it has
# a site of its own, before Debian's, and port 80 leads there.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$own_tls = lookup('CONFIG_HORIZON_SSL') == 'y'
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
$cookies = $own_tls ? {
  true    => {
    'CSRF_COOKIE_SECURE'    => true,
    'SESSION_COOKIE_SECURE' => true,
  },
  default => {},
}
$settings = {
  'OPENSTACK_HOST'                  => $address,
  'OPENSTACK_KEYSTONE_URL'          => "${stackwright::http_url($address, 5000, $tls)}/v3",
  'OPENSTACK_KEYSTONE_DEFAULT_ROLE' => 'member',
  'ALLOWED_HOSTS'                   => [$address, lookup('HOST_NAME'), 'localhost'],
  'SECRET_KEY'                      => lookup('CONFIG_HORIZON_SECRET_KEY'),
} + $sessions + $cookies

package { 'openstack-dashboard-apache': ensure => present }
-> file { '/etc/openstack-dashboard/local_settings.d/_90_stackwright.py':
  owner   => 'root',
  group   => 'www-data',
  mode    => '0640',
  # A text or list in JSON, or an object of such, is the same in Python.
  content => Sensitive($settings.map |$name, $value| {
    "${name} = ${value ? { true => 'True', default => to_json($value) }}\n"
  }.join('')),
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

stackwright::certificate { 'dashboard':
  tls         => $own_tls,
  key         => '/etc/apache2/stackwright.key',
  certificate => '/etc/apache2/stackwright.crt',
  pair        => lookup('CONFIG_HORIZON_SSL_CERT') ? { '' => 'host', default => 'dashboard' },
  require     => Package['openstack-dashboard-apache'],
  notify      => Service['apache2'],
}
file {
  default:
    require => Package['openstack-dashboard-apache'],
    notify  => Service['apache2'];
  '/etc/apache2/sites-available/00-stackwright.conf':
    ensure  => $own_tls ? { true => 'file', default => 'absent' },
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => @(SITE);
      # Of stackwright.
      <VirtualHost *:80>
          RewriteEngine on
          RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=302,L]
      </VirtualHost>
      <VirtualHost *:443>
          DocumentRoot /var/www/html
          SSLEngine on
          SSLProtocol -all +TLSv1.2 +TLSv1.3
          SSLCertificateFile /etc/apache2/stackwright.crt
          SSLCertificateKeyFile /etc/apache2/stackwright.key
      </VirtualHost>
      | SITE
  '/etc/apache2/sites-enabled/00-stackwright.conf':
    ensure => $own_tls ? { true => 'link', default => 'absent' },
    target => '../sites-available/00-stackwright.conf';
}
if $own_tls {
  exec { 'a2enmod ssl rewrite':
    command => '/usr/sbin/a2enmod ssl rewrite',
    unless  => '/usr/bin/test -e /etc/apache2/mods-enabled/ssl.load -a -e /etc/apache2/mods-enabled/rewrite.load',
    require => Package['openstack-dashboard-apache'],
    notify  => Service['apache2'],
  }
}
