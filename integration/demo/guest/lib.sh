# shellcheck shell=bash
# Sourced by the demonstrations: VFs and their table, pods, testpmd, traffic and its counts.

share=/fastpath
demo=$share/demo
# Files of one demonstration.
conf=/run/demo
log=$conf/testpmd.log
pings=1000
hugepages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
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

# begin TITLE: fastpath is installed, as `make install` does it; nothing is left of the demonstration
# before this one in the same boot
begin() {
    trap at_exit EXIT
    printf '\n######## %s\n' "$*"
    ip -all netns delete
    echo 0 > /sys/class/net/eth0/device/sriov_numvfs
    echo 0 > /sys/class/net/eth1/device/sriov_numvfs
    rm -rf "$conf"
    mkdir -p /opt/cni/bin /usr/local/bin "$conf"
    ln -sf "$share"/bin/{sriov,multus-lite} /usr/lib/cni/{bridge,host-local} /opt/cni/bin/
    ln -sf "$share/bin/fastpath" /usr/local/bin/
    ln -sfn "$share/conf-examples" /root/conf-examples
    cd /root
    # The PFs would send router solicitations of their own.
    sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1 net.ipv6.conf.eth1.disable_ipv6=1
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

# --- the VFs and their table

# make_vfs PF NUMBER: VFs without a driver at first, so that they get their MACs before they have one
make_vfs() {
    local device=/sys/class/net/$1/device
    say "$2 VFs on $1, of at most $(cat "$device/sriov_totalvfs")"
    echo 0 > "$device/sriov_drivers_autoprobe"
    echo "$2" > "$device/sriov_numvfs"
    echo 1 > "$device/sriov_drivers_autoprobe"
}

# probe_vfs PF...: the kernel's driver takes them
probe_vfs() {
    local pf vf
    for pf; do
        for vf in "/sys/class/net/$pf/device/virtfn"*; do
            basename "$(readlink -f "$vf")" > /sys/bus/pci/drivers_probe
        done
    done
}

# remember_vfs: what they are before anything is attached, to be compared at the end
remember_vfs() {
    vf_rows eth0 eth1 > "$conf/before"
    say
    print_table "$conf/before"
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

# show_after: that the VFs are as they were, and that nothing is kept of the attachments
show_after() {
    local left
    vf_rows eth0 eth1 > "$conf/after"
    say
    compare "$conf/before" "$conf/after" || die "a VF is not as it was"
    left=$(find /var/lib/fastpath /var/lib/cni/results -type f 2>/dev/null) || true
    [ -z "$left" ] || die "records are left: $left"
    left=$(leases)
    [ -z "$left" ] || die "addresses are still leased: $left"
    [ "$(cat "$hugepages")" = "$hugepages_before" ] || die "hugepages are left"
    say
    say "before = after for $(wc -l < "$conf/after") VFs"
    say "no record in /var/lib/fastpath, no leased address in /var/lib/cni/networks, hugepages: $hugepages_before"
}

# --- pods

new_netns() {
    shown ip netns add "$1"
    ip -n "$1" link set lo up
}

# silence NETNS: interfaces to come send nothing by themselves, so that the counters count our packets alone
silence() { ip netns exec "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1; }

# find_dpdk_vfs: shows the table of eth0's VFs and sets `vfs` to the two that are on vfio-pci
find_dpdk_vfs() {
    say
    vf_rows eth0 > "$conf/during"
    print_table "$conf/during"
    mapfile -t vfs < <(awk '$3 == "vfio-pci" { print $2 }' "$conf/during")
    [ ${#vfs[@]} = 2 ] || die "${#vfs[@]} VFs on vfio-pci, not 2"
}

# mac_in NETNS INTERFACE
mac_in() { ip -j -n "$1" link show "$2" | jq -r '.[0].address'; }

# address_in NETNS INTERFACE
address_in() { ip -j -4 -n "$1" addr show "$2" | jq -r '.[0].addr_info[0].local'; }

# has_carrier NETNS INTERFACE
has_carrier() { [ "$(ip -j -n "$1" link show "$2" | jq -r '.[0].operstate')" = UP ]; }

# leases: the addresses that host-local has given, as NETWORK/ADDRESS
leases() {
    find /var/lib/cni/networks -type f -name '[0-9]*' -printf '%P\n' 2>/dev/null | sort
}

# --- testpmd

# start_testpmd MAC MAC: on the two `vfs`, in the namespace "pod", in the background as $testpmd. What it
# receives on one port leaves by the other: by port 0 to the first MAC, by port 1 to the second. Every
# program on the way to it replaces the one before.
start_testpmd() {
    local -a groups command
    hugepages_before=$(cat "$hugepages")
    echo 96 > "$hugepages"
    mapfile -t groups < <(for vf in "${vfs[@]}"; do
        basename "$(readlink "/sys/bus/pci/devices/$vf/iommu_group")"
    done)
    # Lines as they come, for those who wait for one.
    command=(stdbuf -oL dpdk-testpmd -l 0-1 -n 1 -a "${vfs[0]}" -a "${vfs[1]}"
        --in-memory --no-telemetry -m 128 --
        --nb-cores=1 --total-num-mbufs=4096 --forward-mode=mac
        "--eth-peer=0,$1" "--eth-peer=1,$2")
    say "\$ ${command[*]:2}"
    mkfifo "$conf/stdin"
    # Open for writing and silent: at the end of its input testpmd would stop.
    exec 5<> "$conf/stdin"
    nsenter --net=/run/netns/pod unshare --mount --propagation=private -- \
        "$demo/in-pod.sh" "${groups[@]}" "${command[@]}" <&5 > "$log" 2>&1 &
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
    echo "$hugepages_before" > "$hugepages"
    [ "$status" = 0 ] || die "testpmd ended with status $status"
}

# ended PID: gone, or only to be waited for
ended() { ! grep -qs '^State:[[:space:]][^Z]' "/proc/$1/status"; }

# testpmd_mac PORT: that of the VF, as testpmd sees it
testpmd_mac() { sed -n "s/^Port $1: \([0-9A-F:]\{17\}\)$/\1/p" "$log" | head -n1; }

# testpmd_count PORT RX|TX: frames, from the counters that it prints at its end
testpmd_count() {
    sed -n "/Forward statistics for port $1 /,/+++/s/.*$2-packets: \([0-9]*\).*/\1/p" "$log" | head -n1
}

# --- traffic

# lead NETNS INTERFACE ADDRESS PORT: what this interface sends to ADDRESS goes to a port of testpmd. Nobody
# answers ARP there: the neighbour is set.
lead() {
    ip -n "$1" neigh replace "$3" lladdr "$(testpmd_mac "$4")" dev "$2" nud permanent
    until_true 20 "link of $2 in $1" has_carrier "$1" "$2"
}

# icmp NETNS COUNTER: from the namespace's own counters
icmp() {
    ip netns exec "$1" cat /proc/net/snmp | awk -v name="$2" '
        $1 == "Icmp:" && !n { for (i = 2; i <= NF; i++) if ($i == name) n = i; next }
        $1 == "Icmp:" { print $n }'
}

# flood NETNS ADDRESS
flood() {
    # -w bounds it in time, whatever gets lost.
    say
    shown ip netns exec "$1" ping -f -q -c "$pings" -w 30 "$2" | grep -vE '^$|^PING|^---' || true
}

# ping_some NETNS ADDRESS
ping_some() {
    shown ip netns exec "$1" ping -q -c 5 -i 0.2 -w 10 "$2" | grep -vE '^$|^PING|^---' ||
        die "no answer from $2 to $1"
}

# count_packets FROM NAME TO NAME: a packet's way there and back, and how many were seen at each place; the
# namespaces must not have pinged before
count_packets() {
    local place count lost=''
    say
    while IFS=$'\t' read -r place count; do
        printf '    %-36s %5s\n' "$place" "$count"
        [ "$count" = "$pings" ] || lost=1
    done <<-END
	$2 sent	$(icmp "$1" OutEchos)
	testpmd received on port 0	$(testpmd_count 0 RX)
	testpmd sent on port 1	$(testpmd_count 1 TX)
	$4 received	$(icmp "$3" InEchos)
	$4 answered	$(icmp "$3" OutEchoReps)
	testpmd received on port 1	$(testpmd_count 1 RX)
	testpmd sent on port 0	$(testpmd_count 0 TX)
	$2 got back	$(icmp "$1" InEchoReps)
	END
    say
    [ -z "$lost" ] || die "not $pings everywhere"
    hint=''
    say "sent = returned = $pings"
}
