# The client, and what it needs to know to log in as administrator.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$url = stackwright::http_url(lookup('HOST_ADDRESS'), 5000)
$user = lookup('CONFIG_KEYSTONE_ADMIN_USERNAME')
$password = lookup('CONFIG_KEYSTONE_ADMIN_PW')
$region = lookup('CONFIG_KEYSTONE_REGION')

package { 'python3-openstackclient': ensure => present }

file { '/root/keystonerc_admin':
  owner   => 'root',
  group   => 'root',
  mode    => '0600',
  content => Sensitive(@("RC")),
    unset OS_SERVICE_TOKEN
    export OS_USERNAME='${user}'
    export OS_PASSWORD='${password}'
    export OS_AUTH_URL=${url}/v3
    export OS_REGION_NAME='${region}'
    export OS_PROJECT_NAME=admin
    export OS_USER_DOMAIN_NAME=Default
    export OS_PROJECT_DOMAIN_NAME=Default
    export OS_IDENTITY_API_VERSION=3
    | RC
}
