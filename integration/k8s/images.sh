# shellcheck shell=bash
# Sourced: container images out of one static busybox, as tarballs in the OCI image layout.

# make_image BUSYBOX REFERENCE FILE: an image with busybox under all its names; run without a command
# it sleeps until it is told to end, as a pod's pause container has to
make_image() {
    local busybox=$1 reference=$2 file=$3 image=$work/image layer config manifest diff
    rm -rf "$image"
    mkdir -p "$image/layout/blobs/sha256"
    make_root "$busybox" "$image/root"
    tar -C "$image/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$image/layer.tar" .
    diff=$(digest "$image/layer.tar")
    gzip -n "$image/layer.tar"
    layer=$(blob "$image/layer.tar.gz" application/vnd.oci.image.layer.v1.tar+gzip)

    jq -n --arg diff "$diff" '{architecture: "amd64", os: "linux",
        config: {Entrypoint: ["/pause"], Env: ["PATH=/bin"], WorkingDir: "/"},
        rootfs: {type: "layers", diff_ids: [$diff]}}' > "$image/config.json"
    config=$(blob "$image/config.json" application/vnd.oci.image.config.v1+json)

    jq -n --argjson config "$config" --argjson layer "$layer" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: $config, layers: [$layer]}' > "$image/manifest.json"
    manifest=$(blob "$image/manifest.json" application/vnd.oci.image.manifest.v1+json)

    jq -n --argjson manifest "$manifest" --arg reference "$reference" '{schemaVersion: 2,
        manifests: [$manifest + {platform: {architecture: "amd64", os: "linux"},
            annotations: {"io.containerd.image.name": $reference}}]}' > "$image/layout/index.json"
    echo '{"imageLayoutVersion": "1.0.0"}' > "$image/layout/oci-layout"
    tar -C "$image/layout" -cf "$file" .
}

digest() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d' ' -f1)"; }

# blob FILE TYPE: puts a file into the layout and prints its descriptor
blob() {
    local digest
    digest=$(digest "$1")
    cp "$1" "$image/layout/blobs/sha256/${digest#sha256:}"
    jq -nc --arg type "$2" --arg digest "$digest" --argjson size "$(stat -c %s "$1")" \
        '{mediaType: $type, digest: $digest, size: $size}'
}

# make_root BUSYBOX DIR: the files of the image
make_root() {
    local busybox=$1 root=$2 applet
    mkdir -p "$root"/{bin,etc,proc,sys,dev,root,tmp}
    chmod 1777 "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    "$busybox" --list | while read -r applet; do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
    echo 'root:x:0:' > "$root/etc/group"
    cat > "$root/pause" <<-'SH'
	#!/bin/sh
	trap 'exit 0' TERM INT
	while :; do sleep 3600 & wait $!; done
	SH
    chmod 755 "$root/pause"
}
