#!/bin/bash
# vhostuser.sh: the demonstration of vhostuser (see ../host.sh), what section 4.2 of the thesis shows: a pod
# that forwards between two ports of OVS-DPDK, and goes on when the switch restarts.
set -euo pipefail
# shellcheck source=../lib.sh
. "${0%/*}/../lib.sh"

ovs=integration/ovs/ovs.sh
run=/run/openvswitch
sockets=/run/fastpath/vhostuser
# The pod's own files, writable for its user.
pod=$conf/pod
user=1000 stranger=1001

# shellcheck disable=SC2317,SC2329 # at_exit calls it
last_words() {
    echo "the switch's last words:"
    tail -n 15 "$run/ovs-vswitchd.log" 2>/dev/null
}

draw() {
    cat <<-END

	    a ----- VLAN 100 ----- pod, net1          br0, a bridge of OVS-DPDK, carries both
	                            |  testpmd        VLANs. Only the pod connects them: what
	    b ----- VLAN 200 ----- pod, net2          a sends to b goes through its program.
	END
}

# --- the switch

start_switch() {
    shown "$ovs" start "$run"
    shown ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev
    shown ovs-vsctl get Open_vSwitch . dpdk_initialized dpdk_version
}

# add_outer NAME VLAN ADDRESS: a host outside of the pod: a namespace whose only interface is plugged into br0
add_outer() {
    new_netns "$1"
    silence "$1"
    ip link add "to-$1" type veth peer name eth0 netns "$1"
    sysctl -qw "net.ipv6.conf.to-$1.disable_ipv6=1"
    # The kernel leaves checksums to the card, and a switch in userspace does not know of it.
    ip netns exec "$1" ethtool -K eth0 tx off >/dev/null
    ip link set "to-$1" up
    ip -n "$1" link set eth0 up
    ip -n "$1" addr add "$3/24" dev eth0
    shown ovs-vsctl add-port br0 "to-$1" "tag=$2"
}

# rows: all that an attachment may change of the database
rows() {
    local table
    for table in Bridge Port Interface QoS Queue; do
        ovs-vsctl --format=csv --columns=_uuid,external_ids list "$table" | sort
    done
    ovs-vsctl list-ports br0
}

