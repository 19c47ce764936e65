# shellcheck shell=bash disable=SC2154 # top, share are set by run.sh
# Sourced by run.sh: the demonstrations that run in the test VM. guest/NAME.sh is what runs there.

# For each of them more than it needs on a busy machine without KVM: there it takes 60 s.
vm_limit=150

# The image comes now and not with the boot, whose time limit it would eat up.
prepare_vm() { "$top/integration/vm/image.sh" >/dev/null; }

# boot NAME...: one after the other; the first that fails is the last
boot() {
    local name job=true
    for name; do job+=" && /fastpath/integration/demo/guest/$name.sh"; done
    "$top/integration/vm/run.sh" -t $((vm_limit * $#)) -b "$share" -- "$job"
}

# run_vm NAME...
run_vm() {
    local status=0
    say "booting a VM with two SR-IOV cards, a cable between them: $*"
    boot "$@" || status=$?
    # An emulated processor that stops for good was seen once in twenty boots. That is the VM's failure,
    # not the demonstration's, which ends with a status of its own.
    if [ "$status" = 124 ] || [ "$status" = 125 ]; then
        say "the VM itself failed (status $status, see above): booting it once more"
        status=0
        boot "$@" || status=$?
    fi
    [ "$status" = 0 ] || die "FAILED with status $status after $SECONDS s"
}
