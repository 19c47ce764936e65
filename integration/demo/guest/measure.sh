#!/bin/bash
# measure.sh: the demonstration of `fastpath measure` inside one boot of the test VM (see ../vm.sh): the paths
# over VFs of two emulated cards with a cable between them.
set -euo pipefail
# shellcheck source=lib.sh
. "${0%/*}/lib.sh"

main() {
    local before
    begin_vm "measure: the latency over VFs"

    step "1. VFs on two cards"
    make_vfs eth0 3
    make_vfs eth1 3
    shown ip link set eth0 up
    shown ip link set eth1 up
    probe_vfs eth0 eth1
    remember_vfs

    step "2. VFs and their drivers are taken by the plugin that pods use, and measured in turns"
    before=$(cat "$hugepages")
    echo 96 > "$hugepages"
    shown fastpath measure --path kernel vf vf-pod --pf eth0 --pf eth1 --rate 200 --rounds 2 \
        --pod-command "dpdk-testpmd -l 0-1 -n 1 --in-memory --no-telemetry -m 128 {eal} -- --nb-cores=1 --auto-start {forward} --total-num-mbufs=4096" \
        --json "$conf/measure.json"
    echo "$before" > "$hugepages"
    jq -e '[.paths[] | select(.received > 0) | .name] == ["kernel", "vf", "vf-pod"]' \
        "$conf/measure.json" >/dev/null || die "not all three paths were measured"

    step "3. Everything as it was"
    hugepages_before=$before
    show_after
    step "done"
}

main
