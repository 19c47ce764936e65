#!/bin/bash
# multus.sh: measures what multus-lite adds to the plugins that it calls, on this machine;
# `make bench-multus` calls it. Root; in namespaces of its own, so that nothing is left.
#
#   OTHER=[NAME=]PATH  one more meta-plugin to compare with, called with the same configuration ("type":
#                      "multus"), in the same rounds; the tables are then printed only
#   ROUNDS=N           rounds that count (50); with fewer the tables are printed only
#   STATE=DIR          where the meta-plugins keep their state, instead of below target: another disk;
#                      the tables are then printed only
#   FASTPATH_K8S_DIR   programs of Kubernetes; integration/k8s/binaries.sh makes them if it is not set. Without
#                      any, the tables are printed only
#
#   Writes the tables, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/benchmarks.md
# shellcheck source=common.sh
. "$root/integration/bench/common.sh"
rounds=${ROUNDS:-50}

# kubernetes: prints the directory of its programs; nothing when they cannot be had
kubernetes() {
    if [ -n "${FASTPATH_K8S_DIR:-}" ]; then
        echo "$FASTPATH_K8S_DIR"
    elif ! "$root/integration/k8s/binaries.sh"; then
        echo "bench: no Kubernetes, so definitions of an API server are not measured" >&2
    fi
}

main() {
    local arguments=() programs before
    [ "$(id -u)" = 0 ] || die "needs root, for namespaces"
    prepare
    prepare_state
    [ -z "${OTHER:-}" ] || arguments+=("$(other_option)")
    programs=$(kubernetes)
    [ -z "$programs" ] || arguments+=(--manifests "$root/deploy")
    build "$work/bin" multus-lite
    build "$work/bin" bench --bin bench-multus --bin delegate

    # The load afterwards would be that of a hundred pods.
    before="$(machine); state on $(findmnt -no FSTYPE -T "$state")."
    # etcd is in memory, with the rest of /run.
    FASTPATH_K8S_DIR=$programs TMPDIR=/run isolated "$work/bin/bench-multus" run \
        --multus-lite "$work/bin/multus-lite" --delegate "$work/bin/delegate" --state "$state" \
        --rounds "$rounds" --output "$work/table" ${arguments[@]+"${arguments[@]}"} > /dev/null

    if [ -n "${OTHER:-}${STATE:-}" ] || [ -z "$programs" ] || [ "$rounds" -lt 50 ]; then only_print=1; fi
    publish multus-lite "$before"
}

main
