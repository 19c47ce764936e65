#!/bin/bash
# sriov.sh: measures what an attachment of a VF costs, in the test VM; `make bench-sriov` calls it.
#
#   OTHER=NAME=PATH  one more CNI plugin to compare with, called with the configuration of sriov; the
#                    table is then printed only
#   ROUNDS=N         rounds that count (30); with fewer the table is printed only
#
#   Writes the table, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"
rounds=${ROUNDS:-30}
other=${OTHER:-}

# vm: the same on the VM
vm() {
    local qemu
    qemu=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/QEMU \1/p')
    printf '%s %s; guest: Linux %s, 2 CPUs' "$qemu" "$(cat "$work/accelerator")" "$(cat "$work/kernel")"
}

main() {
    local arguments=() name
    prepare
    if [ -n "$other" ]; then
        [[ $other =~ ^([A-Za-z0-9._-]+)=(.+)$ ]] || die "OTHER is not NAME=PATH: $other"
        name=${BASH_REMATCH[1]}
        install "${BASH_REMATCH[2]}" "$work/bin/other-$name"
        arguments=(--other "$name=/opt/bench/other-$name")
    fi
    build "$work/bin" sriov
    build "$work/bin" bench --bin bench-sriov --bin floor

    # From the guest's own disk, as on a node: pages of the share are not cached.
    # shellcheck disable=SC2016 # the guest's shell
    "$root/integration/vm/run.sh" -t 900 -s "$work" -- /bin/bash -euc '
        install -D -t /opt/bench /host/bin/*
        uname -r > /host/kernel
        if grep -q kvm-clock /sys/devices/system/clocksource/clocksource0/available_clocksource
        then echo KVM; else echo TCG; fi > /host/accelerator
        exec /opt/bench/bench-sriov run --sriov /opt/bench/sriov --floor /opt/bench/floor \
            --output /host/table "$@" >/dev/null' bench --rounds "$rounds" ${arguments[@]+"${arguments[@]}"}

    if [ -n "$other" ] || [ "$rounds" -lt 30 ]; then only_print=1; fi
    publish sriov "$(machine); $(vm)."
}

main
