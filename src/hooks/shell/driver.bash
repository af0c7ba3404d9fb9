# The one shell in which hooks run. Requests come through descriptor 3, a line each, fields separated by 0x1f; what
# happened goes into standard output behind the mark STACKWRIGHT_MARK. Scripts are sourced here, outside of any
# function, so that what they declare is there later.
set -o errexit -o errtrace
__sw_home=${BASH_SOURCE[0]%/*}
__sw_mark=$STACKWRIGHT_MARK __sw_work=$STACKWRIGHT_WORK __sw_limit=$STACKWRIGHT_LIMIT
unset STACKWRIGHT_MARK STACKWRIGHT_WORK STACKWRIGHT_LIMIT
exec {__sw_requests}<&3 {__sw_records}>&1
# Scripts of DevStack talk to its user through these.
exec 3>&1 6>&1

__sw_plugins=()
__sw_sources=()
declare -A __sw_async __sw_origins GITDIR GITREPO GITBRANCH
__sw_script='' __sw_phase='' __sw_told='' __sw_loading='' __sw_running='' __sw_settings='' __sw_state=''
for __sw_file in "$__sw_home"/lib/*.bash; do source "$__sw_file"; done
trap '__sw_on_error "$?" "$LINENO" "$BASH_COMMAND"' ERR
trap '__sw_ending "$?"' EXIT

[[ -n $(type -P sudo) || $EUID != 0 ]] || PATH=$__sw_home/bin:$PATH
[[ -p $__sw_work/never ]] || mkfifo "$__sw_work/never"
GetDistro
DEST=${DEST:-/opt/stack}
STACK_USER=${STACK_USER:-$(id -un)}
HOST_IP=${HOST_IP:-$(get_default_host_ip)}
ENABLED_SERVICES=${ENABLED_SERVICES:-}
DISABLED_SERVICES=${DISABLED_SERVICES:-}
RC_DIR=$TOP_DIR

# __sw_begin NAME PHASE FILE: another process ends this one and all that it has started, unless __sw_end comes first.
__sw_begin() {
    __sw_script=$3 __sw_phase=$2 __sw_running=1 __sw_began=$EPOCHREALTIME
    __sw_record begin "$1" "$2"
    set -o errexit -o errtrace
    __sw_watcher=$(__sw_watch "$1" < /dev/null > /dev/null 2>&1 3>&- 6>&- & echo $!)
}

__sw_end() {
    local LC_NUMERIC=C
    kill "$__sw_watcher" 2> /dev/null || true
    __sw_running=''
    __sw_record end "$1" "$__sw_phase" "$((${EPOCHREALTIME/./} - ${__sw_began/./}))"
}

__sw_started() {
    local stat
    read -r stat < "/proc/$1/stat" 2> /dev/null || return 1
    set -- ${stat##*) }
    echo "${20}"
}

__sw_watch() {
    local started
    trap - ERR EXIT
    set +o errexit
    started=$(__sw_started "$$")
    read -rt "$__sw_limit" <> "$__sw_work/never"
    [[ $(__sw_started "$$") == "$started" ]] || exit
    __sw_record failure timeout "$__sw_script" '' 124 '' "$__sw_limit" ''
    trap '' TERM
    kill -TERM -- "-$$"
    read -rt 5 <> "$__sw_work/never"
    kill -KILL -- "-$$"
}

# What a script ended with, where no command of it had failed: its last line may be a test that did not hold.
__sw_judge() {
    local status=$1 last
    ((status != 0)) || return 0
    last=$(grep -v '^[[:space:]]*\(#.*\)\?$' "$__sw_script" | tail -n 1)
    [[ $status != 1 || $last != *'&&'* ]] || return 0
    __sw_file=$__sw_script __sw_stack=''
    __sw_failure returned '' "$status" "return $status" ''
    exit "$status"
}

# The trap EXIT: the reasons for which a shell ends without a word.
__sw_ending() {
    local status=$1 text
    [[ -n $__sw_running ]] || return 0
    kill "$__sw_watcher" 2> /dev/null
    [[ -z $__sw_told ]] || return 0
    __sw_file=$__sw_script __sw_stack=''
    if text=$(bash -O extglob -n "$__sw_script" 2>&1); then
        __sw_failure exit '' "$status" "exit $status" ''
    else
        [[ $text =~ line\ ([0-9]+):\ (.*) ]]
        __sw_failure syntax "${BASH_REMATCH[1]}" "$status" '' "${BASH_REMATCH[2]%%$'\n'*}"
    fi
}

# A plugin's script runs within a function, as DevStack has it: some use `local` outside of functions.
__sw_plugin_script() {
    source "$__sw_script" "$@"
}

# What the next shell of this deployment begins with.
__sw_save() {
    local IFS=$' \t\n' __sw_each
    __sw_note_sources
    {
        for __sw_each in $(compgen -A variable); do
            case $__sw_each in
                __sw_plugins | __sw_sources | __sw_settings | __sw_origins | __sw_indexed) ;;
                __sw_* | BASH* | DIRSTACK | EUID | UID | PPID | FUNCNAME | GROUPS | LINENO | OPT* | PIPESTATUS | RANDOM | SECONDS) continue ;;
                SRANDOM | EPOCH* | SHELLOPTS | SHLVL | PWD | OLDPWD | _ | COMP_* | HOST*TYPE | MACHTYPE | OSTYPE | IFS) continue ;;
            esac
            [[ ${!__sw_each@a} != *r* ]] || continue
            declare -p "$__sw_each" 2> /dev/null || true
        done
        while read -r __sw_each _ __sw_file; do
            [[ $__sw_file != "$__sw_home"/* ]] || continue
            declare -f "$__sw_each"
        done < <(__sw_functions)
        shopt -p
        set +o | grep -v 'errexit\|errtrace\|history\|interactive'
        printf 'umask %s\ncd %q\n' "$(umask)" "$PWD"
    } > "$1.new"
    printf '%s\n' "${__sw_sources[@]}" > "$1.sources"
    chmod 0600 "$1.new"
    mv "$1.new" "$1"
}

# NAME LINE FILE of every function
__sw_functions() {
    shopt -s extdebug
    declare -F $(compgen -A function)
}

# Where functions came from, and the files with their checksums: where one is corrected, the next shell reads it again.
__sw_note_sources() {
    local name line file
    local -A seen=()
    for line in "${__sw_sources[@]}"; do seen[${line#* }]=1; done
    [[ -z $__sw_settings ]] || seen[$__sw_settings]=1
    while read -r name line file; do
        [[ $file != "$__sw_home"/* && $file != "$__sw_state" && -f $file ]] || continue
        seen[$file]=1
        __sw_origins[$name]="$line $file"
    done < <(__sw_functions)
    __sw_sources=()
    for file in "${!seen[@]}"; do
        [[ ! -f $file || $file == */extras.d/* || $file == */devstack/plugin.sh ]] ||
            __sw_sources+=("$(sha256sum < "$file" | cut -c 1-64) $file")
    done
}

