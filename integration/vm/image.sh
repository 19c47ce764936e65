#!/bin/bash
# image.sh: builds the test VM's image once and prints the folder it is in:
#   vmlinux (PVH), initrd, root.ext4
# The folder is named after a hash of the scripts that define it. Progress goes to stderr.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=mirrors.sh
. "$here/mirrors.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fastpath/vm
release=trixie
root_mib=480

# Only what is named and what that depends on: the packages are unpacked, not configured.
packages=(
    base-files base-passwd bash dash coreutils util-linux mount grep sed mawk findutils libc-bin
    iproute2 kmod iputils-ping ethtool tcpdump procps pciutils jq strace busybox-static
    containernetworking-plugins openvswitch-switch-dpdk ovn-central ovn-host
)
cni_plugins=(host-device host-local static loopback tuning bridge macvlan vlan)

# Modules, as patterns of names; what they depend on comes along.
modules=(
    virtio_blk ext4 crc32c_generic crc32c_intel
    qemu_fw_cfg 9p 9pnet_virtio overlay
    igb igbvf vfio vfio_pci vfio_iommu_type1 uio_pci_generic
    bridge br_netfilter 8021q veth bonding dummy macvlan macvtap ipvlan vrf tun ifb vxlan geneve
    sch_tbf sch_netem sch_ingress cls_matchall cls_u32 act_mirred
    vhost_net vhost_vsock nf_tables 'nft_*' 'nf_conntrack*' 'nf_nat*' openvswitch
)
# The few that mount the root, for the initrd.
boot_modules=(virtio_blk ext4 crc32c_generic crc32c_intel)

say() { printf 'image: [%3d s] %s\n' "$SECONDS" "$*" >&2; }
die() { say "$*"; exit 1; }

