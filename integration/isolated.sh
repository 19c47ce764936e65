# shellcheck shell=bash
# Sourced: running a command where it can leave nothing behind.

# isolated COMMAND...: in namespaces of its own, the processes' among them: daemons, pods, ports and mounts
# go with it, however it ends
isolated() {
    # The shell stays as their init: it takes leave of the processes that lose their parents.
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
        bash -c 'ip link set lo up; unshare --mount --propagation private "$@"; exit $?' bash "$@"
}
