# Debian packages.

apt_get() {
    [[ $OFFLINE != True ]] || return 0
    local option=(--option Dpkg::Options::=--force-confold --option DPkg::Lock::Timeout=600 --assume-yes)
    sudo_with_proxies DEBIAN_FRONTEND=noninteractive apt-get "${option[@]}" "$@"
}

update_package_repo() {
    [[ $OFFLINE != True && ( $__sw_indexed != 1 || $RETRY_UPDATE == True ) ]] || return 0
    apt_get update
    __sw_indexed=1
}
apt_get_update() { update_package_repo; }
update_package_repository() { update_package_repo; }

is_package_installed() {
    (($# > 0)) || return 1
    local name
    for name in "$@"; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2> /dev/null) == installed ]] || return 1
    done
}

install_package() {
    local missing=() name
    for name in $*; do is_package_installed "$name" || missing+=("$name"); done
    ((${#missing[@]} > 0)) || return 0
    update_package_repo
    apt_get install --no-install-recommends "${missing[@]}"
}
real_install_package() { install_package "$@"; }

uninstall_package() {
    local there=() name
    for name in $*; do ! is_package_installed "$name" || there+=("$name"); done
    ((${#there[@]} > 0)) || return 0
    apt_get purge "${there[@]}"
}
