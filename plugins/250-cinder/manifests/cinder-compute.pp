# Block storage of a compute host: what attaches volumes.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$packages = stackwright::list(lookup('CONFIG_CINDER_BACKEND')).map |$backend| {
  $backend ? {
    'nfs'   => 'nfs-common',
    default => 'open-iscsi',
  }
}

ensure_packages($packages)