key() { cat "$here"/image.sh "$here"/mirrors.sh "$here"/guest/* | sha256sum | cut -c1-16; }

complete() { [ -s "$1/vmlinux" ] && [ -s "$1/initrd" ] && [ -s "$1/root.ext4" ]; }

# An apt of our own with an empty package database, so that it works out whole dependency trees.
# Its downloads stay in the cache: the next build fetches only what changed.
configure_apt() {
    local dir=$cache/apt kind url
    mkdir -p "$dir"/lists/partial "$dir"/debs/partial
    : > "$dir/status"
    while read -r kind url; do
        case $kind in
            security) debian_source "$url" $release-security ;;
            *)        debian_source "$url" $release ;;
        esac
    done < <(debian_mirrors) > "$dir/sources.list"
    [ -s "$dir/sources.list" ] || die "no Debian mirror among this machine's apt sources"
    cat > "$dir/apt.conf" <<-CONF
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State "$dir";
	Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir";
	Dir::Cache::archives "$dir/debs";
	APT::Architecture "amd64";
	APT::Architectures "amd64";
	APT::Install-Recommends "false";
	APT::Sandbox::User "root";
	CONF
    export APT_CONFIG=$dir/apt.conf DEBIAN_FRONTEND=noninteractive
}

# depends_on PACKAGE PATTERN: its direct dependencies that match
depends_on() { apt-cache depends "$1" | sed -n 's/^ *Depends: //p' | grep -E "$2"; }

# download OUT PACKAGE...: fetches them with all they depend on; lists the files in OUT
download() {
    local out=$1
    shift
    # Only files that are not there yet are printed: an empty folder makes it print all.
    mkdir -p "$work/none/partial"
    apt-get install -y -qq --print-uris -o Dir::Cache::archives="$work/none" "$@" | cut -d' ' -f2 > "$out"
    apt-get install -y -qq --download-only "$@" >&2
}

fetch_packages() {
    local kernel pmds
    kernel=$(depends_on linux-image-amd64 '^linux-image-[0-9]' | head -n1)
    # testpmd sits in dpdk-dev, whose dependencies are 200 MB of headers and static libraries: take
    # the libraries that it is linked with, and the drivers that it loads by itself.
    mapfile -t pmds < <(depends_on dpdk-dev '^librte-'
        apt-cache pkgnames librte- | grep -E '^librte-(net-e1000|bus-pci|mempool-ring)-?[0-9]+$')
    say "downloading $kernel and ${#packages[@]} packages with what they need"
    download "$work/debs" "${packages[@]}" "${pmds[@]}"
    (cd "$cache/apt/debs" && apt-get download -qq "$kernel" dpdk-dev)
    kernel_deb=$(newest_deb "$kernel") testpmd_deb=$(newest_deb dpdk-dev)
    apt-get autoclean -qq >/dev/null
}

newest_deb() { find "$cache/apt/debs" -maxdepth 1 -name "$1_*.deb" | sort -V | tail -n1; }

# make_vmlinux BZIMAGE: the ELF kernel inside it. Booted through PVH it needs no decompression,
# which takes seconds under emulation.
make_vmlinux() {
    local image=$1 setup offset length start magic
    setup=$(od -An -tu1 -j $((0x1f1)) -N1 "$image")
    read -r offset length < <(od -An -tu4 -j $((0x248)) -N8 "$image")
    start=$(((setup + 1) * 512 + offset))
    # The payload's last 4 bytes are its unpacked size, which the tools would call garbage.
    payload() {
        dd if="$image" bs=1M iflag=skip_bytes,count_bytes skip="$start" count=$((length - 4)) status=none
    }
    magic=$(od -An -tx1 -j "$start" -N4 "$image" | tr -d ' ')
    case $magic in
        28b52ffd) payload | zstd -dcq ;;
        fd377a58) payload | xz -dc --single-stream ;;
        1f8b*)    payload | gzip -dc ;;
        *)        die "unknown kernel compression: $magic" ;;
    esac > "$work/vmlinux"
    [ "$(head -c 4 "$work/vmlinux" | tr -d '\177')" = ELF ] || die "no ELF kernel in $image"
}

unpack_kernel() {
    say "unpacking the kernel"
    mkdir "$work/kernel"
    dpkg-deb --fsys-tarfile "$kernel_deb" | tar -x -C "$work/kernel" ./boot ./usr/lib/modules
    version=$(basename "$work"/kernel/usr/lib/modules/*)
    make_vmlinux "$work/kernel/boot/vmlinuz-$version"
    depmod -b "$work/kernel/usr" "$version"
}

# module_names PATTERN...: the names of the kernel's modules that match
module_names() {
    local pattern
    for pattern; do
        find "$work/kernel/usr/lib/modules/$version" \
            \( -name "$pattern.ko*" -o -name "${pattern//_/-}.ko*" \) -printf '%f\n'
    done | sed 's/\.ko.*//'
}

# install_modules ROOT PATTERN...: copies modules and what they depend on, uncompressed
install_modules() {
    local root=$1 from=$work/kernel/usr to file
    shift
    to=$root/usr/lib/modules/$version
    mkdir -p "$to"
    cp "$from/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$to/"
    module_names "$@" | xargs modprobe -d "$from" -S "$version" -aD |
        sed -n 's,^insmod \(.*/lib/modules/[^/]*/\)\([^ ]*\).*,\2,p' | sort -u |
        while read -r file; do
            mkdir -p "$to/${file%/*}"
            case $file in
                *.xz)  xz -dc "$from/lib/modules/$version/$file" > "$to/${file%.xz}" ;;
                *.zst) zstd -dcq "$from/lib/modules/$version/$file" > "$to/${file%.zst}" ;;
                *)     cp "$from/lib/modules/$version/$file" "$to/$file" ;;
            esac
        done
    depmod -b "$root/usr" "$version"
}

