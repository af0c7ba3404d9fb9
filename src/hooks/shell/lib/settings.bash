# Plugins, and what settings say of them; values that a script may rely on.

# enable_plugin NAME URL-OR-DIRECTORY [REF]
enable_plugin() {
    local name=$1 place=$2 ref=$3
    [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die "${BASH_LINENO[0]}" "enable_plugin: $name is no name of a plugin"
    [[ -n $place ]] || die "${BASH_LINENO[0]}" "enable_plugin $name says not where the plugin is"
    ! is_plugin_enabled "$name" || die "${BASH_LINENO[0]}" "the plugin $name is enabled twice"
    __sw_plugins+=("$name")
    if [[ -d $TOP_DIR/plugins/$name ]]; then
        # A directory of the machine that deploys: it came with the hooks.
        GITDIR[$name]=$TOP_DIR/plugins/$name
    elif [[ $place == ?(.|..)/* && -d $place && ! -e $place/.git && ! -e $place/HEAD ]]; then
        GITDIR[$name]=$(realpath "$place")
    else
        GITREPO[$name]=$place
        GITBRANCH[$name]=$ref
        GITDIR[$name]=$DEST/$name
        git_clone "$place" "$DEST/$name" "$ref"
    fi
    [[ -d ${GITDIR[$name]}/devstack ]] || die "${BASH_LINENO[0]}" "the plugin $name has no directory devstack in ${GITDIR[$name]}"
}

is_plugin_enabled() { [[ " ${__sw_plugins[*]} " == *" $1 "* ]]; }

define_plugin() { :; }

# plugin_requires NAME OTHER
plugin_requires() {
    is_plugin_enabled "$2" ||
        die "${BASH_LINENO[0]}" "the plugin $1 requires the plugin $2: enable_plugin $2 before it in local.conf"
}

fetch_plugins() { :; }

# After the settings: what they left open.
__sw_defaults() {
    local name
    DATA_DIR=${DATA_DIR:-$DEST/data}
    SERVICE_HOST=${SERVICE_HOST:-$HOST_IP}
    FILES=${FILES:-$TOP_DIR/files}
    LOGDIR=${LOGDIR:-$DEST/logs}
    REGION_NAME=${REGION_NAME:-RegionOne}
    SERVICE_PROTOCOL=${SERVICE_PROTOCOL:-http}
    SERVICE_DOMAIN_NAME=${SERVICE_DOMAIN_NAME:-Default}
    SERVICE_PROJECT_NAME=${SERVICE_PROJECT_NAME:-services}
    SERVICE_TENANT_NAME=$SERVICE_PROJECT_NAME
    KEYSTONE_SERVICE_HOST=${KEYSTONE_SERVICE_HOST:-$SERVICE_HOST}
    KEYSTONE_SERVICE_URI=${KEYSTONE_SERVICE_URI:-$SERVICE_PROTOCOL://$KEYSTONE_SERVICE_HOST:5000/v3}
    KEYSTONE_AUTH_URI=${KEYSTONE_AUTH_URI:-$KEYSTONE_SERVICE_URI}
    KEYSTONE_CONF_DIR=${KEYSTONE_CONF_DIR:-/etc/keystone}
    KEYSTONE_CONF=${KEYSTONE_CONF:-$KEYSTONE_CONF_DIR/keystone.conf}
    NOVA_CONF_DIR=${NOVA_CONF_DIR:-/etc/nova}
    NOVA_CONF=${NOVA_CONF:-$NOVA_CONF_DIR/nova.conf}
    GLANCE_CONF_DIR=${GLANCE_CONF_DIR:-/etc/glance}
    GLANCE_API_CONF=${GLANCE_API_CONF:-$GLANCE_CONF_DIR/glance-api.conf}
    NEUTRON_CONF_DIR=${NEUTRON_CONF_DIR:-/etc/neutron}
    NEUTRON_CONF=${NEUTRON_CONF:-$NEUTRON_CONF_DIR/neutron.conf}
    CINDER_CONF_DIR=${CINDER_CONF_DIR:-/etc/cinder}
    CINDER_CONF=${CINDER_CONF:-$CINDER_CONF_DIR/cinder.conf}
    HEAT_CONF_DIR=${HEAT_CONF_DIR:-/etc/heat}
    HEAT_CONF=${HEAT_CONF:-$HEAT_CONF_DIR/heat.conf}
    PLACEMENT_CONF_DIR=${PLACEMENT_CONF_DIR:-/etc/placement}
    PLACEMENT_CONF=${PLACEMENT_CONF:-$PLACEMENT_CONF_DIR/placement.conf}
    disable_negated_services
    # Scripts expect them to be there; whether we may make them is for the first that writes to say.
    mkdir -p "$DEST" "$DATA_DIR" 2> /dev/null || true
    for name in $(compgen -A variable); do
        [[ $name != @(*PASSWORD|*PASSWORD_*|*_PW|*_SECRET|*_TOKEN|*PASSPHRASE*) || -z ${!name} ]] || __sw_secret "${!name}"
    done
}

# What a section [[PHASE|FILE]] of local.conf sets: lines FILE, SECTION, OPTION, VALUE…, separated by 0x1f.
__sw_merge() {
    local line fields file at
    while IFS= read -r line; do
        IFS=$'\x1f' read -r -a fields <<< "$line"
        at=0
        file=$(__sw_expanded "${fields[0]}")
        # DevStack wants a slash before a variable that holds a whole path.
        [[ $file != //* ]] || file=${file#/}
        [[ $file == /* ]] || die "${fields[1]}" "local.conf names no file by ${fields[0]}${file:+, which is $file}"
        [[ -d ${file%/*} ]] || sudo mkdir -p "${file%/*}"
        [[ -e $file ]] || sudo touch "$file"
        for ((at = 4; at < ${#fields[@]}; at++)); do fields[at]=$(__sw_expanded "${fields[at]//$'\x1e'/$'\n'}"); done
        if ((${#fields[@]} <= 5)); then
            iniset "$file" "${fields[2]}" "${fields[3]}" "${fields[4]}"
        else
            iniset_multiline "$file" "${fields[2]}" "${fields[3]}" "${fields[@]:4}"
        fi
    done < "$1"
}

# $NAME and ${NAME} become their values, \$ is a dollar; nothing is executed.
__sw_expanded() {
    local rest=$1 text='' name
    while [[ $rest =~ ^([^\$\\]*)(\\\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)|.)(.*)$ ]]; do
        text+=${BASH_REMATCH[1]}
        name=${BASH_REMATCH[3]}${BASH_REMATCH[4]}
        if [[ -n $name ]]; then
            text+=${!name}
        elif [[ ${BASH_REMATCH[2]} == '\$' ]]; then
            text+='$'
        else
            text+=${BASH_REMATCH[2]}
        fi
        rest=${BASH_REMATCH[5]}
    done
    printf '%s' "$text$rest"
}
