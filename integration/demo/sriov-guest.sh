#!/bin/bash
# sriov-guest.sh: the demonstration itself, inside one boot of the test VM (see sriov.sh).
# The VM is thrown away afterwards: only what fastpath must put back is put back here.
#
#   pod, on two VFs of eth0     |  cable  |  a and b, each on a VF of eth1
#   testpmd: port 0 <-> port 1  | ======= |  a pings b; every packet goes through testpmd
set -euo pipefail

share=/fastpath
conf=/run/demo
pings=1000
red_mac=02:00:00:00:0e:01
blue_mac=02:00:00:00:0e:02
log=$conf/testpmd.log
# What a VF's row of the tables holds; the first two say which VF it is.
columns=(vf pci driver override netdev mac mtu is pf-mac vlan qos spoof trust min max link-state)
widths=(6 12 8 8 6 17 4 4 17 4 3 5 5 3 3 10)

step() { printf '\n==== [%3d s] %s\n\n' "$SECONDS" "$*"; }
say() { printf '%s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*"; exit 1; }

# shown COMMAND...: prints a command as one would type it, and runs it
shown() { printf '$ %s\n' "$*"; "$@"; }

# until_true SECS WHAT COMMAND...: polls COMMAND; fails with WHAT when SECS are over
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || die "not in time: $what"
        sleep 0.1
    done
}

# --- the VFs and their table

# make_vfs PF NUMBER: VFs without a driver at first, so that they get their MACs before they have one
make_vfs() {
    local device=/sys/class/net/$1/device
    say "$2 VFs on $1, of at most $(cat "$device/sriov_totalvfs")"
    echo 0 > "$device/sriov_drivers_autoprobe"
    echo "$2" > "$device/sriov_numvfs"
    echo 1 > "$device/sriov_drivers_autoprobe"
}

# probe_vfs PF: the kernel's driver takes them
probe_vfs() {
    local vf
    for vf in "/sys/class/net/$1/device/virtfn"*; do
        basename "$(readlink -f "$vf")" > /sys/bus/pci/drivers_probe
    done
}

# An administrator's settings, so that there is something to lose.
set_up_vfs() {
    make_vfs eth0 4
    make_vfs eth1 3
    shown ip link set eth0 vf 1 mac 02:00:00:00:00:11 trust on
    shown ip link set eth0 vf 2 mac 02:00:00:00:00:12 vlan 7 qos 3 spoofchk off max_tx_rate 500
    shown ip link set eth1 vf 2 vlan 9 trust on
    probe_vfs eth0
    probe_vfs eth1
    shown ip link set "$(ls /sys/class/net/eth0/device/virtfn0/net)" mtu 1400
    shown ip link set "$(ls /sys/class/net/eth0/device/virtfn2/net)" mtu 1300
}

# vf_rows PF...: one line for every VF, fields in the order of `columns`
vf_rows() {
    local pf index pf_side device netdev
    for pf; do
        while IFS=$'\t' read -r index pf_side; do
            device=$(readlink -f "/sys/class/net/$pf/device/virtfn$index")
            netdev=$(ls "$device/net" 2>/dev/null) || netdev=''
            printf '%s\t' "$pf/$index" "${device##*/}" "$(driver_of "$device")" \
                "$(sed 's/(null)/-/' "$device/driver_override")"
            netdev_fields "$netdev"
            printf '%s\n' "$pf_side"
        done < <(pf_side_rows "$pf")
    done
}

driver_of() {
    if [ -e "$1/driver" ]; then basename "$(readlink "$1/driver")"; else echo -; fi
}

# netdev_fields NETDEV: name, MAC, MTU, up or down; dashes for a VF without one, or with one in a pod
netdev_fields() {
    local dir=/sys/class/net/$1 state=down
    if [ -z "$1" ] || [ ! -e "$dir" ]; then
        printf -- '-\t-\t-\t-\t'
        return
    fi
    if (($(cat "$dir/flags") & 1)); then state=up; fi
    printf '%s\t' "$1" "$(cat "$dir/address")" "$(cat "$dir/mtu")" "$state"
}