make_root() {
    local root=$work/root deb name
    say "unpacking $(wc -l < "$work/debs") packages"
    mkdir "$root"
    # base-files first: it makes /bin, /lib and so on links into /usr
    for deb in $(grep '^base-files_' "$work/debs") $(grep -v '^base-files_' "$work/debs"); do
        dpkg-deb --fsys-tarfile "$cache/apt/debs/$deb" | tar -x -C "$root" --keep-directory-symlink \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
            --exclude='./usr/share/perl*' --exclude='*/perl-base/*' --exclude='./usr/lib/udev/hwdb*' \
            --exclude='./usr/share/zoneinfo/*' --exclude='./usr/lib/*/gconv/*'
    done
    dpkg-deb --fsys-tarfile "$testpmd_deb" | tar -x -C "$root" ./usr/bin/dpdk-testpmd
    for name in "$root"/usr/lib/cni/*; do
        [[ " ${cni_plugins[*]} " = *" ${name##*/} "* ]] || rm "$name"
    done
    configure_root "$root"
    install_modules "$root" "${modules[@]}"
}

# configure_root ROOT: the little of the packages' own set-up scripts that a guest needs
configure_root() {
    local root=$1 applet
    mkdir -p "$root"/{proc,sys,dev,run,tmp,mnt,host,fastpath,root}
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    echo 'test:x:1000:1000::/tmp:/bin/sh' >> "$root/etc/passwd"
    echo 'test:x:1000:' >> "$root/etc/group"
    printf '127.0.0.1 localhost\n::1 localhost\n' > "$root/etc/hosts"
    echo fastpath-vm > "$root/etc/hostname"
    ln -sf mawk "$root/usr/bin/awk"
    # The small tools that no package above brings: ps has them already, vi, less, nc, ... have not.
    "$root/usr/bin/busybox" --list | while read -r applet; do
        [ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] ||
            ln -s busybox "$root/usr/bin/$applet"
    done
    install -m755 "$here/guest/init" "$root/usr/sbin/fastpath-init"
    ldconfig -r "$root"
}

make_initrd() {
    local dir=$work/initrd.d
    mkdir -p "$dir"/{bin,usr/lib,proc,sys,dev,mnt}
    ln -s usr/lib "$dir/lib"
    cp "$work/root/usr/bin/busybox" "$dir/bin/"
    install -m755 "$here/guest/initrd-init" "$dir/init"
    install_modules "$dir" "${boot_modules[@]}"
    (cd "$dir" && find . | cpio -o -H newc --quiet) > "$work/initrd"
}

make_disk() {
    say "writing the disk: $(du -sm "$work/root" | cut -f1) MiB of files"
    mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$work/root" "$work/root.ext4" "${root_mib}M" >/dev/null
}

# build DIR: everything in a scratch folder, renamed when complete: an interrupted build is never used
build() {
    local tool
    for tool in apt-get dpkg-deb cpio zstd xz depmod mke2fs; do
        command -v "$tool" >/dev/null || die "needs $tool: run integration/setup.sh"
    done
    work=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    say "building the image of the test VM, once, in $cache"
    configure_apt
    apt-get update -qq >&2
    fetch_packages
    unpack_kernel
    make_root
    make_initrd
    make_disk
    rm -rf "$1"
    mkdir "$work/image"
    mv "$work"/{vmlinux,initrd,root.ext4} "$work/image/"
    mv "$work/image" "$1"
    say "done: $(du -sm "$1" | cut -f1) MiB in ${1##*/}"
}

# Images of other versions of the scripts go when they have not been used for two days.
drop_old_images() {
    find "$cache" -mindepth 1 -maxdepth 1 -type d -name '[0-9a-f]*' ! -name apt ! -path "$1" -mtime +1 \
        -exec rm -rf {} +
    find "$cache" -mindepth 1 -maxdepth 1 -type d -name 'building.*' -mtime +0 -exec rm -rf {} +
}

main() {
    local dir
    dir=$cache/$(key)
    if ! complete "$dir"; then
        PATH=$PATH:/usr/sbin:/sbin
        mkdir -p "$cache"
        exec 9> "$cache/lock"
        flock -n 9 || { say "waiting for another build"; flock 9; }
        # The other build may have made just this one.
        complete "$dir" || build "$dir"
        drop_old_images "$dir"
    fi
    touch "$dir"
    echo "$dir"
}

main
