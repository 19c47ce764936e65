#!/bin/bash
# in-pod.sh GROUP GROUP COMMAND...: becomes COMMAND, with the devices of a container's process. Starts as root,
# in the pod's network namespace and in a mount namespace of its own.
set -euo pipefail

# A /dev/vfio with nothing but the pod's two groups: what kubelet gives a container. The nodes are new
# ones; the host's stay root's.
mount -t tmpfs -o mode=755,size=64k vfio /dev/vfio
IFS=: read -ra numbers < /sys/class/misc/vfio/dev
mknod -m 666 /dev/vfio/vfio c "${numbers[@]}"
for group in "$1" "$2"; do
    IFS=: read -ra numbers < "/sys/class/vfio/$group/dev"
    mknod -m 600 "/dev/vfio/$group" c "${numbers[@]}"
    chown 1000:1000 "/dev/vfio/$group"
done
shift 2
# Pinning memory for the device is what needs the memlock limit.
exec prlimit --memlock=unlimited "$@"
