#!/bin/bash
# latency.sh: the whole chain: a pod says nothing but `latency: "7000"`, and its program answers frames through OVS-DPDK;
# `make demo-latency` calls it. Root.
#
#   An API server, scheduler, kubelet and containerd, latency-scheduler, node-agent, multus-lite and a switch run in
#   namespaces of their own; all of them go with it. It is the test `scheduling::chain`, told as a story.
#
# Status: 0 when everything went as said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

log=$(mktemp -t fastpath-demo-latency.XXXXXX)
trap 'rm -f "$log"' EXIT
echo "demo: a Kubernetes of one node, and a pod with a latency budget; some 45 s"
if TEST=scheduling::chain integration/suites.sh k8s > "$log" 2>&1 && grep '^\[ *[0-9.]* s\]' "$log"; then
    echo "demo: all of it worked, in $SECONDS s: latency"
else
    tail -n 60 "$log"
    echo "demo: FAILED after $SECONDS s" >&2
    exit 1
fi
