# shellcheck shell=bash disable=SC2154 # top, work, share are set by run.sh
# Sourced by run.sh: the demonstrations that run on this machine, in namespaces of their own.
# host/NAME.sh is what runs there.
# shellcheck source=../ovs/hugepages.sh
. "$top/integration/ovs/hugepages.sh"

# For each of them more than it needs on a busy machine: on an idle one it takes 6 s.
host_limit=240
# Of 2 MB: 96 for the switch, 32 for a pod's program.
host_hugepages=128

prepare_host() { testpmd=$("$top/integration/ovs/testpmd.sh"); }

hugepages() { cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages; }

# run_host NAME...
run_host() {
    local name before at_first at_last taken given status=0
    cp "$testpmd" "$share/dpdk-testpmd"
    for name; do
        say "in namespaces of its own, with $host_hugepages hugepages for as long as it runs: $name"
        before=$(hugepages)
        # Nobody interrupts between taking hugepages and knowing how many.
        trap '' INT TERM HUP
        with_hugepages "$host_hugepages" isolated "$share/integration/demo/host/$name.sh" || status=$?
        [ "$status" = 0 ] || die "FAILED with status $status after $SECONDS s"
        # Meanwhile others on this machine may have taken theirs, or given them back.
        taken=$((at_first - before)) given=$((at_last - $(hugepages)))
        [ "$taken" = "$given" ] || die "FAILED: $taken hugepages were taken, $given given back"
        say "the namespaces are gone, and all in them; $given hugepages given back, as many as were taken"
    done
}

host_pid=''
# isolated COMMAND...: in namespaces of its own, the processes' among them: daemons, pods, ports and mounts
# go with it, however it ends, and it goes with us. Sets `at_first` and `at_last`, this machine's hugepages.
isolated() {
    local status=0
    heed_signals
    at_first=$(hugepages)
    # In the background, so that a signal ends the wait at once.
    setpriv --pdeathsig=KILL unshare --mount --net --pid --fork --kill-child --mount-proc --propagation=private \
        "$share/integration/demo/host/isolated.sh" "$host_limit" "$@" &
    host_pid=$!
    wait "$host_pid" || status=$?
    host_pid=''
    at_last=$(hugepages)
    return $status
}

# end_host: at once, and with all that it has started
end_host() {
    [ -z "$host_pid" ] || kill -KILL "$host_pid" 2>/dev/null || return 0
    wait "$host_pid" 2>/dev/null || true
}
