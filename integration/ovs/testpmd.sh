#!/bin/bash
# testpmd.sh: prints the path of a dpdk-testpmd that fits this machine's DPDK; fetches it once. Nothing
# is installed: the package that it is in needs some two hundred others to compile with. Progress goes to stderr.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../vm/mirrors.sh
. "$here/../vm/mirrors.sh"
# shellcheck source=../k8s/packages.sh
. "$here/../k8s/packages.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fastpath

say() { printf 'testpmd: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# version: that of DPDK
version() {
    dpkg-query -W -f '${Version}\n' 'librte-eal*' 2>/dev/null | grep -m 1 . ||
        die "needs DPDK's libraries: run integration/setup.sh"
}

# fetch_testpmd FILE: renamed into its place when complete
fetch_testpmd() {
    say "downloading it, once, to $cache"
    mkdir -p "${1%/*}"
    work=$(mktemp -d "$cache/testpmd.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    fetch "$(debian_release)" "$work/parts" dpdk-dev
    mv "$work/parts/usr/bin/dpdk-testpmd" "$1"
}

main() {
    local file
    file=$cache/testpmd-$(version)/dpdk-testpmd
    [ -x "$file" ] || fetch_testpmd "$file"
    echo "$file"
}

main
