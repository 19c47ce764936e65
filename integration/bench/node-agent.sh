#!/bin/bash
# node-agent.sh: measures what the node agent costs while nothing happens, on a generated machine, and how soon
# kubelet knows of a change, in the test VM; `make bench-node-agent` calls it. Root.
#
#   SECS=N    how long the idle agent is watched (120); with fewer the tables are printed only
#   ROUNDS=N  how often a driver is taken away (30); with fewer the tables are printed only
#
#   Writes the tables, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
rounds=${ROUNDS:-30}
seconds=${SECS:-120}
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"

main() {
    [ "$(id -u)" = 0 ] || die "needs root, for namespaces"
    prepare
    build "$work/bin" node-agent
    build "$work/bin" bench --bin bench-node-agent

    FASTPATH_BIN_DIR=$work/bin isolated "$work/bin/bench-node-agent" run --what idle --seconds "$seconds" \
        --output "$work/idle" > /dev/null
    # shellcheck disable=SC2016 # the guest's shell
    "$root/integration/vm/run.sh" -t 600 -s "$work" -e FASTPATH_BIN_DIR=/host/bin -- /bin/bash -euc '
        ip link set eth0 up
        ip link set eth1 up
        exec /host/bin/bench-node-agent run --what events --rounds "$1" --output /host/events >/dev/null' \
        bench "$rounds"
    { cat "$work/idle"; echo; cat "$work/events"; } > "$work/table"

    if [ "$rounds" -lt 30 ] || [ "$seconds" -lt 120 ]; then only_print=1; fi
    publish node-agent "$(machine)."
}

main
