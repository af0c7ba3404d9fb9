# The MTU of the interface that has an address. The fact networking.mtu is that of the default route, or of the loopback
# interface where there is none.
function stackwright::mtu_at(String $address) >> Integer {
  $interfaces = $facts.get('networking.interfaces', {}).filter |$name, $interface| {
    ($interface.get('bindings', []) + $interface.get('bindings6', [])).any |$binding| { $binding['address'] == $address }
  }
  $mtu = $interfaces.values.map |$interface| { $interface['mtu'] }[0]
  $mtu ? {
    undef   => 1500,
    default => $mtu,
  }
}
