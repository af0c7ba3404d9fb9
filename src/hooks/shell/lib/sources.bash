# Software from git and from the Python Package Index.

# git_clone REMOTE DIRECTORY [REF]: a branch, tag, commit or refs/…; without it what the remote has as its default
git_clone() {
    local remote=$1 directory=$2 ref=$3
    if [[ $OFFLINE == True ]]; then
        [[ -d $directory ]] || die "${BASH_LINENO[0]}" "OFFLINE is set, and $directory is not there"
        return 0
    fi
    if [[ -d $directory && $(trueorfalse False RECLONE) != True ]]; then
        git_in "$directory" log -1 --format='%h %s'
        return 0
    fi
    if [[ ! -d $directory ]]; then
        [[ $ERROR_ON_CLONE != True ]] || die "${BASH_LINENO[0]}" "ERROR_ON_CLONE is set, and $directory is not there"
        mkdir -p "$(dirname "$directory")"
        git_timed clone ${GIT_DEPTH:+--depth "$GIT_DEPTH" --no-single-branch} "$remote" "$directory"
    else
        git_in "$directory" fetch --tags "$remote"
    fi
    if [[ $ref == refs/* ]]; then
        git_in "$directory" fetch "$remote" "$ref"
        git_in "$directory" checkout --quiet FETCH_HEAD
    elif [[ -n $ref ]]; then
        if git_in "$directory" rev-parse --verify --quiet "refs/remotes/origin/$ref" > /dev/null; then
            git_in "$directory" checkout --quiet -B "$ref" "origin/$ref"
        else
            git_in "$directory" checkout --quiet "$ref"
        fi
    fi
    git_in "$directory" log -1 --format='%h %s'
}

git_in() { git -c safe.directory='*' -C "$1" "${@:2}"; }

# git_clone_by_name NAME: by GITREPO, GITDIR and GITBRANCH
git_clone_by_name() {
    git_clone "${GITREPO[$1]}" "${GITDIR[$1]:-$DEST/$1}" "${GITBRANCH[$1]}"
}

# git_timed …: three tries, each within GIT_TIMEOUT seconds where that is set
git_timed() {
    local try
    for try in 1 2 3; do
        if timeout "${GIT_TIMEOUT:-0}" git -c safe.directory='*' "$@"; then return 0; fi
        sleep $((try - 1))
    done
    die "${BASH_LINENO[0]}" "git $* failed three times"
}

# Debian keeps pip out of its own Python: packages go into an environment that sees Debian's.
__sw_python() {
    local home=$DATA_DIR/venv
    if [[ ! -x $home/bin/pip ]]; then
        install_package python3-venv
        mkdir -p "$DATA_DIR"
        python3 -m venv --system-site-packages "$home"
    fi
    [[ :$PATH: == *":$home/bin:"* ]] || export PATH="$home/bin:$PATH"
}

pip_install() {
    [[ $OFFLINE != True ]] || return 0
    __sw_python
    export_proxy_variables
    "$DATA_DIR/venv/bin/pip" install ${PIP_UPGRADE:+--upgrade} "$@"
}
pip_install_gr() { pip_install "$@"; }
pip_install_gr_extras() { pip_install "$1[$2]"; }

pip_uninstall() {
    [[ ! -x $DATA_DIR/venv/bin/pip ]] || "$DATA_DIR/venv/bin/pip" uninstall --yes "$@"
}

# setup_develop [-bindep] DIRECTORY [EXTRAS]
setup_develop() { setup_package "$1" -e "$2"; }
setup_install() { setup_package "$1" '' "$2"; }

setup_package() {
    local directory=$1 mode=$2 extras=$3
    [[ $directory != -bindep ]] || { directory=$2 mode=$3 extras=''; }
    [[ -d $directory ]] || die "${BASH_LINENO[1]}" "$directory is not there to be installed"
    pip_install ${mode:+"$mode"} "$directory${extras:+[$extras]}"
}

setup_dev_lib() {
    [[ $1 != -bindep ]] || shift
    setup_develop "${GITDIR[$1]:-$DEST/$1}"
}
setup_lib() { setup_dev_lib "$@"; }

use_library_from_git() {
    [[ $LIBS_FROM_GIT == ALL || ",$LIBS_FROM_GIT," == *",$1,"* ]]
}

get_python_exec_prefix() { echo "$DATA_DIR/venv/bin"; }
get_pip_command() { echo "$DATA_DIR/venv/bin/pip"; }
python3_enabled() { return 0; }
install_python3() { install_package python3; }

# get_extra_file URL: prints the path of the file, fetched where it is an address
get_extra_file() {
    if [[ $1 != http* ]]; then
        echo "${1#file://}"
        return 0
    fi
    mkdir -p "$FILES"
    [[ -f $FILES/${1##*/} ]] || curl --fail --location --silent --show-error --output "$FILES/${1##*/}" "$1"
    echo "$FILES/${1##*/}"
}
