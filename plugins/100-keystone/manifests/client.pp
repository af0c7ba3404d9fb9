# The client, and what it needs to know to log in as administrator.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$url = stackwright::http_url(lookup('HOST_ADDRESS'), 5000, $tls)
$user = lookup('CONFIG_KEYSTONE_ADMIN_USERNAME')
$password = lookup('CONFIG_KEYSTONE_ADMIN_PW')
$region = lookup('CONFIG_KEYSTONE_REGION')

package { 'python3-openstackclient': ensure => present }

file { '/root/keystonerc_admin':
  owner   => 'root',
  group   => 'root',
  mode    => '0600',
  content => Sensitive(stackwright::rc_file($user, $password, 'admin', "${url}/v3", $region)),
}
