#!/bin/bash
# vm-node.sh: runs in the test VM, which becomes a node: containerd, kubelet, node-agent
#
#   The folder shared at /host has the node's files: node/ becomes /run/node, cni/ is /etc/cni, bin/ has our plugins and
#   agent; logs go there. /fastpath is what binaries.sh prints. The third card leads to the host.
#
#   Port 10000 is a shell for whoever connects: its input is a script. Ends when a script kills this one.
set -euo pipefail

say() { printf 'node: [%3d s] %s\n' "$SECONDS" "$*"; }

# No DHCP client is needed: QEMU's user network always has these addresses.
connect() {
    ip link set eth2 up
    ip addr add 10.0.2.15/24 dev eth2
    ip route add default via 10.0.2.2
    # kubelet wants one.
    echo 'nameserver 127.0.0.1' > /etc/resolv.conf
}

place_files() {
    cp -r /host/node /run/
    cp -r /host/cni /etc/
    mkdir -p /run/node/{cni-bin,static-pods}
    ln -s /fastpath/cni/* /run/node/cni-bin/
    cp /host/bin/* /run/node/cni-bin/
}

start_containerd() {
    # A pod's DPDK pins its memory for its VF.
    ulimit -l unlimited
    CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 containerd --config /run/node/containerd.toml &> /host/containerd.log &
    until [ -S /run/node/containerd.sock ]; do sleep 0.2; done
    say "containerd listens"
    for image in pause busybox; do
        ctr --address /run/node/containerd.sock --namespace k8s.io images import "/fastpath/images/$image.tar"
    done
}

start_kubelet() {
    local options
    # kubelet counts them when it starts.
    echo 96 > /proc/sys/vm/nr_hugepages
    mapfile -t options < /run/node/kubelet.options
    kubelet "${options[@]}" &> /host/kubelet.log &
    until [ -S /var/lib/kubelet/device-plugins/kubelet.sock ]; do sleep 0.2; done
    say "kubelet listens"
}

start_agent() {
    /run/node/cni-bin/node-agent --verbose run --config /run/node/node-agent.yaml --node node1 &> /host/node-agent.log &
}

export PATH=/fastpath/bin:$PATH
connect
place_files
start_containerd
start_kubelet
start_agent
busybox nc -ll -p 10000 -e /bin/bash