# pf_side_rows PF: number of each VF, then what its PF holds for it
pf_side_rows() {
    ip -j -d link show "$1" | jq -r '
        def onoff: if . then "on" else "off" end;
        .[0].vfinfo_list[] | [.vf, .address,
            (.vlan_list[0] | .vlan // 0, .qos // 0),
            (.spoofchk, .trust | onoff), .rate.min_tx, .rate.max_tx, .link_state] | @tsv'
}

# print_row WORD...: the fields of a row below each other's
print_row() {
    local i=0 field
    for field; do
        printf '%-*s ' "${widths[i]}" "$field"
        i=$((i + 1))
    done
}

print_table() {
    local -a row
    print_row "${columns[@]}"
    echo
    while IFS=$'\t' read -ra row; do
        print_row "${row[@]}"
        echo
    done < "$1"
}

# compare BEFORE AFTER: the table after, each row marked; fails when one differs
compare() {
    local -a was is
    local i same failed=''
    [ "$(wc -l < "$1")" = "$(wc -l < "$2")" ] || die "not as many VFs as before"
    print_row "${columns[@]}"
    echo "before = after"
    while IFS=$'\t' read -ra was <&3 && IFS=$'\t' read -ra is <&4; do
        same='='
        for i in "${!columns[@]}"; do
            [ "${was[i]}" = "${is[i]}" ] || { same="DIFFERS: ${columns[i]} was ${was[i]}"; failed=1; }
        done
        print_row "${is[@]}"
        echo "$same"
    done 3< "$1" 4< "$2"
    [ -z "$failed" ]
}

# --- pods

# write_confs: of the project's examples, with what tells the pods apart. One network name for red and
# blue, so that host-local gives them different addresses.
write_confs() {
    local examples=conf-examples/sriov
    echo '{"cniVersion": "1.0.0", "name": "peer", "type": "sriov", "if0": "eth1"}' > "$conf/peer.conf"
    jq --arg mac "$red_mac" '.mac = $mac' "$examples/kernel-if0.conf" > "$conf/red.conf"
    jq --arg mac "$blue_mac" '.mac = $mac | .if0 = "eth1"' "$examples/kernel-if0.conf" > "$conf/blue.conf"
    vlan=$(jq .vlan "$conf/red.conf")
}

install_fastpath() {
    mkdir -p /opt/cni/bin /usr/local/bin "$conf"
    ln -s "$share/bin/sriov" /usr/lib/cni/host-local /opt/cni/bin/
    ln -s "$share/bin/fastpath" /usr/local/bin/
    ln -s "$share/conf-examples" /root/conf-examples
    cd /root
}

new_netns() {
    shown ip netns add "$1"
    ip -n "$1" link set lo up
}

attach_dpdk_pod() {
    new_netns pod
    shown fastpath attach --netns pod --id demo-dpdk \
        net1=conf-examples/sriov/dpdk.conf net2=conf-examples/sriov/dpdk.conf
    say
    vf_rows eth0 > "$conf/during"
    print_table "$conf/during"
    mapfile -t vfs < <(awk '$3 == "vfio-pci" { print $2 }' "$conf/during")
    [ ${#vfs[@]} = 2 ] || die "${#vfs[@]} VFs on vfio-pci, not 2"
}

# attach_peer NAME ADDRESS
attach_peer() {
    new_netns "$1"
    # It sends nothing by itself, so that the counters count our packets alone.
    ip netns exec "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    shown fastpath attach --netns "$1" --id "demo-$1" "net1=$conf/peer.conf"
    ip -n "$1" addr add "$2/24" dev net1
}

# --- testpmd

# in_pod GROUP GROUP COMMAND...: becomes COMMAND. Runs as root still, in the pod's network namespace and
# in a mount namespace of its own.
# It gets a /dev/vfio with nothing but the pod's two groups: what kubelet gives a container. The nodes are new
# ones; the host's stay root's.
in_pod() {
    local group
    local -a numbers
    mount -t tmpfs -o mode=755,size=64k vfio /dev/vfio
    IFS=: read -ra numbers < /sys/class/misc/vfio/dev
    mknod -m 666 /dev/vfio/vfio c "${numbers[@]}"
    for group in "$1" "$2"; do
        IFS=: read -ra numbers < "/sys/class/vfio/$group/dev"
        mknod -m 600 "/dev/vfio/$group" c "${numbers[@]}"
        chown 1000:1000 "/dev/vfio/$group"
    done
    shift 2
    # Pinning memory for the device is what needs the memlock limit. No capability is left, nor any way
    # to get one.
    exec prlimit --memlock=unlimited setpriv --reuid=1000 --regid=1000 --clear-groups \
        --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs -- "$@"
}

# start_testpmd: in the background, as $testpmd; every program on the way to it replaces the one before
start_testpmd() {
    local huge=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
    local -a groups command
    hugepages_before=$(cat "$huge")
    echo 96 > "$huge"
    mapfile -t groups < <(for vf in "${vfs[@]}"; do
        basename "$(readlink "/sys/bus/pci/devices/$vf/iommu_group")"
    done)
    # Lines as they come, for those who wait for one.
    command=(stdbuf -oL dpdk-testpmd -l 0-1 -n 1 -a "${vfs[0]}" -a "${vfs[1]}"
        --in-memory --no-telemetry -m 128 --
        --nb-cores=1 --total-num-mbufs=4096 --forward-mode=mac
        "--eth-peer=0,$(mac_in a)" "--eth-peer=1,$(mac_in b)")
    say "\$ ${command[*]:2}"
    mkfifo "$conf/stdin"
    # Open for writing and silent: at the end of its input testpmd would stop.
    exec 5<> "$conf/stdin"
    nsenter --net=/run/netns/pod unshare --mount --propagation=private -- \
        "$0" in_pod "${groups[@]}" "${command[@]}" <&5 > "$log" 2>&1 &
    testpmd=$! hint=$log
    until_true 60 "testpmd forwards" testpmd_forwards
    show_testpmd
}

testpmd_forwards() {
    ! ended "$testpmd" || die "testpmd ended by itself"
    grep -q 'Press enter to exit' "$log"
}

# show_testpmd: that it is what was promised, from the kernel's view of the process
show_testpmd() {
    local status=/proc/$testpmd/status
    say "testpmd forwards; it is process $testpmd with"
    grep -E '^(Uid|Gid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' "$status" |
        awk '{ printf "%s%s %s", NR == 1 ? "    " : ", ", $1, $2 } END { print "" }'
    say "    in netns $(ip netns identify "$testpmd"), its /dev/vfio:"
    (cd "/proc/$testpmd/root/dev/vfio" && stat -c '    %A uid %u  /dev/vfio/%n' -- *)
    grep -qE '^Uid:\s1000\s1000\s1000\s1000$' "$status" || die "testpmd's uid is not 1000"
    [ "$(grep -cE '^Cap(Inh|Prm|Eff|Bnd|Amb):\s0+$' "$status")" = 5 ] || die "testpmd has capabilities"
    [ "$(find "/proc/$testpmd/root/dev/vfio" -type c | wc -l)" = 3 ] || die "more than two groups"
}

# stop_testpmd: on SIGINT it stops its ports, prints its counters and ends
stop_testpmd() {
    local status=0
    kill -INT "$testpmd"
    until_true 30 "testpmd ends" ended "$testpmd"
    wait "$testpmd" || status=$?
    testpmd=''
    exec 5>&-
    echo "$hugepages_before" > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
    [ "$status" = 0 ] || die "testpmd ended with status $status"
}

# ended PID: gone, or only to be waited for
ended() { ! grep -qs '^State:[[:space:]][^Z]' "/proc/$1/status"; }

mac_in() { ip -j -n "$1" link show net1 | jq -r '.[0].address'; }

# testpmd_mac PORT: that of the VF, as testpmd sees it
testpmd_mac() { sed -n "s/^Port $1: \([0-9A-F:]\{17\}\)$/\1/p" "$log" | head -n1; }

# testpmd_count PORT RX|TX: frames, from the counters that it prints at its end
testpmd_count() {
    sed -n "/Forward statistics for port $1 /,/+++/s/.*$2-packets: \([0-9]*\).*/\1/p" "$log" | head -n1
}

# --- traffic

has_carrier() { [ "$(ip -j -n "$1" link show net1 | jq -r '.[0].operstate')" = UP ]; }

# Nobody answers ARP on testpmd's ports: the neighbours are set.
introduce_peers() {
    ip -n a neigh replace 10.9.0.2 lladdr "$(testpmd_mac 0)" dev net1 nud permanent
    ip -n b neigh replace 10.9.0.1 lladdr "$(testpmd_mac 1)" dev net1 nud permanent
    until_true 20 "link of a" has_carrier a
    until_true 20 "link of b" has_carrier b
}

# icmp NETNS COUNTER: from the namespace's own counters
icmp() {
    ip netns exec "$1" cat /proc/net/snmp | awk -v name="$2" '
        $1 == "Icmp:" && !n { for (i = 2; i <= NF; i++) if ($i == name) n = i; next }
        $1 == "Icmp:" { print $n }'
}

flood() {
    # -w bounds it in time, whatever gets lost.
    say
    shown ip netns exec a ping -f -q -c "$pings" -w 30 10.9.0.2 | grep -vE '^$|^PING|^---' || true
}

# count_packets: a packet's way there and back, and how many were seen at each place
count_packets() {
    local place count lost=''
    say
    while IFS=$'\t' read -r place count; do
        printf '    %-36s %5s\n' "$place" "$count"
        [ "$count" = "$pings" ] || lost=1
    done <<-END
	a sent	$(icmp a OutEchos)
	testpmd received on port 0	$(testpmd_count 0 RX)
	testpmd sent on port 1	$(testpmd_count 1 TX)
	b received	$(icmp b InEchos)
	b answered	$(icmp b OutEchoReps)
	testpmd received on port 1	$(testpmd_count 1 RX)
	testpmd sent on port 0	$(testpmd_count 0 TX)
	a got back	$(icmp a InEchoReps)
	END
    say
    [ -z "$lost" ] || die "not $pings everywhere"
    hint=''
    say "sent = returned = $pings"
}

# --- kernel mode

# attach_kernel_pod NAME
attach_kernel_pod() {
    new_netns "$1"
    say "\$ cat $conf/$1.conf"
    jq -c . "$conf/$1.conf"
    shown fastpath attach --netns "$1" --id "demo-$1" "net1=$conf/$1.conf"
    until_true 20 "link of $1" has_carrier "$1"
}

# prove NAME PF MAC: VLAN and MAC are where they belong, in the pod and on the PF
prove() {
    local pf_side
    say
    shown ip -br -n "$1" link show net1
    shown ip -br -n "$1" addr show net1
    say "\$ ip -d link show $2"
    pf_side=$(ip -d link show "$2" | grep -E "^ *vf [0-9]+ .*link/ether $3 ") || die "no VF of $2 has the MAC $3"
    say "$pf_side"
    [ "$(mac_in "$1")" = "$3" ] || die "the interface in $1 has not the MAC $3"
    [[ $pf_side = *" vlan $vlan,"* ]] || die "the VF of $1 is not in VLAN $vlan"
}

# ping_pod FROM TO
ping_pod() {
    local address
    address=$(ip -j -4 -n "$2" addr show net1 | jq -r '.[0].addr_info[0].local')
    shown ip netns exec "$1" ping -q -c 5 -i 0.2 -w 10 "$address" | grep -vE '^$|^PING|^---' ||
        die "no answer from $2 to $1"
}

# --- the end

detach_all() {
    local name
    shown fastpath detach --netns pod --id demo-dpdk
    for name in a b red blue; do
        shown fastpath detach --netns "$name" --id "demo-$name"
    done
}

show_after() {
    local left
    vf_rows eth0 eth1 > "$conf/after"
    say
    compare "$conf/before" "$conf/after" || die "a VF is not as it was"
    left=$(find /var/lib/fastpath/sriov ! -type d 2>/dev/null) || true
    [ -z "$left" ] || die "records are left: $left"
    say
    say "before = after for $(wc -l < "$conf/after") VFs; no record is left in /var/lib/fastpath/sriov"
    say "hugepages: $(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages), as before"
}

testpmd='' hint=''
# shellcheck disable=SC2317,SC2329 # the trap calls it
at_exit() {
    local status=$?
    [ -z "$testpmd" ] || kill -KILL "$testpmd" 2>/dev/null || true
    [ "$status" != 0 ] || return 0
    if [ -n "$hint" ]; then
        echo "testpmd's last words:"
        tail -n 40 "$hint"
    fi
    echo "the kernel's last words:"
    dmesg | tail -n 8
}

main() {
    trap at_exit EXIT
    install_fastpath
    write_confs
    # The PFs would send router solicitations of their own.
    sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1 net.ipv6.conf.eth1.disable_ipv6=1

    step "1. VFs, as an administrator has set them up"
    set_up_vfs
    vf_rows eth0 eth1 > "$conf/before"
    say
    print_table "$conf/before"

    step "2. A pod gets two VFs for DPDK"
    attach_dpdk_pod

    step "3. dpdk-testpmd in the pod, unprivileged, forwards between a and b"
    attach_peer a 10.9.0.1
    attach_peer b 10.9.0.2
    start_testpmd
    introduce_peers
    flood
    stop_testpmd
    count_packets

    step "4. Two pods with kernel interfaces, VLAN and MAC set"
    attach_kernel_pod red
    attach_kernel_pod blue
    prove red eth0 "$red_mac"
    prove blue eth1 "$blue_mac"
    say
    ping_pod red blue
    ping_pod blue red

    step "5. Detach: everything as it was"
    detach_all
    show_after
    step "done"
}

if [ "${1:-}" = in_pod ]; then
    "$@"
else
    main
fi
