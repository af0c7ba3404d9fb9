# INI files. Every function takes FILE SECTION OPTION, and -sudo before them as DevStack's do.

__sw_ini_awk() {
    local action=$1 section=$2 option=$3
    shift 3
    local IFS=$'\x1f'
    SW_DO=$action SW_SECTION=$section SW_OPTION=$option SW_VALUES="$*" awk -f "$__sw_home/lib/ini.awk"
}

# __sw_ini_change ACTION [-sudo] FILE SECTION OPTION [VALUE…]
__sw_ini_change() {
    local action=$1 as=() text
    shift
    [[ $1 != -sudo ]] || { as=(sudo); shift; }
    local file=$1 section=$2 option=$3
    shift 3
    [[ -n $section && -n $option ]] || return 0
    if [[ $action == @(set|multiline|prepend) ]] && ! "${as[@]}" test -e "$file"; then
        text=$(__sw_ini_awk "$action" "$section" "$option" "$@" < /dev/null) || return
    else
        text=$("${as[@]}" cat "$file" | __sw_ini_awk "$action" "$section" "$option" "$@"; exit "${PIPESTATUS[0]}") || return
    fi
    # Written in place: owner, mode and links stay.
    printf '%s\n' "$text" | "${as[@]}" tee "$file" > /dev/null
}

__sw_ini_read() {
    local action=$1
    shift
    if [[ $1 == -sudo ]]; then
        sudo cat "$2" | __sw_ini_awk "$action" "$3" "$4"
    else
        __sw_ini_awk "$action" "$2" "$3" < "$1"
    fi
}

iniset() {
    local -
    set +o xtrace
    local at=4
    [[ $1 != -sudo ]] || at=5
    __sw_ini_change set "${@:1:at}"
}

# iniset_multiline FILE SECTION OPTION VALUE…: an option that stands there once for each value
iniset_multiline() {
    local -
    set +o xtrace
    __sw_ini_change multiline "$@"
}

# iniadd FILE SECTION OPTION VALUE…: adds values to those that are there
iniadd() {
    local -
    set +o xtrace
    local as=() old=()
    [[ $1 != -sudo ]] || { as=(-sudo); shift; }
    local file=$1 section=$2 option=$3
    shift 3
    [[ ! -e $file ]] || mapfile -t old < <(__sw_ini_read values "${as[@]}" "$file" "$section" "$option")
    __sw_ini_change multiline "${as[@]}" "$file" "$section" "$option" "${old[@]}" "$@"
}

# iniadd_literal FILE SECTION OPTION VALUE: one more line, before those that are there
iniadd_literal() {
    local -
    set +o xtrace
    __sw_ini_change prepend "$@"
}

inicomment() {
    local -
    set +o xtrace
    __sw_ini_change comment "$@"
}

iniuncomment() {
    local -
    set +o xtrace
    __sw_ini_change uncomment "$@"
}

inidelete() {
    local -
    set +o xtrace
    __sw_ini_change delete "$@"
}

# Prints the value; of an option that stands there several times the first.
iniget() {
    local -
    set +o xtrace
    __sw_ini_read get "$@"
}

# Prints all values in one line.
iniget_multiline() {
    local -
    set +o xtrace
    local values
    mapfile -t values < <(__sw_ini_read values "$@")
    echo "${values[*]}"
}

iniget_sections() {
    local -
    set +o xtrace
    __sw_ini_read sections "$1" '' ''
}

ini_has_option() {
    local -
    set +o xtrace
    __sw_ini_read has "$@"
}