while IFS=$'\x1f' read -r -u "$__sw_requests" __sw_what __sw_name __sw_file __sw_mode __sw_sub; do
    __sw_phase=$__sw_mode${__sw_sub:+ $__sw_sub}
    case $__sw_what in
        settings)
            __sw_loading=settings
            __sw_settings=$__sw_file
            __sw_begin "$__sw_name" settings "$__sw_file"
            source "$__sw_file"
            __sw_judge "$?"
            __sw_end "$__sw_name"
            __sw_loading=''
            ;;
        defaults) __sw_defaults ;;
        script)
            __sw_begin "$__sw_name" "$__sw_phase" "$__sw_file"
            if [[ -n $__sw_sub ]]; then
                source "$__sw_script" "$__sw_mode" "$__sw_sub"
            else
                source "$__sw_script" "$__sw_mode"
            fi
            __sw_judge "$?"
            __sw_end "$__sw_name"
            ;;
        plugins)
            for __sw_plugin in "${__sw_plugins[@]}"; do
                case $__sw_mode in
                    override_defaults) __sw_file=${GITDIR[$__sw_plugin]}/devstack/override-defaults ;;
                    source) __sw_file=${GITDIR[$__sw_plugin]}/devstack/settings ;;
                    *) __sw_file=${GITDIR[$__sw_plugin]}/devstack/plugin.sh ;;
                esac
                [[ -f $__sw_file ]] || continue
                __sw_begin "$__sw_plugin" "$__sw_phase" "$__sw_file"
                case $__sw_mode in
                    override_defaults | source) source "$__sw_script" ;;
                    *) __sw_plugin_script "$__sw_mode" ${__sw_sub:+"$__sw_sub"} ;;
                esac
                __sw_judge "$?"
                __sw_end "$__sw_plugin"
            done
            ;;
        merge)
            __sw_begin "$__sw_name" "$__sw_phase" "$__sw_name"
            __sw_merge "$__sw_file"
            __sw_end "$__sw_name"
            ;;
        save) __sw_save "$__sw_file" ;;
        load)
            __sw_state=$__sw_file
            source "$__sw_state"
            while read -r __sw_sum __sw_file; do
                [[ -f $__sw_file && $(sha256sum < "$__sw_file") != "$__sw_sum"* ]] || continue
                # It was corrected since.
                __sw_script=$__sw_file __sw_phase=settings
                if [[ $__sw_file == "$__sw_settings" ]]; then
                    __sw_plugins=() __sw_loading=settings
                    source "$__sw_file"
                    __sw_loading=''
                else
                    source "$__sw_file"
                fi
            done < "$__sw_state.sources"
            __sw_defaults
            ;;
    esac
    __sw_record "done" "$ENABLED_SERVICES"
done
__sw_record bye
printf '%sbye\n' "$__sw_mark" >&2
