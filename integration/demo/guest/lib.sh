# shellcheck shell=bash
# Sourced by the demonstrations in the VM: VFs and their table, testpmd on two of them.
# shellcheck source=../lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"

hugepages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
# What a VF's row of the tables holds; the first two say which VF it is.
columns=(vf pci driver override netdev mac mtu is pf-mac vlan qos spoof trust min max link-state)
widths=(6 12 8 8 6 17 4 4 17 4 3 5 5 3 3 10)

# begin_vm TITLE: as `begin`, also after another one in the same boot
begin_vm() {
    begin "$@"
    ip -all netns delete
    echo 0 > /sys/class/net/eth0/device/sriov_numvfs
    echo 0 > /sys/class/net/eth1/device/sriov_numvfs
    # The PFs would send router solicitations of their own.
    sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1 net.ipv6.conf.eth1.disable_ipv6=1
}

# shellcheck disable=SC2317,SC2329 # at_exit calls it
last_words() {
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
    vf_rows eth0 eth1 > "$conf/after"
    say
    compare "$conf/before" "$conf/after" || die "a VF is not as it was"
    [ "$(cat "$hugepages")" = "$hugepages_before" ] || die "hugepages are left"
    say
    say "before = after for $(wc -l < "$conf/after") VFs; hugepages: $hugepages_before"
    no_records
}

# find_dpdk_vfs: shows the table of eth0's VFs and sets `vfs` to the two that are on vfio-pci
find_dpdk_vfs() {
    say
    vf_rows eth0 > "$conf/during"
    print_table "$conf/during"
    mapfile -t vfs < <(awk '$3 == "vfio-pci" { print $2 }' "$conf/during")
    [ ${#vfs[@]} = 2 ] || die "${#vfs[@]} VFs on vfio-pci, not 2"
}

# --- testpmd on two VFs

# start_vf_testpmd MAC MAC: on the two `vfs`. What it receives on one port leaves by the other: by port 0 to the
# first MAC, by port 1 to the second.
start_vf_testpmd() {
    local -a groups command
    hugepages_before=$(cat "$hugepages")
    echo 96 > "$hugepages"
    mapfile -t groups < <(for vf in "${vfs[@]}"; do
        basename "$(readlink "/sys/bus/pci/devices/$vf/iommu_group")"
    done)
    command=(dpdk-testpmd -l 0-1 -n 1 -a "${vfs[0]}" -a "${vfs[1]}"
        --in-memory --no-telemetry -m 128 --
        --nb-cores=1 --total-num-mbufs=4096 --forward-mode=mac
        "--eth-peer=0,$1" "--eth-peer=1,$2")
    say "\$ ${command[*]}"
    # Lines as they come, for those who wait for one.
    start_testpmd unshare --mount --propagation=private -- "$share/integration/demo/guest/in-pod.sh" \
        "${groups[@]}" "${unprivileged[@]}" stdbuf -oL "${command[@]}"
    show_groups
}

# show_groups: that the pod has its own two, and no others
show_groups() {
    say "    and its /dev/vfio:"
    (cd "/proc/$testpmd/root/dev/vfio" && stat -c '    %A uid %u  /dev/vfio/%n' -- *)
    [ "$(find "/proc/$testpmd/root/dev/vfio" -type c | wc -l)" = 3 ] || die "more than two groups"
}

stop_vf_testpmd() {
    stop_testpmd
    echo "$hugepages_before" > "$hugepages"
}

# testpmd_mac PORT: that of the VF, as testpmd sees it
testpmd_mac() { sed -n "s/^Port $1: \([0-9A-F:]\{17\}\)$/\1/p" "$log" | head -n1; }
