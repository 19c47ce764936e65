#!/bin/bash
# run.sh [-b DIR] NAME...: what `make demo-NAME` shows, all of them in one boot of the test VM:
#
#   sriov   pods that get real SR-IOV VFs, as DPDK devices and as kernel interfaces
#   multus  pods that get several networks from one file
#
#   and everything given back as it was. This machine stays as it is.
#
#   -b DIR  take the executables from DIR, build nothing
#
# Status: 0 when everything went as said. guest/NAME.sh is the part that runs in the VM.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=${here%/*/*}
binaries=(sriov multus-lite fastpath)
# For each demonstration more than it needs on a busy machine without KVM: there it takes 60 s.
limit=150

say() { printf '\ndemo: [%3d s] %s\n' "$SECONDS" "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
misused() { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

prepare() {
    say "1/3 packages that building and the VM need"
    "$top/integration/setup.sh"
    # The image comes now and not with the boot, whose time limit it would eat up.
    "$top/integration/vm/image.sh" >/dev/null
}

build() {
    say "2/3 building ${binaries[*]}"
    make -s -C "$top" build
}

# in_vm NAME...: one after the other; the first that fails is the last
in_vm() {
    local name job=true
    for name; do job+=" && /fastpath/demo/$name.sh"; done
    "$top/integration/vm/run.sh" -t $((limit * $#)) -b "$work/share" -- "$job"
}

main() {
    local from='' option name status=0
    while getopts b: option; do
        case $option in
            b) from=$OPTARG ;;
            *) misused ;;
        esac
    done
    shift $((OPTIND - 1))
    [ $# != 0 ] || misused
    for name; do
        [[ $name =~ ^(sriov|multus)$ ]] || misused
    done
    work=$(mktemp -d -t fastpath-demo.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir -p "$work/share/bin"
    prepare
    [ -n "$from" ] || build
    cp -t "$work/share/bin" "${binaries[@]/#/${from:-$top/target/release}/}"
    cp -R "$top/conf-examples" "$work/share/"
    cp -R "$here/guest" "$work/share/demo"
    say "3/3 booting a VM with two SR-IOV cards, a cable between them: $*"
    in_vm "$@" || status=$?
    # An emulated processor that stops for good was seen once in twenty boots. That is the VM's failure,
    # not the demonstration's, which ends with a status of its own.
    if [ "$status" = 124 ] || [ "$status" = 125 ]; then
        say "the VM itself failed (status $status, see above): booting it once more"
        status=0
        in_vm "$@" || status=$?
    fi
    [ "$status" = 0 ] || die "FAILED with status $status after $SECONDS s"
    say "all of it worked, in $SECONDS s: $*"
}

main "$@"
