#!/bin/bash
# sriov.sh: the demonstration of sriov, inside one boot of the test VM (see ../vm.sh).
# The VM is thrown away afterwards: only what fastpath must put back is put back here.
#
#   pod, on two VFs of eth0     |  cable  |  a and b, each on a VF of eth1
#   testpmd: port 0 <-> port 1  | ======= |  a pings b; every packet goes through testpmd
set -euo pipefail
# shellcheck source=lib.sh
. "${0%/*}/lib.sh"

red_mac=02:00:00:00:0e:01
blue_mac=02:00:00:00:0e:02

# An administrator's settings, so that there is something to lose.
set_up_vfs() {
    make_vfs eth0 4
    make_vfs eth1 3
    shown ip link set eth0 vf 1 mac 02:00:00:00:00:11 trust on
    shown ip link set eth0 vf 2 mac 02:00:00:00:00:12 vlan 7 qos 3 spoofchk off max_tx_rate 500
    shown ip link set eth1 vf 2 vlan 9 trust on
    probe_vfs eth0 eth1
    shown ip link set "$(ls /sys/class/net/eth0/device/virtfn0/net)" mtu 1400
    shown ip link set "$(ls /sys/class/net/eth0/device/virtfn2/net)" mtu 1300
    remember_vfs
}

# write_confs: of the project's examples, with what tells the pods apart. One network name for red and
# blue, so that host-local gives them different addresses.
write_confs() {
    local examples=conf-examples/sriov
    echo '{"cniVersion": "1.0.0", "name": "peer", "type": "sriov", "if0": "eth1"}' > "$conf/peer.conf"
    jq --arg mac "$red_mac" '.mac = $mac' "$examples/kernel-if0.conf" > "$conf/red.conf"
    jq --arg mac "$blue_mac" '.mac = $mac | .if0 = "eth1"' "$examples/kernel-if0.conf" > "$conf/blue.conf"
    vlan=$(jq .vlan "$conf/red.conf")
}

attach_dpdk_pod() {
    new_netns pod
    shown fastpath attach --netns pod --id demo-pod \
        net1=conf-examples/sriov/dpdk.conf net2=conf-examples/sriov/dpdk.conf
    find_dpdk_vfs
}

# attach_peer NAME ADDRESS
attach_peer() {
    new_netns "$1"
    silence "$1"
    shown fastpath attach --netns "$1" --id "demo-$1" "net1=$conf/peer.conf"
    ip -n "$1" addr add "$2/24" dev net1
}

forward() {
    attach_peer a 10.9.0.1
    attach_peer b 10.9.0.2
    start_vf_testpmd "$(mac_in a net1)" "$(mac_in b net1)"
    lead a net1 10.9.0.2 "$(testpmd_mac 0)"
    lead b net1 10.9.0.1 "$(testpmd_mac 1)"
    say
    flood a 10.9.0.2
    stop_vf_testpmd
    count_packets a a b b
}

# attach_kernel_pod NAME
attach_kernel_pod() {
    new_netns "$1"
    say "\$ cat $conf/$1.conf"
    jq -c . "$conf/$1.conf"
    shown fastpath attach --netns "$1" --id "demo-$1" "net1=$conf/$1.conf"
    until_true 20 "link of $1" has_carrier "$1" net1
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
    [ "$(mac_in "$1" net1)" = "$3" ] || die "the interface in $1 has not the MAC $3"
    [[ $pf_side = *" vlan $vlan,"* ]] || die "the VF of $1 is not in VLAN $vlan"
}

main() {
    local name
    begin_vm "sriov: VFs for DPDK and for the kernel"
    write_confs

    step "1. VFs, as an administrator has set them up"
    set_up_vfs

    step "2. A pod gets two VFs for DPDK"
    attach_dpdk_pod

    step "3. dpdk-testpmd in the pod, unprivileged, forwards between a and b"
    forward

    step "4. Two pods with kernel interfaces, VLAN and MAC set"
    attach_kernel_pod red
    attach_kernel_pod blue
    prove red eth0 "$red_mac"
    prove blue eth1 "$blue_mac"
    say
    ping_some red "$(address_in blue net1)"
    ping_some blue "$(address_in red net1)"

    step "5. Detach: everything as it was"
    for name in pod a b red blue; do
        shown fastpath detach --netns "$name" --id "demo-$name"
    done
    show_after
    step "done"
}

main
