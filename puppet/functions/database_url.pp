# How a service reaches its schema.
function stackwright::database_url(
  String $host,
  String $user,
  String $password,
  String $schema,
  Hash[String, String] $addresses
) >> String {
  os_database_connection({
    'dialect'  => 'mysql+pymysql',
    'host'     => stackwright::address_of($host, $addresses),
    'username' => $user,
    'password' => $password,
    'database' => $schema,
    'charset'  => 'utf8',
  })
}
