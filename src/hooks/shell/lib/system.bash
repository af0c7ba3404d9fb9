# The system, values, files.

GetOSVersion() {
    local name value
    os_VENDOR='' os_RELEASE='' os_CODENAME='' os_UPDATE='' os_PACKAGE=''
    while IFS='=' read -r name value; do
        value=${value#[\"\']}
        value=${value%[\"\']}
        case $name in
            ID) os_VENDOR=${value^} ;;
            VERSION_ID) os_RELEASE=$value ;;
            VERSION_CODENAME) os_CODENAME=$value ;;
        esac
    done < /etc/os-release
    case $os_VENDOR in
        Debian | Ubuntu) os_PACKAGE=deb ;;
        *) os_PACKAGE=rpm ;;
    esac
    export os_VENDOR os_RELEASE os_CODENAME os_UPDATE os_PACKAGE
}

GetDistro() {
    GetOSVersion
    DISTRO=${os_CODENAME:-$os_VENDOR-$os_RELEASE}
    export DISTRO
}

is_ubuntu() { [[ $os_PACKAGE == deb ]]; }
is_debian() { [[ $os_VENDOR == Debian ]]; }
is_fedora() { [[ $os_VENDOR == @(Fedora|Rhel|Centos|Rocky|Almalinux|Ol) ]]; }
is_suse() { [[ $os_VENDOR == @(Sles|Suse|Opensuse*) ]]; }
is_oraclelinux() { [[ $os_VENDOR == Ol ]]; }
is_openeuler() { [[ $os_VENDOR == openEuler ]]; }
is_arch() { [[ $(uname -m) == "$1" ]]; }

exit_distro_not_supported() {
    die "${BASH_LINENO[0]}" "$DISTRO is not supported${1:+: no support for $*}"
}

is_set() { [[ -n ${!1} ]]; }
isset() { [[ -v $1 ]]; }
function_exists() { declare -F "$1" > /dev/null; }

# trueorfalse DEFAULT VARIABLE: prints True or False; DevStack of old gave the value instead of the variable's name
trueorfalse() {
    local value=$2
    if [[ $value =~ ^[A-Za-z_][A-Za-z0-9_]*$ && ! ${value,,} =~ ^(yes|no|true|false|1|0)$ ]]; then value=${!2}; fi
    case ${value,,} in
        1 | yes | true) echo True ;;
        0 | no | false) echo False ;;
        *) echo "$1" ;;
    esac
}

# generate_hex_string BYTES
generate_hex_string() {
    od --address-radix=n --format=x1 --read-bytes="$1" /dev/urandom | tr -d ' \n'
    echo
}

# get_field NUMBER: that column of a table as the old clients drew it; negative numbers count from the end
get_field() {
    awk -F '[ \t]*\\|[ \t]*' -v at="$1" '{ print (at < 0 ? $(NF + at) : $(at + 1)) }'
}

# get_default_host_ip […]: the address towards the default route
get_default_host_ip() {
    local words address=''
    read -r -a words < <(ip -4 route get 192.0.2.1 2> /dev/null) || true
    while ((${#words[@]} > 1)); do
        [[ ${words[0]} != src ]] || address=${words[1]}
        words=("${words[@]:1}")
    done
    echo "${address:-127.0.0.1}"
}

is_ipv4_address() { [[ $1 =~ ^[0-9]+(\.[0-9]+){3}$ ]]; }
is_ipv6_address() { [[ $1 == *:* ]]; }
ipv6_unquote() { tr -d '[]' <<< "$1"; }

# vercmp A OPERATOR B
vercmp() {
    case $2 in
        '<') dpkg --compare-versions "$1" lt "$3" ;;
        '<=') dpkg --compare-versions "$1" le "$3" ;;
        '=' | '==') dpkg --compare-versions "$1" eq "$3" ;;
        '>=') dpkg --compare-versions "$1" ge "$3" ;;
        '>') dpkg --compare-versions "$1" gt "$3" ;;
        *) die "${BASH_LINENO[0]}" "vercmp has no comparison $2" ;;
    esac
}

# vercmp_numbers A B: 0 equal, 1 greater, 2 less
vercmp_numbers() {
    if vercmp "$1" '=' "$2"; then return 0; fi
    if vercmp "$1" '>' "$2"; then return 1; fi
    return 2
}

export_proxy_variables() {
    local name
    for name in http_proxy https_proxy no_proxy; do [[ -z ${!name} ]] || export "${name?}"; done
}

sudo_with_proxies() {
    sudo env ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} "$@"
}

cp_it() { [[ ! -e $1 ]] || cp -dRL "$1" "$2"; }
safe_chown() { sudo chown "$@"; }
safe_chmod() { sudo chmod "$@"; }

add_user_to_group() { sudo usermod --append --groups "$2" "$1"; }

# wait_for_service SECONDS URL [curl's options]: until something answers there
wait_for_service() {
    local deadline=$((SECONDS + $1)) url=$2
    shift 2
    until curl --globoff --insecure --silent --output /dev/null --max-time 10 "$@" "$url"; do
        ((SECONDS < deadline)) || die "${BASH_LINENO[0]}" "nothing answers at $url"
        sleep 1
    done
}

# test_with_retry COMMAND MESSAGE [SECONDS [PAUSE]]
test_with_retry() {
    local deadline=$((SECONDS + ${3:-10}))
    until bash -c "$1"; do
        ((SECONDS < deadline)) || die "${BASH_LINENO[0]}" "$2"
        sleep "${4:-1}"
    done
}

time_start() { printf -v "__sw_time_${1//[^A-Za-z0-9_]/_}" '%s' "$EPOCHREALTIME"; }
time_stop() { :; }

# Work beside the shell; its end is waited for by name.
async_runfunc() { async_run "$@"; }

async_run() {
    local name=$1
    shift
    if (($# == 0)); then set -- "$name"; fi
    "$@" > "$__sw_work/async.${name//\//_}" 2>&1 &
    __sw_async[$name]=$!
}

async_wait() {
    local name status
    for name in "$@"; do
        [[ -n ${__sw_async[$name]} ]] || continue
        status=0
        wait "${__sw_async[$name]}" || status=$?
        unset "__sw_async[$name]"
        cat "$__sw_work/async.${name//\//_}"
        ((status == 0)) || die "${BASH_LINENO[0]}" "$name, which ran beside the shell, failed with status $status"
    done
}

async_cleanup() {
    local name
    for name in "${!__sw_async[@]}"; do kill "${__sw_async[$name]}" 2> /dev/null || true; done
    __sw_async=()
}

async_print_timing() { :; }
