#!/bin/bash
# ovs.sh COMMAND DIR: an Open vSwitch with DPDK of one's own, in the network namespace it is started in
#
#   start     both daemons, with an empty database
#   stop      ends both; their logs stay
#   ovsdb     starts the database server again, after its death
#   vswitchd  starts the switch again, after its death
#
#   All its files are in DIR, the socket of the database is DIR/db.sock. Where DIR is /run/openvswitch,
#   everybody finds it without being told.
#
#   OVS_MEMORY=MB  hugepages that it takes (192, which is enough for 24 ports)
#
#   Status: 0 when it is done: the switch forwards, or nothing is left of either.
set -euo pipefail

vswitchd=/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk
schema=/usr/share/openvswitch/vswitch.ovsschema
memory=${OVS_MEMORY:-192}
# Generous: the machine may be busy.
patience=60

die() { printf 'ovs: %s\n' "$*" >&2; exit 1; }
misused() { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

vsctl() { ovs-vsctl --db="unix:$dir/db.sock" --timeout="$patience" "$@"; }

start() {
    local tool
    for tool in ovsdb-tool ovsdb-server ovs-vsctl "$vswitchd"; do
        command -v "$tool" >/dev/null || die "needs $tool: run integration/setup.sh"
    done
    # The machine's own one would have files of the same names.
    if running ovsdb-server || running ovs-vswitchd; then die "there is one in $dir already"; fi
    mkdir -p "$dir"
    trap stop EXIT
    rm -f "$dir"/{,.}conf.db*
    ovsdb-tool create "$dir/conf.db" "$schema"
    start_ovsdb
    configure
    start_vswitchd
    trap - EXIT
}

# The one pool of packets, for ports of any MTU up to 9000, is 160 MB. Without that setting there is one for
# each MTU, and the first takes so much of the memory that the second finds too little.
configure() {
    vsctl --no-wait init -- set Open_vSwitch . other_config:dpdk-init=true \
        other_config:dpdk-socket-mem="$memory" other_config:dpdk-socket-limit="$memory" \
        other_config:shared-mempool-config=9000 other_config:dpdk-extra=--no-pci \
        other_config:dpdk-lcore-mask=0x1 other_config:pmd-cpu-mask=0x2
}

start_ovsdb() {
    daemon ovsdb-server "$dir/conf.db" --remote="punix:$dir/db.sock"
}

start_vswitchd() {
    daemon "$vswitchd" "unix:$dir/db.sock"
    vsctl wait-until Open_vSwitch . dpdk_initialized=true || failed ovs-vswitchd
}

# daemon PROGRAM ARGS...: starts it, in the background from when it does its work
daemon() {
    local program=$1 name
    shift
    # Whether or not it is the build with DPDK.
    name=$(basename "$program" -dpdk)
    OVS_RUNDIR=$dir timeout "$patience" "$program" "$@" -vconsole:off --log-file="$dir/$name.log" \
        --pidfile="$dir/$name.pid" --unixctl="$dir/$name.ctl" --detach </dev/null || failed "$name"
}

failed() {
    printf 'ovs: %s did not start; the end of its log:\n' "$1" >&2
    tail -n 15 "$dir/$1.log" >&2 || true
    exit 1
}

# running NAME: whether a daemon runs, or a thread of it that is not gone yet; sets `pid`. One that was
# killed leaves its pid file behind, and its pid to others.
running() {
    pid=$(cat "$dir/$1.pid" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$1"* ]] &&
        grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$pid/task"/*/status
}

stop() {
    end ovs-vswitchd
    end ovsdb-server
}

# end NAME: asks it to end, and makes it when it does not
end() {
    local pid signal waited
    for signal in TERM KILL; do
        for ((waited = 0; waited < 100; waited++)); do
            running "$1" || return 0
            [ "$waited" != 0 ] || kill -s "$signal" "$pid" 2>/dev/null || true
            sleep 0.05
        done
    done
    die "$1 (process $pid) does not end"
}

main() {
    [[ $# = 2 && $2 == /* ]] || misused
    dir=$2
    case $1 in
        start)    start ;;
        stop)     stop ;;
        ovsdb)    start_ovsdb ;;
        vswitchd) start_vswitchd ;;
        *)        misused ;;
    esac
}

main "$@"
