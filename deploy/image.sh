#!/bin/bash
# image.sh [-o FILE] [node-agent|latency-scheduler]: builds the image of a program (node-agent) and writes it to FILE,
# an OCI archive (target/PROGRAM.oci.tar); prints its name, its size and where it is
#
#   Needs buildah and jq, both in Debian, and root. No registry is asked. The images of this machine are not
#   touched; buildah leaves a note of what it wrote in /var/lib/containers/cache.
#   Node by node: ctr -n k8s.io images import FILE. Into a registry: skopeo copy oci-archive:FILE docker://...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=''

say() { printf 'image: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# choose PROGRAM: what is in its image, and how it is made
choose() {
    program=$1
    case $program in
        node-agent)
            programs=(node-agent fastpath) plugins=(sriov vhostuser ovn multus-lite) containerfile=deploy/Containerfile ;;
        latency-scheduler)
            programs=(latency-scheduler) plugins=() containerfile=deploy/latency-scheduler/Containerfile ;;
        *) die "there are images of node-agent and latency-scheduler, none of $program" ;;
    esac
}

# build_executables DIR: as the Containerfile wants them
build_executables() {
    local built name with_tls=() without=()
    # Not in one build: see Cargo.toml.
    for name in "${plugins[@]}" "${programs[@]}"; do
        case $name in ovn | fastpath) with_tls+=("-p$name") ;; *) without+=("-p$name") ;; esac
    done
    cargo build --profile dist "${without[@]}"
    [ ${#with_tls[@]} = 0 ] || cargo build --profile dist "${with_tls[@]}"
    built=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/dist
    install -D -m 755 -t "$1/bin" "${programs[@]/#/$built/}"
    [ ${#plugins[@]} = 0 ] || install -D -m 755 -t "$1/cni" "${plugins[@]/#/$built/}"
}

# The storage is of this run alone. chroot and vfs: without namespaces and overlays, as in a CI's container.
in_storage() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

# build_image CONTEXT NAME FILE: times are those of the commit, so that the same commit is the same image
build_image() {
    in_storage bud --isolation chroot --quiet --timestamp "$(git log -1 --format=%ct)" \
        -f "$containerfile" -t "$2" "$1" > "$work/id"
    in_storage push --quiet "$2" "oci-archive:$3:$2"
}

# check_image FILE: exactly the programs are in it, and the first runs where there is nothing else
check_image() {
    local layer root=$work/root expected
    mkdir -p "$work/archive" "$root"
    tar -xf "$1" -C "$work/archive"
    for layer in $(blob "$(jq -r '.manifests[0].digest' "$work/archive/index.json")" | jq -r '.layers[].digest'); do
        blob "$layer" | tar -xz -C "$root"
    done
    expected=$(printf '755 /%s\n' bin "${programs[@]/#/bin/}" ${plugins:+cni} "${plugins[@]/#/cni/}" | sort)
    diff <(echo "$expected") <(find "$root" -mindepth 1 -printf '%m /%P\n' | sort) >&2 ||
        die "the image does not hold what it should"
    [ "$(chroot "$root" "/bin/$program" --version)" = "$program $version" ] || die "the $program of the image does not run"
}

# blob DIGEST: a part of the archive
blob() { cat "$work/archive/blobs/${1/://}"; }

main() {
    local name
    while getopts o:h option; do
        case $option in
            o) output=$OPTARG ;;
            *) sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
        esac
    done
    shift $((OPTIND - 1))
    choose "${1:-node-agent}"
    output=${output:-target/$program.oci.tar}
    for tool in buildah jq; do
        [ -n "$(command -v $tool)" ] || die "needs $tool: apt-get install buildah jq"
    done
    version=$(cargo metadata --no-deps --format-version 1 | jq -r --arg name "$program" '.packages[] | select(.name == $name).version')
    name=localhost/fastpath/$program:$version
    mkdir -p target
    work=$(mktemp -d target/image.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    work=$PWD/$work
    build_executables "$work/context"
    build_image "$work/context" "$name" "$work/image.tar"
    check_image "$work/image.tar"
    mv "$work/image.tar" "$output"
    echo "$name $(stat -c %s "$output") bytes $output"
}

main "$@"
