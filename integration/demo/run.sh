#!/bin/bash
# run.sh [-b DIR] NAME...: what `make demo-NAME` shows:
#
#   sriov      pods that get real SR-IOV VFs, as DPDK devices and as kernel interfaces
#   multus     pods that get several networks from one file
#   vhostuser  a pod between two ports of OVS-DPDK, whose switch restarts
#   measure    the latency of every path; the picture of it is then target/demo/measure.svg
#
#   and everything given back as it was. The first two run in a VM, in one boot, the third in namespaces
#   of its own, the last in both. This machine stays as it is.
#
#   -b DIR  take the executables from DIR, build nothing
#
# Status: 0 when everything went as said.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=${here%/*/*}
# shellcheck source=vm.sh
. "$here/vm.sh"
# shellcheck source=host.sh
. "$here/host.sh"
binaries=(sriov vhostuser multus-lite fastpath)

say() { printf '\ndemo: [%3d s] %s\n' "$SECONDS" "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
misused() { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

heed_signals() {
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
cleanup() {
    trap '' INT TERM HUP
    end_host
    rm -rf "$work"
}

# choose NAME...: sets `in_vm` and `on_host`
choose() {
    local name
    in_vm=() on_host=()
    [ $# != 0 ] || misused
    for name; do
        case $name in
            sriov|multus) in_vm+=("$name") ;;
            vhostuser)    on_host+=("$name") ;;
            measure)      in_vm+=("$name") on_host+=("$name") ;;
            *)            misused ;;
        esac
    done
}

prepare() {
    say "packages that building and the demonstrations need"
    "$top/integration/setup.sh"
    [ ${#in_vm[@]} = 0 ] || prepare_vm
    [ ${#on_host[@]} = 0 ] || prepare_host
}

build() {
    say "building ${binaries[*]}"
    make -s -C "$top" build
}

# fill_share DIR: what the demonstrations get of the repository, laid out like it; and executables of DIR
fill_share() {
    mkdir -p "$share/bin" "$share/integration"
    cp -t "$share/bin" "${binaries[@]/#/$1/}"
    cp -R -t "$share" "$top/conf-examples"
    cp -R -t "$share/integration" "$here" "$top/integration/ovs"
}

# keep: what the demonstrations have made for people to look at
keep() {
    [ -d "$share/out" ] || return 0
    mkdir -p "$top/target/demo"
    cp -t "$top/target/demo" "$share"/out/*
    say "to look at: $(cd "$share/out" && printf 'target/demo/%s ' *)"
}

main() {
    local from='' option
    while getopts b: option; do
        case $option in
            b) from=$OPTARG ;;
            *) misused ;;
        esac
    done
    shift $((OPTIND - 1))
    choose "$@"
    work=$(mktemp -d -t fastpath-demo.XXXXXX)
    share=$work/share
    trap cleanup EXIT
    heed_signals
    prepare
    [ -n "$from" ] || build
    fill_share "${from:-$top/target/release}"
    [ ${#in_vm[@]} = 0 ] || run_vm "${in_vm[@]}"
    [ ${#on_host[@]} = 0 ] || run_host "${on_host[@]}"
    keep
    say "all of it worked, in $SECONDS s: $*"
}

main "$@"
