# keystone, through the openstack client. Who asks is in the environment (OS_…): see openrc.

__sw_credentials() {
    [[ -n $OS_AUTH_URL || -n $OS_CLOUD ]] || source "$TOP_DIR/openrc" admin admin
}

__sw_openstack() {
    __sw_credentials
    openstack "$@"
}

# Prints what a command finds; false where it finds nothing.
__sw_found() {
    local found
    found=$("$@" 2> /dev/null) || return 1
    [[ -n $found ]] || return 1
    echo "$found"
}

# get_or_create_domain NAME [DESCRIPTION]
get_or_create_domain() {
    __sw_found __sw_openstack domain show "$1" --format value --column id ||
        __sw_openstack domain create "$1" --description "${2:-}" --format value --column id
}

# get_or_create_group NAME DOMAIN [DESCRIPTION]
get_or_create_group() {
    __sw_openstack group create "$1" --domain "$2" --description "${3:-}" --or-show --format value --column id
}

# get_or_create_user NAME PASSWORD DOMAIN [EMAIL]: the password is set also where the user is there
get_or_create_user() {
    local id email=()
    [[ -z $4 ]] || email=(--email "$4")
    __sw_secret "$2"
    # The client takes a password from the terminal or an argument only; an argument is seen by all of the host.
    id=$(__sw_openstack user create "$1" --domain "$3" "${email[@]}" --or-show --format value --column id) || return
    __sw_user_password "$id" "$2" || return
    echo "$id"
}

# Through the API with the token of the client: no secret stands in an argument.
__sw_user_password() {
    local token keystone
    __sw_credentials
    token=$(__sw_openstack token issue --format value --column id) || return
    keystone=${OS_AUTH_URL:-$KEYSTONE_SERVICE_URI}
    keystone=${keystone%/}
    curl --fail --silent --show-error --output /dev/null --config - <<< "
        url = \"${keystone%/v3}/v3/users/$1\"
        request = \"PATCH\"
        header = \"X-Auth-Token: $token\"
        header = \"Content-Type: application/json\"
        data = \"$(__sw_quoted "{\"user\": {\"password\": \"$(__sw_quoted "$2")\"}}")\""
}

