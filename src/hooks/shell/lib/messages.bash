# What scripts say, and how a run ends: records for Stackwright go into standard output behind a mark of this run.

__sw_record() {
    [[ -n $__sw_mark ]] || return 0
    local IFS=$'\x1f' field fields=()
    for field in "$@"; do
        field=${field//\\/\\\\}
        fields+=("${field//$'\n'/\\n}")
    done
    printf '%s%s\n' "$__sw_mark" "${fields[*]}" >&"$__sw_records"
}

# Sets __sw_file and __sw_line to the innermost place that is not ours, __sw_stack to all such places, __sw_within to
# the function of ours that was called there. $1 is the line in the innermost frame of the caller's caller.
__sw_place() {
    local line=$1 at
    __sw_file='' __sw_line='' __sw_stack='' __sw_within=''
    for ((at = 2; at < ${#BASH_SOURCE[@]}; at++)); do
        ((at == 2)) || line=${BASH_LINENO[at - 1]}
        if [[ ${BASH_SOURCE[at]} == "$__sw_home"/* ]]; then
            [[ -n $__sw_file || ${FUNCNAME[at]} == source || ${FUNCNAME[at]} == main ]] || __sw_within=${FUNCNAME[at]}
            continue
        fi
        [[ ${FUNCNAME[at]} != main ]] || continue
        __sw_original "${BASH_SOURCE[at]}" "$line" "${FUNCNAME[at]}"
        [[ -n $__sw_file ]] || { __sw_file=$__sw_original_file __sw_line=$__sw_original_line; }
        __sw_stack+="$__sw_original_file:$__sw_original_line"$'\n'
    done
    [[ -n $__sw_file ]] || __sw_file=$__sw_script
}

# A function that was kept from an earlier shell has lost its file, and its lines are formed anew: the file is known by
# name, and the line is the first in the function with that text.
__sw_original() {
    __sw_original_file=$1 __sw_original_line=$2
    local origin=${__sw_origins[$3]} text at
    [[ -n $__sw_state && $1 == "$__sw_state" && -n $origin ]] || return 0
    __sw_original_file=${origin#* }
    text=$(sed -n "$2{s/^[[:space:]]*//;s/;\$//;p}" "$__sw_state")
    at=$(tail -n "+${origin%% *}" "$__sw_original_file" | grep --line-number --fixed-strings -e "$text" | head -n 1)
    at=${at%%:*}
    __sw_original_line=$((${origin%% *} + ${at:-1} - 1))
}

__sw_failure() {
    local kind=$1 line=$2 status=$3 command=$4 message=$5
    __sw_told=1
    __sw_record failure "$kind" "$__sw_file" "$line" "$status" "$command" "$message" "$__sw_stack"
}

# The trap ERR. What ends is the shell itself, by errexit; in a subshell only its parent knows whether it matters.
__sw_on_error() {
    local status=$1 line=$2 command=$3 message=''
    [[ $- == *e* && $BASHPID == "$$" ]] || return 0
    if ((${#BASH_SOURCE[@]} > 1)) && [[ ${BASH_SOURCE[1]} == "$__sw_home/driver.bash" && $command == source* ]]; then
        # The script itself ended with a status; the driver judges it.
        set +o errexit
        return 0
    fi
    __sw_place "$line"
    if [[ -n $__sw_within && -r $__sw_file ]]; then
        # What the script says tells more than what our function was at.
        command=$(sed -n "${__sw_line}s/^[[:space:]]*//p" "$__sw_file")
    fi
    ((status != 127)) || [[ $command == *' '* && $(type -t "${command%% *}") ]] || message='no such command'
    __sw_failure command "$__sw_line" "$status" "$command" "$message"
}

# die LINE MESSAGE
die() {
    local status=$?
    ((status != 0)) || status=1
    local line=$1
    shift || true
    __sw_place "${BASH_LINENO[0]}"
    printf '[ERROR] %s:%s %s\n' "$__sw_file" "$line" "$*" >&2
    [[ $BASHPID != "$$" ]] || __sw_failure die "$line" "$status" "die" "$*"
    exit "$status"
}

# die_if_not_set LINE VARIABLE MESSAGE
die_if_not_set() {
    local status=$? line=$1 name=$2
    shift 2
    [[ -n ${!name} && $status == 0 ]] || die "$line" "$*"
}

# warn LINE MESSAGE
warn() {
    local line=$1
    shift || true
    __sw_place "${BASH_LINENO[0]}"
    printf '[WARNING] %s:%s %s\n' "$__sw_file" "$line" "$*" >&2
    __sw_record warn "$__sw_file" "$line" "$*"
}

# err LINE MESSAGE
err() {
    local status=$? line=$1
    shift || true
    __sw_place "${BASH_LINENO[0]}"
    printf '[ERROR] %s:%s %s\n' "$__sw_file" "$line" "$*" >&2
    return "$status"
}

# err_if_not_set LINE VARIABLE MESSAGE
err_if_not_set() {
    local status=$? line=$1 name=$2
    shift 2
    [[ -n ${!name} && $status == 0 ]] || err "$line" "$*" || true
    return "$status"
}

# deprecated TEXT
deprecated() {
    warn "${BASH_LINENO[0]}" "$*"
}

# backtrace LEVEL
backtrace() {
    local at
    echo '[Call Trace]'
    for ((at = ${#BASH_SOURCE[@]} - 1; at >= $1; at--)); do
        echo "${BASH_SOURCE[at]}:${BASH_LINENO[at - 1]}:${FUNCNAME[at - 1]}"
    done
}

echo_summary() {
    printf '%s\n' "$*"
    __sw_record summary "$*"
}

echo_nolog() {
    printf '%s\n' "$*"
}

# From here on the value is masked in everything that is shown or logged.
__sw_secret() {
    __sw_record secret "$1"
}

# read_password VARIABLE TEXT: nobody sits there to be asked, so what is not set is made.
read_password() {
    [[ -n ${!1} ]] || printf -v "$1" '%s' "$(generate_hex_string 10)"
    __sw_secret "${!1}"
}

# The names of functions of DevStack that do nothing useful here, each with the reason: calling one stops the run.
__sw_unsupported() {
    local name=$1 reason=$2
    __sw_place "${BASH_LINENO[1]}"
    printf '[ERROR] %s:%s %s is not supported: %s\n' "$__sw_file" "${__sw_line:-?}" "$name" "$reason" >&2
    __sw_failure unsupported "$__sw_line" 1 "$name" "$reason"
    # Also from within $(…), where an exit would be overheard.
    [[ $BASHPID == "$$" ]] || kill -TERM "$$"
    exit 1
}

# Called by the shell where a command is not found; names what it was.
command_not_found_handle() {
    printf '%s: no such command, and hooks have no function of this name\n' "$1" >&2
    return 127
}
