#!/bin/bash
# measure.sh: the demonstration of `fastpath measure` (see ../host.sh): the latency of every path that this
# machine has with an OVS-DPDK on it.
set -euo pipefail
# shellcheck source=../lib.sh
. "${0%/*}/../lib.sh"

ovs=integration/ovs/ovs.sh
run=/run/openvswitch
# Where run.sh finds what is to be kept.
out=$share/out
# Both threads of the pod's program on processor 0: the switch polls on 1.
pod="dpdk-testpmd --lcores=0@0,1@0 --in-memory --single-file-segments -m 64 {eal} -- --auto-start {forward} --total-num-mbufs=4096 --no-mlockall"

# shellcheck disable=SC2317,SC2329 # at_exit calls it
last_words() {
    echo "the switch's last words:"
    tail -n 15 "$run/ovs-vswitchd.log" 2>/dev/null
}

measure() {
    # Where `fastpath` finds the program of the pod.
    PATH=$share:$PATH
    shown fastpath measure --pod-command "$pod" --json "$out/measure.json" --svg "$out/measure.svg"
}

# measured: the paths of the report; fails when one of them let nothing through
measured() {
    jq -e '[.paths[] | select(.received > 0) | .name] == ["kernel", "ovs-dpdk", "ovs-dpdk-pod"]' \
        "$out/measure.json" >/dev/null || die "not all three paths were measured"
}

show_nothing_left() {
    local left
    left=$(ovs-vsctl list-br)
    [ -z "$left" ] || die "a bridge is left: $left"
    left=$(find /run/fastpath/vhostuser /var/lib/fastpath -mindepth 2 2>/dev/null) || true
    [ -z "$left" ] || die "something is left: $left"
    pgrep -x dpdk-testpmd >/dev/null && die "the pod's program still runs"
    say "no bridge, no port, no socket, no record, no program is left of it"
}

main() {
    begin "measure: the latency of every path of this machine"
    mkdir -p "$out"

    step "1. An OVS-DPDK"
    shown "$ovs" start "$run"

    step "2. Each path is set up by the plugins that pods use, and measured in turns"
    measure
    measured

    step "3. Everything as it was"
    show_nothing_left
    shown "$ovs" stop "$run"
    step "done"
}

main