__sw_quoted() {
    local text=${1//\\/\\\\}
    printf '%s' "${text//\"/\\\"}"
}

# get_or_create_project NAME DOMAIN
get_or_create_project() {
    __sw_openstack project create "$1" --domain "$2" --or-show --format value --column id
}

# get_or_create_role NAME
get_or_create_role() {
    __sw_openstack role create "$1" --or-show --format value --column id
}

# get_or_add_user_project_role ROLE USER PROJECT [USER_DOMAIN PROJECT_DOMAIN]
get_or_add_user_project_role() {
    local domains=()
    [[ -z $4 ]] || domains=(--user-domain "$4" --project-domain "$5")
    __sw_role_added "$1" --user "$2" --project "$3" "${domains[@]}"
}

# get_or_add_user_domain_role ROLE USER DOMAIN
get_or_add_user_domain_role() { __sw_role_added "$1" --user "$2" --domain "$3"; }

# get_or_add_group_project_role ROLE GROUP PROJECT
get_or_add_group_project_role() { __sw_role_added "$1" --group "$2" --project "$3"; }

# Adding a role that is there is no failure of keystone's.
__sw_role_added() {
    __sw_openstack role add "$@" || return
    __sw_openstack role show "$1" --format value --column id
}

# get_or_create_service NAME TYPE [DESCRIPTION]
get_or_create_service() {
    __sw_found __sw_openstack service show "$1" --format value --column id ||
        __sw_openstack service create "$2" --name "$1" --description "${3:-}" --format value --column id
}

# get_or_create_endpoint SERVICE REGION PUBLIC [ADMIN [INTERNAL]]: prints the identifier of the public one
get_or_create_endpoint() {
    _get_or_create_endpoint_with_interface "$1" public "$3" "$2" || return
    [[ -z $4 ]] || _get_or_create_endpoint_with_interface "$1" admin "$4" "$2" > /dev/null || return
    [[ -z $5 ]] || _get_or_create_endpoint_with_interface "$1" internal "$5" "$2" > /dev/null
}

# _get_or_create_endpoint_with_interface SERVICE INTERFACE URL REGION: one that is there gets the URL
_get_or_create_endpoint_with_interface() {
    local id
    id=$(__sw_openstack endpoint list --service "$1" --interface "$2" --region "$4" --format value --column ID) || return
    if [[ -n $id ]]; then
        __sw_openstack endpoint set --url "$3" "$id" || return
        echo "$id"
    else
        __sw_openstack endpoint create "$1" "$2" "$3" --region "$4" --format value --column id
    fi
}

# create_service_user NAME [ROLE]: a user for a service, with SERVICE_PASSWORD, in the project of services
create_service_user() {
    [[ -n $SERVICE_PASSWORD ]] || die "${BASH_LINENO[0]}" "SERVICE_PASSWORD is not set"
    get_or_create_user "$1" "$SERVICE_PASSWORD" "$SERVICE_DOMAIN_NAME" > /dev/null
    get_or_add_user_project_role service "$1" "$SERVICE_PROJECT_NAME" "$SERVICE_DOMAIN_NAME" "$SERVICE_DOMAIN_NAME" > /dev/null
    [[ -z $2 ]] ||
        get_or_add_user_project_role "$2" "$1" "$SERVICE_PROJECT_NAME" "$SERVICE_DOMAIN_NAME" "$SERVICE_DOMAIN_NAME" > /dev/null
}

# configure_keystone_authtoken_middleware FILE USER [SECTION]
configure_keystone_authtoken_middleware() {
    local file=$1 user=$2 section=${3:-keystone_authtoken}
    iniset "$file" "$section" auth_type password
    iniset "$file" "$section" auth_url "$KEYSTONE_SERVICE_URI"
    iniset "$file" "$section" www_authenticate_uri "$KEYSTONE_SERVICE_URI"
    iniset "$file" "$section" username "$user"
    iniset "$file" "$section" password "$SERVICE_PASSWORD"
    iniset "$file" "$section" user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$file" "$section" project_name "$SERVICE_PROJECT_NAME"
    iniset "$file" "$section" project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$file" "$section" region_name "$REGION_NAME"
    ! is_service_enabled memcached || iniset "$file" "$section" memcached_servers "$SERVICE_HOST:11211"
}
# configure_auth_token_middleware FILE USER CACHE [SECTION]
configure_auth_token_middleware() { configure_keystone_authtoken_middleware "$1" "$2" "$4"; }

# iniset_rpc_backend PACKAGE FILE [SECTION]
iniset_rpc_backend() {
    iniset "$2" "${3:-DEFAULT}" transport_url "$(get_transport_url)"
}

get_transport_url() {
    [[ -n $RABBIT_HOST ]] || die "${BASH_LINENO[0]}" "no message broker is deployed: RABBIT_HOST is not set"
    echo "rabbit://${RABBIT_USERID:-guest}:${RABBIT_PASSWORD:-guest}@$RABBIT_HOST:5672/${1:-}"
}

# recreate_database NAME: dropped and made anew on the host's own server
recreate_database() {
    local name=$1
    [[ $name =~ ^[A-Za-z0-9_]+$ ]] || die "${BASH_LINENO[0]}" "$name is no name of a database"
    sudo mysql <<< "DROP DATABASE IF EXISTS $name; CREATE DATABASE $name CHARACTER SET utf8;"
}

# database_connection_url NAME
database_connection_url() {
    [[ -n $DATABASE_HOST ]] || die "${BASH_LINENO[0]}" "no database is deployed: DATABASE_HOST is not set"
    echo "mysql+pymysql://${DATABASE_USER:-root}:${DATABASE_PASSWORD}@$DATABASE_HOST/$1?charset=utf8"
}
