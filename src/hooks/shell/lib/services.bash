# ENABLED_SERVICES and what follows from it.

# The list without blanks and without what it excludes itself: a,b,-a is b.
__sw_clean_services() {
    local IFS=', '$'\t\n' list entry clean=','
    read -r -d '' -a list <<< "$1" || true
    for entry in "${list[@]}"; do
        [[ -z $entry || $entry == -* || ",${list[*]}," == *",-$entry,"* || $clean == *",$entry,"* ]] || clean+="$entry,"
    done
    clean=${clean#,}
    printf '%s' "${clean%,}"
}

disable_negated_services() {
    ENABLED_SERVICES=$(__sw_clean_services "$ENABLED_SERVICES")
}

# is_service_enabled NAME…: true where one of them is
is_service_enabled() {
    local -
    set +o xtrace
    local service list
    list=",$(__sw_clean_services "$ENABLED_SERVICES"),"
    for service in $*; do
        [[ $list != *",$service,"* ]] || return 0
        if declare -F "is_${service}_enabled" > /dev/null && "is_${service}_enabled"; then return 0; fi
        case $service in
            nova) [[ $list != *,n-* ]] || return 0 ;;
            glance) [[ $list != *,g-* ]] || return 0 ;;
            cinder) [[ $list != *,c-* ]] || return 0 ;;
            neutron) [[ $list != *,@(q|neutron)-* ]] || return 0 ;;
            heat) [[ $list != *,h-* ]] || return 0 ;;
            ironic) [[ $list != *,ir-* ]] || return 0 ;;
            trove) [[ $list != *,tr-* ]] || return 0 ;;
            swift) [[ $list != *,s-* ]] || return 0 ;;
            ceilometer) [[ $list != *,ceilometer-* ]] || return 0 ;;
            key) [[ $list != *,keystone,* ]] || return 0 ;;
            keystone) [[ $list != *,key,* ]] || return 0 ;;
            n-cell-*) [[ $list != *,n-cell* ]] || return 0 ;;
            n-cpu-*) [[ $list != *,n-cpu* ]] || return 0 ;;
            s-*) [[ $list != *,swift,* ]] || return 0 ;;
        esac
    done
    return 1
}

# What the settings disable stays disabled: the user's word counts more than a plugin's.
enable_service() {
    local service
    for service in ${*//,/ }; do
        if [[ $service == -* ]]; then
            disable_service "${service#-}"
        elif [[ ",$DISABLED_SERVICES," == *",$service,"* ]]; then
            warn "${BASH_LINENO[0]}" "$service is not enabled, as the settings disable it"
        else
            ENABLED_SERVICES+=",$service"
        fi
    done
    disable_negated_services
}

disable_service() {
    local service
    for service in ${*//,/ }; do
        ENABLED_SERVICES+=",-$service"
        [[ $__sw_loading != settings ]] || DISABLED_SERVICES+="${DISABLED_SERVICES:+,}$service"
    done
    disable_negated_services
}

disable_all_services() {
    ENABLED_SERVICES=''
}

# remove_disabled_services LIST LIST: the first without the second
remove_disabled_services() {
    local service removed=''
    for service in ${2//,/ }; do removed+=",-$service"; done
    __sw_clean_services "$1$removed"
}

# use_exclusive_service LIST NAME: NAME, and no other of the list that the variable LIST holds
use_exclusive_service() {
    local name=$2 entry
    [[ ",${!1}," == *",$name,"* || " ${!1} " == *" $name "* ]] || return 1
    for entry in ${!1//,/ }; do [[ $entry == "$name" ]] || disable_service "$entry"; done
    enable_service "$name"
    [[ -z $3 ]] || printf -v "$3" '%s' "$name"
}

__sw_enabled_with() {
    [[ ",$(__sw_clean_services "$ENABLED_SERVICES")," == *,@($1)* ]]
}

is_nova_enabled() { __sw_enabled_with 'n-|nova,'; }
is_glance_enabled() { __sw_enabled_with 'g-|glance,'; }
is_cinder_enabled() { __sw_enabled_with 'c-|cinder,'; }
is_neutron_enabled() { __sw_enabled_with 'q-|neutron'; }
is_swift_enabled() { __sw_enabled_with 's-|swift,'; }
is_heat_enabled() { __sw_enabled_with 'h-|heat,'; }
is_keystone_enabled() { __sw_enabled_with 'key,|keystone,'; }
