# Networking by OVN: its databases, and what makes flows of networks.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

class { 'ovn::northd': dbs_listen_ip => lookup('HOST_ADDRESS') }
