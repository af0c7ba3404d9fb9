# Functions of DevStack that have no meaning here. A script that calls one is told so by name.

__sw_refuse() {
    local reason=$1 name
    shift
    for name in "$@"; do
        eval "$name() { __sw_unsupported $name '$reason'; }"
    done
}

__sw_refuse 'services are deployed from the answer file, by Debian packages' \
    install_keystone configure_keystone init_keystone start_keystone stop_keystone cleanup_keystone bootstrap_keystone \
    install_nova configure_nova init_nova start_nova stop_nova cleanup_nova create_nova_accounts \
    install_glance configure_glance init_glance start_glance stop_glance cleanup_glance \
    install_neutron configure_neutron init_neutron start_neutron stop_neutron cleanup_neutron \
    install_cinder configure_cinder init_cinder start_cinder stop_cinder cleanup_cinder \
    install_database configure_database initialize_database_backends install_rpc_backend restart_rpc_backend \
    cleanup_rpc_backend install_infra fixup_all configure_tls_proxy start_tls_proxy
__sw_refuse 'it is for Red Hat or SUSE systems' yum_install zypper_install install_rpm is_rhel_registered
__sw_refuse 'there is no screen: look with journalctl -u devstack@NAME' \
    screen_rc screen_process screen_stop_all
__sw_refuse 'OpenStack is installed from Debian packages, not from PyPI: set the configuration by iniset' \
    write_uwsgi_config write_local_uwsgi_http_config write_local_proxy_http_config remove_uwsgi_config \
    write_user_unit_file write_uwsgi_user_unit_file
__sw_refuse 'use openstack image create' upload_image
__sw_refuse 'rootwrap comes with the Debian packages' configure_rootwrap get_rootwrap_location
__sw_refuse 'a policy is a file of the service: write /etc/SERVICE/policy.yaml' install_default_policy policy_add policy_replace
__sw_refuse 'the network is the deployment’s: set it in the answer file' create_private_network create_public_network \
    ensure_default_security_group ping_check enable_kernel_bridge_firewall is_provider_network
__sw_refuse 'a loop device for a service is configured in the answer file' create_disk destroy_disk
