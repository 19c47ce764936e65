#!/bin/bash
# isolated.sh SECS COMMAND...: runs COMMAND, for SECS at most, where it can leave nothing behind. To be started
# in namespaces of its own, as the first of its processes: it takes leave of those that lose their parents,
# and when it ends, they do.
set -euo pipefail

limit=$1 status=0
shift
# What pods and switches leave is in these; of the directories in them only two are needed.
for dir in /run /var/lib /opt; do
    mount -t tmpfs -o mode=755 demo "$dir"
done
mkdir /run/lock /run/netns
ip link set lo up
# In a process group of its own: a Ctrl-C does not get to it, but to run.sh, which ends all.
timeout -k 5 "$limit" "$@" || status=$?
[ "$status" != 124 ] && [ "$status" != 137 ] || echo "FAILED: not done in $limit s"
exit $status
