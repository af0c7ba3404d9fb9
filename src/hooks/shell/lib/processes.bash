# Services of a script's own, as systemd units.

__sw_systemd() {
    [[ -d /run/systemd/system ]] || die "${BASH_LINENO[1]}" "${FUNCNAME[1]} needs systemd, which does not run here"
}

# run_process NAME COMMAND [GROUP [USER [ENVIRONMENT]]]: the unit devstack@NAME, enabled and started
run_process() {
    local name=$1 command=$2 group=$3 user=$4 environment=$5 unit="devstack@$1.service" setting program
    is_service_enabled "$name" || return 0
    __sw_systemd
    program=${command%% *}
    # systemd wants a path, and looks nowhere that we have added.
    [[ $program == /* ]] || command="$(type -P "$program" || die "${BASH_LINENO[0]}" "there is no program $program")${command#"$program"}" || return
    {
        printf '[Unit]\nDescription=Devstack %s\nAfter=network-online.target\nWants=network-online.target\n\n' "$unit"
        printf '[Service]\nExecStart=%s\nUser=%s\n' "$command" "${user:-$STACK_USER}"
        [[ -z $group ]] || printf 'Group=%s\n' "$group"
        for setting in $environment; do printf 'Environment="%s"\n' "$setting"; done
        printf 'ExecReload=/bin/kill -HUP $MAINPID\nTimeoutStopSec=300\nKillMode=process\nSyslogIdentifier=%s\n\n' "$unit"
        printf '[Install]\nWantedBy=multi-user.target\n'
    } | sudo tee "/etc/systemd/system/$unit" > /dev/null
    sudo systemctl daemon-reload
    sudo systemctl enable --quiet "$unit"
    sudo systemctl restart "$unit"
    sudo systemctl is-active --quiet "$unit" || {
        sudo journalctl --no-pager --lines 20 --unit "$unit" >&2
        die "${BASH_LINENO[0]}" "the service $name ended at once"
    }
}
screen_it() { run_process "$1" "$2"; }

stop_process() {
    __sw_systemd
    local unit="devstack@$1.service"
    [[ -e /etc/systemd/system/$unit ]] || return 0
    sudo systemctl disable --quiet --now "$unit"
    sudo rm -f "/etc/systemd/system/$unit"
    sudo systemctl daemon-reload
    # A program that ends by the signal has failed in systemd's eyes, and would be listed for ever.
    sudo systemctl reset-failed "$unit" 2> /dev/null || true
}
stop_process_group() { stop_process "$@"; }
screen_stop() { stop_process "$1"; }
screen_stop_service() { stop_process "$1"; }

is_running() { systemctl is-active --quiet "devstack@$1.service"; }

# No service that was started by run_process may have ended.
service_check() {
    __sw_systemd
    local failed
    failed=$(systemctl list-units --plain --no-legend --state=failed 'devstack@*' | awk '{ print $1 }')
    [[ -z $failed ]] || die "${BASH_LINENO[0]}" "these services have failed: ${failed//$'\n'/ }"
}

start_service() { __sw_systemd; sudo systemctl start "$@"; }
stop_service() { __sw_systemd; sudo systemctl stop "$@"; }
restart_service() { __sw_systemd; sudo systemctl restart "$@"; }
restart_apache_server() { restart_service apache2; }
start_apache_server() { start_service apache2; }
stop_apache_server() { stop_service apache2; }
enable_apache_site() { sudo a2ensite "$1"; }
disable_apache_site() { sudo a2dissite "$1" || true; }
apache_site_config_for() { echo "/etc/apache2/sites-available/$1.conf"; }
get_apache_user() { echo www-data; }
install_apache_wsgi() { install_package apache2 libapache2-mod-wsgi-py3; }
