#!/bin/bash
# story.sh NAME: a test of the suites, told as a story; `make demo-NAME` calls it. Root.
#
#   latency  a pod says nothing but `latency: "7000"`, and its program answers frames through OVS-DPDK: an API server,
#            scheduler, kubelet and containerd, latency-scheduler, node-agent, multus-lite and a switch
#   ovn      an overlay of three chassis: pods reach each other and a host outside, its latency beside that of other
#            paths, and a gateway that dies
#
#   All of it runs in namespaces of its own and goes with it.
#
# Status: 0 when everything went as said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=${1:-}
case $name in
    latency) suite=k8s test=scheduling::chain what="a Kubernetes of one node, and a pod with a latency budget; some 45 s" ;;
    ovn)     suite=ovs test=ovn::story what="an overlay of three chassis, and the world outside; some 40 s" ;;
    *)       sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac

log=$(mktemp -t "fastpath-demo-$name.XXXXXX")
trap 'rm -f "$log"' EXIT
echo "demo: $what"
if TEST=$test integration/suites.sh "$suite" > "$log" 2>&1 && grep '^\[ *[0-9.]* s\]' "$log"; then
    echo "demo: all of it worked, in $SECONDS s: $name"
else
    tail -n 60 "$log"
    echo "demo: FAILED after $SECONDS s" >&2
    exit 1
fi