# links_up: both ports of the pod, as the switch itself says: its database may not know after a restart
links_up() {
    [ "$(ovs-ofctl dump-ports-desc br0 | awk '
        / addr:/ { ours = /\(vh/ }
        /state:/ && ours && !/LINK_DOWN/' | wc -l)" = 2 ]
}

# nobody PATTERN: no such process is here
nobody() { ! pgrep "$1" >/dev/null; }

wait_connected() {
    until_true 30 "the switch connects to the pod's sockets" links_up
    say "the switch has connected to both of the pod's sockets"
}

restart_switch() {
    shown "$ovs" stop "$run"
    until_true 20 "switch and database server end" nobody ovs
    say "neither switch nor database server runs now; the pod's program does:"
    shown ps -o pid,uid,etime,comm -p "$testpmd"
    say
    shown "$ovs" ovsdb "$run"
    shown "$ovs" vswitchd "$run"
    wait_connected
    ! ended "$testpmd" || die "testpmd has ended"
    say
    shown ps -o pid,uid,etime,comm -p "$testpmd"
}

# --- the pod's ports

# show_rows: what the switch was told
show_rows() {
    local found
    shown ovs-vsctl show
    say
    shown ovs-vsctl --columns=name,tag,external_ids find Port external_ids:fastpath-container=demo-pod
    found=$(ovs-vsctl --bare --columns=tag find Port external_ids:fastpath-container=demo-pod | grep . | sort | xargs)
    [ "$found" = "100 200" ] || die "the VLANs of the pod's ports are not 100 and 200, but: $found"
}

# read_eal_args: sets `eal` to the words that attach has printed for testpmd
read_eal_args() {
    read -ra eal < <(sed -n 's/^net[12] *eal-args *//p' "$conf/attached" | xargs)
    [ ${#eal[@]} = 2 ] || die "attach has printed words for ${#eal[@]} ports, not 2"
}

# socket_of IFNAME: as its words say
socket_of() { printf '%s\n' "${eal[@]}" | sed -n "s/.*virtio_user_$1,path=\([^,]*\),.*/\1/p"; }

# show_directory: what the pod was given
show_directory() {
    local dir
    dir=$(dirname "$(socket_of net1)")
    shown ls -ln "$sockets"
    say
    shown ls -ln "$dir"
    say
    say "\$ cat $dir/attachment.json"
    jq . "$dir/attachment.json"
    [ "$(stat -c '%a %u %g' "$dir")" = "770 $user $user" ] || die "$dir has other permissions"
}

# as UID COMMAND...
as() {
    local uid=$1
    shift
    shown setpriv "--reuid=$uid" "--regid=$uid" --clear-groups "$@"
}

# show_closed: the socket is for the pod's user only. Somebody else is refused by the kernel, not by testpmd.
show_closed() {
    local socket said
    socket=$(socket_of net1)
    say "the pod's user gets at its socket; somebody else may not even connect to it:"
    as "$user" ls -ln "$socket" || die "uid $user does not get at its socket"
    said=$(as "$stranger" logger --socket-errors=on --socket "$socket" hello 2>&1) && die "uid $stranger has connected to $socket"
    say "$said"
    [[ $said = *"Permission denied" ]] || die "uid $stranger was not refused by permissions"
}

# --- what runs in the pod

# run_testpmd: with the words that attach has printed. Both of its threads on processor 0: the switch polls on 1.
run_testpmd() {
    local -a own forward
    own=("--lcores=0@0,1@0" --no-pci --in-memory --single-file-segments --no-telemetry -m 64)
    forward=(--interactive --auto-start --no-mlockall --total-num-mbufs=4096 --forward-mode=io)
    mkdir "$pod"
    cp "$share/dpdk-testpmd" "$pod/"
    chown "$user:$user" "$pod"
    say "\$ dpdk-testpmd ${own[*]} \\"
    printf '      %s \\\n' "${eal[@]}"
    say "      -- ${forward[*]}"
    # Lines as they come, for those who wait for one.
    start_testpmd env "PATH=$pod:$PATH" "RUNTIME_DIRECTORY=$pod" "${unprivileged[@]}" \
        stdbuf -oL dpdk-testpmd "${own[@]}" "${eal[@]}" -- "${forward[@]}"
    wait_connected
}

# answers: how often testpmd has printed its counters
answers() { grep -c '^ *+* *Accumulated' "$log" || true; }
answered() { [ "$(answers)" -gt "$1" ]; }

# read_counters: testpmd prints them
read_counters() {
    local before
    before=$(answers)
    echo 'show fwd stats all' >&5
    until_true 10 "testpmd tells its counters" answered "$before"
}

lead_both() {
    lead a eth0 10.9.0.2 "$(mac_in b eth0)"
    lead b eth0 10.9.0.1 "$(mac_in a eth0)"
}

# forward: packets from a go in at the pod's net1 and out at its net2, to b; the answers the other way
forward() {
    flood a 10.9.0.2
    read_counters
    count_packets a a b b
}

# --- the end

# show_nothing_left: of the pod
show_nothing_left() {
    local left
    say
    shown ovs-vsctl list-ports br0
    rows > "$conf/after"
    diff "$conf/before" "$conf/after" || die "the database is not as it was before the pod"
    left=$(find "$sockets" -mindepth 1 2>/dev/null) || true
    [ -z "$left" ] || die "sockets or directories are left: $left"
    say
    say "the database is as before the pod: ports, limits, bridges"
    say "no socket, no directory in $sockets"
    no_records
    no_plugs
}

# show_nothing_runs: nobody polls any more
show_nothing_runs() {
    say
    shown "$ovs" stop "$run"
    until_true 20 "all programs end" nobody 'testpmd|ovs'
    shown ps -eo pid,comm
    say "nothing polls any more"
}

main() {
    begin "vhostuser: a pod on OVS-DPDK"
    draw

    step "1. An OVS-DPDK with a bridge, and a host in each of two VLANs"
    start_switch
    add_outer a 100 10.9.0.1
    add_outer b 200 10.9.0.2
    lead_both
    rows > "$conf/before"

    step "2. A pod gets its default network and two vhost-user ports from one file"
    attach pod conf-examples/vhostuser/thesis.conf
    read_eal_args
    say "net1 and net2 are not among them: they are sockets, and nobody listens on them yet"
    say
    ping_some pod "$(default_route pod)"

    step "3. What the switch was told"
    show_rows

    step "4. What the pod was given"
    show_directory

    step "5. dpdk-testpmd in the pod, unprivileged, started with the words that attach has printed"
    run_testpmd
    say
    show_closed

    step "6. It forwards: a pings b, and every packet and every answer goes through the pod"
    forward

    step "7. The switch restarts, database and all; nobody touches the pod"
    restart_switch
    say
    forward
    say "$pings of them before the restart, $pings after it"

    step "8. Detach: everything as it was"
    stop_testpmd
    shown fastpath detach --netns pod --id demo-pod
    show_nothing_left
    show_nothing_runs
    step "done: $sent packets sent, $sent returned; of the pod nothing is left"
}

main
