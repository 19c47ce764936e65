#!/bin/bash
# multus.sh: the demonstration of multus-lite, inside one boot of the test VM (see ../vm.sh).
# The VM is thrown away afterwards: only what fastpath must put back is put back here.
#
#   pod: if0 and if1, VFs of eth0  |  cable  |  peer: net1 and net2, VFs of eth1
#   testpmd: if0 <-> if1           | ======= |  net1 pings net2; every packet goes through testpmd
#
#   Both have eth0 as well, on the bridge cni0 of this host: the default network.
set -euo pipefail
# shellcheck source=lib.sh
. "${0%/*}/lib.sh"

examples="conf-examples/multus-lite"

# show_records: one for the pod, one for each of its VFs
show_records() {
    local ifname
    say
    shown ls /var/lib/fastpath/multus-lite /var/lib/fastpath/sriov
    for ifname in if0 if1; do
        compgen -G "/var/lib/fastpath/sriov/*@demo-pod:$ifname.json" >/dev/null || die "$ifname is not a VF"
    done
}

# separate_net2: into a routing table of its own, which counts before that of local addresses. Otherwise
# the kernel would see that net1 and net2 are both here and carry packets from one to the other itself.
separate_net2() {
    shown ip -n peer link add far type vrf table 9
    shown ip -n peer link set far up
    shown ip -n peer link set net2 master far
    shown ip -n peer rule add pref 2000 table local
    shown ip -n peer rule del pref 0
    shown ip -n peer route add "$net2/32" dev net1
    shown ip -n peer route add "$net1/32" dev net2 vrf far
}

forward() {
    local net1 net2
    net1=$(address_in peer net1) net2=$(address_in peer net2)
    say "net2 gets a routing table of its own, or packets from net1 to net2 would never leave the peer:"
    separate_net2
    say
    start_vf_testpmd "$(mac_in peer net1)" "$(mac_in peer net2)"
    lead peer net1 "$net2" "$(testpmd_mac 0)"
    lead peer net2 "$net1" "$(testpmd_mac 1)"
    say
    flood peer "$net2"
    stop_vf_testpmd
    count_packets peer "peer's net1" peer "peer's net2"
}

main() {
    local name
    begin_vm "multus-lite: several networks for a pod, from one file"

    step "1. VFs, as an administrator has set them up"
    make_vfs eth0 3
    make_vfs eth1 2
    shown ip link set eth0 vf 1 mac 02:00:00:00:00:11 trust on
    probe_vfs eth0 eth1
    remember_vfs

    step "2. A pod gets its default network and two VFs for DPDK"
    attach pod "$examples/thesis.conf"
    find_dpdk_vfs
    show_records
    say
    ping_some pod "$(default_route pod)"

    step "3. Its peer gets the default network and two VFs as network interfaces"
    attach peer "$examples/kernel.conf"

    step "4. dpdk-testpmd in the pod, unprivileged, forwards between if0 and if1"
    forward

    step "5. The default network is a network like any other pod's"
    shown ls /var/lib/cni/networks/default
    say
    ping_some peer "$(address_in pod eth0)"

    step "6. Detach: everything as it was"
    for name in pod peer; do
        shown fastpath detach --netns "$name" --id "demo-$name"
    done
    show_after
    no_plugs
    step "done"
}

main
