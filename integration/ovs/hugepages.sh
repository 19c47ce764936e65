# shellcheck shell=bash
# Sourced: memory for programs that use DPDK, as long as they run.

# with_hugepages N COMMAND...: runs a command while this machine has N more hugepages of 2 MB, at least as
# many free ones. However this shell ends, they are given back.
with_hugepages() {
    local wanted=$1 added free keeper status=0
    shift
    added=$(change_hugepages "$wanted")
    # It reads from a pipe whose only writer is this shell.
    exec 8> >(trap '' INT TERM HUP; cat; change_hugepages $((-added)) >/dev/null)
    keeper=$!
    free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)
    if [ "$free" -ge "$wanted" ]; then
        "$@" 8>&- || status=$?
    else
        echo "hugepages: $wanted of 2 MB are needed, this machine has memory for $free" >&2
        status=1
    fi
    exec 8>&-
    wait "$keeper"
    return $status
}

# change_hugepages N: N more of them, or less; prints by how many, which is less where memory is short
change_hugepages() {
    local count=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages before
    (
        # Nobody else may come between reading and writing.
        flock 9
        before=$(cat "$count")
        echo $((before + $1)) > "$count"
        echo $(($(cat "$count") - before))
    ) 9< /sys/kernel/mm/hugepages
}
