#!/bin/bash
# latency-scheduler.sh: measures what the extender adds to a question over HTTP, its memory, and how many pods a
# second the real kube-scheduler places with it; `make bench-latency-scheduler` calls it. Root; in namespaces of
# its own, so that nothing is left.
#
#   ROUNDS=N          questions of each size (500); with fewer the tables are printed only
#   BURSTS=N          bursts of pods with the extender, and as many without (5); with fewer the tables are
#                     printed only
#   FASTPATH_K8S_DIR  programs of Kubernetes; integration/k8s/binaries.sh makes them if it is not set
#
#   Writes the tables, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
rounds=${ROUNDS:-500}
bursts=${BURSTS:-5}
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"

main() {
    local before programs
    [ "$(id -u)" = 0 ] || die "needs root, for namespaces"
    prepare
    programs=${FASTPATH_K8S_DIR:-$("$root/integration/k8s/binaries.sh")}
    build "$work/bin" latency-scheduler
    build "$work/bin" bench --bin bench-latency-scheduler --bin extender-floor
    mkdir "$work/made"

    # The load afterwards would be that of an API server.
    before="$(machine); kube-scheduler $("$programs/bin/kube-scheduler" --version | sed 's/.* //')."
    # etcd is in memory, with the rest of /run.
    FASTPATH_K8S_DIR=$programs TMPDIR=/run isolated "$work/bin/bench-latency-scheduler" run \
        --latency-scheduler "$work/bin/latency-scheduler" --floor "$work/bin/extender-floor" \
        --dir "$work/made" --rounds "$rounds" --bursts "$bursts" --output "$work/table" > /dev/null

    if [ "$rounds" -lt 500 ] || [ "$bursts" -lt 5 ]; then only_print=1; fi
    publish latency-scheduler "$before"
}

main
