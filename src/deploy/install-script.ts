import { APT_FAILED, allowServiceStarts, denyServiceStarts, packagesLock, puppetLock } from './host-script.js';

/**
 * Runs on the host, beside the script that applies manifests: the packages of the first manifest come first, and those
 * of the others while it is applied; what comes next is fetched while dpkg unpacks what came before. It goes on when
 * the connection breaks or we are killed. Where it was stopped itself, as by a reboot, whoever waits for packages
 * starts it again.
 */
export const installScript = `#!/bin/sh
# Installs the packages of the manifests, those of one after those of another:
# install begin LIMIT        at the standard input is a line for each manifest: FILE PACKAGE...
# install await LIMIT FILE   until those of one manifest are there
# install run|work LIMIT     what these two start
set -u
cd "$(dirname "$0")" || exit 1
what=$1 limit=$2
ahead=/var/cache/apt/stackwright

there() { [ "$(dpkg-query --show --showformat '\${db:Status-Abbrev}\\n' "$@" 2> /dev/null | grep -c '^ii')" -ge $# ]; }
finished() { grep -qsxF "$1" packages.done; }
running() { ! flock --nonblock ${packagesLock} true; }
start() {
  setsid sh ./install run "$limit" < /dev/null >> packages.log 2>&1 &
  installer=$!
}

begin() {
  umask 077
  cat > packages.new || exit 1
  # A process of ours that was killed has begun already.
  if running && cmp --silent packages.new packages; then exit 0; fi
  rm -f packages.done
  mv packages.new packages
  there $(sed 's/^[^ ]* *//' packages) || start
}

await() {
  packages=$(sed -n "s/^$1 //p" packages 2> /dev/null)
  [ -n "$packages" ] || exit 0
  installer=
  finished "$1" || echo "stackwright: waiting for the packages of $1"
  until finished "$1"; do
    if [ -n "$installer" ]; then
      if ! kill -0 "$installer" 2> /dev/null && ! finished "$1"; then
        tail --lines=100 packages.log
        exit ${APT_FAILED}
      fi
    elif ! running; then
      if there $packages; then exit 0; fi
      start
    fi
    sleep 0.2
  done
}

# Services do not start: nothing of them is configured.
run() {
  flock --close --timeout "$limit" ${packagesLock} timeout --kill-after=60 "$limit" sh ./install work "$limit"
  # Who applies a manifest now, or waits for packages, does it at the end.
  flock --timeout 1 ${puppetLock} sh -c '${allowServiceStarts}'
}

apt="apt-get --option DPkg::Lock::Timeout=600 --option DPkg::Options::=--force-confold"

work() {
  umask 022
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
  ${denyServiceStarts}
  # An installation that was killed is ended first.
  dpkg --configure -a
  # Lists that were fetched for puppet just now still serve, unless sources have come since.
  lists=/var/lib/apt/lists/partial
  [ -n "$(find $lists -prune -mmin -30)" ] && [ -z "$(find /etc/apt -newer $lists)" ] || $apt update
  rm -rf $ahead
  mkdir -p $ahead/archives/partial
  # What is fetched follows from how things are now, not from what dpkg is about.
  cp /var/lib/dpkg/status $ahead/status
  fetch &
  fetcher=$!
  while read -r file packages; do
    until grep -qsxF "$file" $ahead/fetched || ! kill -0 $fetcher 2> /dev/null; do sleep 0.2; done
    find $ahead/archives -maxdepth 1 -name '*.deb' -exec ln -f {} /var/cache/apt/archives/ ';'
    install_packages $packages || { kill $fetcher 2> /dev/null; exit ${APT_FAILED}; }
    echo "$file" >> packages.done
  done < packages
  rm -rf $ahead
}

fetch() {
  packages=
  while read -r file more; do
    packages="$packages $more"
    apt-get --option Debug::NoLocking=true --option Dir::Cache=$ahead --option Dir::State::status=$ahead/status \\
      --quiet --download-only --no-install-recommends --yes install $packages < /dev/null
    echo "$file" >> $ahead/fetched
  done < packages
}

# The dashboard compresses its style sheets when it is installed, by a library that fails now and then: another try does
# it.
install_packages() {
  ! there "$@" || return 0
  for try in 1 2 3; do
    [ $try = 1 ] || { dpkg --configure -a && $apt update; } || continue
    $apt install --yes --no-install-recommends "$@" < /dev/null || continue
    # It has read rules for users that packages made only later; without a reload polkit and libvirt get no name from it.
    ! systemctl --quiet is-active dbus || systemctl reload dbus
    return 0
  done
  return 1
}

shift 2
$what "$@"
`;
