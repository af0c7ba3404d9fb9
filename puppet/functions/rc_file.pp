# What a shell needs to know to log in to keystone, for `. FILE`.
function stackwright::rc_file(String $user, String $password, String $project, String $auth_url, String $region) >> String {
  @("RC")
    unset OS_SERVICE_TOKEN
    export OS_USERNAME='${user}'
    export OS_PASSWORD='${password}'
    export OS_AUTH_URL=${auth_url}
    export OS_REGION_NAME='${region}'
    export OS_PROJECT_NAME=${project}
    export OS_USER_DOMAIN_NAME=Default
    export OS_PROJECT_DOMAIN_NAME=Default
    export OS_IDENTITY_API_VERSION=3
    | RC
}
