#!/bin/bash
# vhostuser.sh: measures what a port of OVS-DPDK costs, on this machine; `make bench-vhostuser` calls it.
# Root; with a switch and namespaces of its own, so that nothing is left. Needs 192 MB for hugepages.
#
#   OTHER=[NAME=]PATH  one more CNI plugin to compare with, called with the configuration of vhostuser, in the
#                      same rounds; the tables are then printed only
#   ROUNDS=N           rounds that count (50); with fewer the tables are printed only
#   STATE=DIR          where the plugin keeps its records, instead of below target: another disk; the tables
#                      are then printed only
#
#   Writes the tables, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
rounds=${ROUNDS:-50}
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"
# shellcheck source=../ovs/hugepages.sh
. "$root/integration/ovs/hugepages.sh"

# versions: the switch and its DPDK, and where the state is
versions() {
    printf 'Open vSwitch %s; state on %s' \
        "$(ovs-vsctl --version | sed -n '1s/.* //p')" "$(findmnt -no FSTYPE -T "$state")"
}

main() {
    local arguments=() before
    [ "$(id -u)" = 0 ] || die "needs root, for namespaces"
    prepare
    prepare_state
    [ -z "${OTHER:-}" ] || arguments+=("$(other_option)")
    build "$work/bin" vhostuser
    build "$work/bin" bench --bin bench-vhostuser --bin ovsdb-floor

    # The load afterwards would be that of a hundred ports.
    before="$(machine); $(versions)."
    FASTPATH_OVS_DIR=$root/integration/ovs TMPDIR=/run with_hugepages 96 isolated \
        "$work/bin/bench-vhostuser" run --vhostuser "$work/bin/vhostuser" --floor "$work/bin/ovsdb-floor" \
        --state "$state" --rounds "$rounds" --output "$work/table" \
        ${arguments[@]+"${arguments[@]}"} > /dev/null

    if [ -n "${OTHER:-}${STATE:-}" ] || [ "$rounds" -lt 50 ]; then only_print=1; fi
    publish vhostuser "$before"
}

main
