#!/bin/bash
# ovn.sh: measures what a port on an overlay costs, beside the same steps by the tools; `make bench-ovn` calls it.
# Root; with an overlay and namespaces of its own, so that nothing is left.
#
#   ROUNDS=N   rounds that count (50); with fewer the tables are printed only
#   STATE=DIR  where the plugin keeps its records, instead of below target: another disk; the tables are then
#              printed only
#
#   Writes the tables, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
rounds=${ROUNDS:-50}
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"

# versions: OVN and the switch, and where the state is
versions() {
    printf 'OVN %s, Open vSwitch %s; state on %s' "$(ovn-nbctl --version | sed -n '1s/.* //p')" \
        "$(ovs-vsctl --version | sed -n '1s/.* //p')" "$(findmnt -no FSTYPE -T "$state")"
}

main() {
    local before
    [ "$(id -u)" = 0 ] || die "needs root, for namespaces"
    prepare
    prepare_state
    build "$work/bin" ovn
    build "$work/bin" bench --bin bench-ovn

    # The load afterwards would be that of the rounds.
    before="$(machine); $(versions)."
    TMPDIR=/run isolated "$work/bin/bench-ovn" run --ovn "$work/bin/ovn" --state "$state" \
        --rounds "$rounds" --output "$work/table" > /dev/null

    if [ -n "${STATE:-}" ] || [ "$rounds" -lt 50 ]; then only_print=1; fi
    publish ovn "$before"
}

main
