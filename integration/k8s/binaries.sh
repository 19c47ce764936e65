#!/bin/bash
# binaries.sh: gathers what a Kubernetes cluster of one node consists of, once, and prints the folder
# it is in:
#   bin/     etcd kube-apiserver kube-controller-manager kube-scheduler kubectl
#            kubelet containerd containerd-shim-runc-v2 ctr runc
#   cni/     Debian's containernetworking-plugins
#   images/  pause.tar busybox.tar, for `ctr images import`
# Nothing is installed on this machine. The folder is named after a hash of the scripts that define
# it. Progress goes to stderr.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../vm/mirrors.sh
. "$here/../vm/mirrors.sh"
# shellcheck source=packages.sh
. "$here/packages.sh"
# shellcheck source=kubernetes.sh
. "$here/kubernetes.sh"
# shellcheck source=images.sh
. "$here/images.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fastpath/k8s

programs=(
    etcd kube-apiserver kube-controller-manager kube-scheduler kubectl
    kubelet containerd containerd-shim-runc-v2 ctr runc
)

say() { printf 'k8s: [%3d s] %s\n' "$SECONDS" "$*" >&2; }
die() { say "$*"; exit 1; }

# key FILE...: a hash of scripts in this folder
key() { (cd "$here" && cat "$@") | sha256sum | cut -c1-16; }

complete() {
    local program
    for program in "${programs[@]}"; do [ -x "$1/bin/$program" ] || return; done
    [ -d "$1/cni" ] && [ -s "$1/images/pause.tar" ] && [ -s "$1/images/busybox.tar" ]
}

# The newest that run on bookworm, too: trixie's runc needs trixie's libc.
fetch_packages() {
    local dir=$work/parts
    say "downloading etcd, kubectl, containerd, runc and CNI plugins"
    fetch trixie "$dir" etcd-server kubectl containerd containernetworking-plugins busybox-static
    fetch bookworm "$dir" runc
    mkdir -p "$work/result/bin"
    cp "$dir"/usr/bin/{etcd,kubectl,containerd,containerd-shim-runc-v2,ctr} "$dir/usr/sbin/runc" "$work/result/bin/"
    cp -r "$dir/usr/lib/cni" "$work/result/cni"
}

# The compilation takes minutes, so what it makes is kept by itself: other changes do not repeat it.
add_kubernetes() {
    local dir
    dir=$cache/kubernetes-$(key kubernetes.sh)
    [ -d "$dir" ] || build_kubernetes "$dir"
    touch "$dir"
    ln "$dir"/* "$work/result/bin/"
}

add_images() {
    local busybox=$work/parts/usr/bin/busybox
    mkdir "$work/result/images"
    make_image "$busybox" registry.k8s.io/pause:test "$work/result/images/pause.tar"
    make_image "$busybox" docker.io/library/busybox:test "$work/result/images/busybox.tar"
}

# build DIR: everything in a scratch folder, renamed when complete: an interrupted build is never used
build() {
    local tool
    for tool in apt-get dpkg-deb mmdebstrap jq gzip; do
        command -v "$tool" >/dev/null || die "needs $tool: run integration/setup.sh"
    done
    # Who has the lock is alone: these were left behind by a build that was killed.
    rm -rf --one-file-system "$cache"/building.*
    work=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    say "gathering Kubernetes, once, in $cache"
    fetch_packages
    add_kubernetes
    add_images
    rm -rf "$1"
    mv "$work/result" "$1"
    say "done: $(du -sm "$1" | cut -f1) MiB in ${1##*/}"
}

# Those of other versions of the scripts go when they have not been used for two days.
drop_old() {
    find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$1" -mtime +1 -exec rm -rf {} +
}

main() {
    local dir
    [ "$(id -u)" = 0 ] || die "needs root, for a chroot to compile in"
    dir=$cache/$(key binaries.sh packages.sh kubernetes.sh images.sh)
    if ! complete "$dir"; then
        mkdir -p "$cache"
        exec 9> "$cache/lock"
        flock -n 9 || { say "waiting for another build"; flock 9; }
        # The other build may have made just this one.
        complete "$dir" || build "$dir"
        drop_old "$dir"
    fi
    touch -c "$dir" "$cache/kubernetes-$(key kubernetes.sh)"
    echo "$dir"
}

main
