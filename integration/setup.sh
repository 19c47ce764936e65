#!/bin/bash
# setup.sh: installs what building and testing this project needs on a Debian machine
# (made for bookworm; root, no sudo). Rust comes by rustup and is the one prerequisite.
# Does nothing, in well under a second, when everything is there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=vm/mirrors.sh
. "$here/vm/mirrors.sh"

MIN_RUST=1.95
MIN_QEMU=10

# From the machine's own release.
packages=(
    gcc libc6-dev make              # the linker, and static glibc for crt-static
    iproute2 iputils-ping kmod jq strace tcpdump procps shellcheck util-linux
    containernetworking-plugins     # /usr/lib/cni: host-local, static, bridge, ...
    ca-certificates cpio e2fsprogs xz-utils zstd # the VM's image
    mmdebstrap openssl              # Kubernetes: a chroot to compile it in, certificates
    openvswitch-switch-dpdk openvswitch-common ethtool attr # a switch, its tools; checksums of its ports, labels
    ovn-central ovn-host                # OVN: its databases, ovn-northd, a chassis' controller
    # dpdk-testpmd's, which is fetched alone: the drivers that it loads by itself,
    librte-net-virtio23 librte-mempool-ring23
    # and what it is linked with, as far as these do not bring it.
    librte-bitratestats23 librte-cmdline23 librte-crypto-scheduler23 librte-gro23 librte-gso23
    librte-latencystats23 librte-net-bnxt23 librte-net-bond23 librte-net-dpaa23 librte-net-i40e23
    librte-net-ice23 librte-net-ixgbe23 librte-net-mlx5-23 librte-pdump23
)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# version_ge A B: whether version A is at least B
version_ge() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

check_rust() {
    local have
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    have=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
    if [ -z "$have" ] || ! version_ge "$have" "$MIN_RUST"; then
        die "needs rustc >= $MIN_RUST, found ${have:-none}: install it with rustup," \
            "the distribution's own is too old"
    fi
}

# missing_packages: those of `packages` that are not installed, one a line
missing_packages() {
    # dpkg-query fails when it has never heard of one of them: that one is simply not listed.
    { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null || true; } |
        sed -n 's/^ii  *//p' | sort -u | comm -13 - <(printf '%s\n' "${packages[@]}" | sort -u)
}

qemu_is_new_enough() {
    local have
    have=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.*version \([0-9.]*\).*/\1/p') || true
    [ -n "$have" ] && version_ge "$have" "$MIN_QEMU"
}

# write_apt_config DIR: apt with the machine's mirrors, plus the backports, but lists of its own.
# The machine's sources and lists stay as they are, even if they have never been updated.
write_apt_config() {
    local dir=$1 codename kind url suites suite
    codename=$(debian_release)
    [ -n "$codename" ] || die "cannot tell the Debian release from /etc/os-release"
    mkdir -p "$dir"/lists/partial "$dir"/cache/archives/partial
    while read -r kind url; do
        case $kind in
            security) suites=$codename-security ;;
            *)        suites="$codename $codename-updates $codename-backports" ;;
        esac
        for suite in $suites; do debian_source "$url" "$suite"; done
    done < <(debian_mirrors) > "$dir/sources.list"
    [ -s "$dir/sources.list" ] || die "no Debian mirror among this machine's apt sources"
    cat > "$dir/apt.conf" <<-CONF
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State::lists "$dir/lists";
	Dir::Cache "$dir/cache";
	APT::Sandbox::User "root";
	DPkg::Lock::Timeout "600";
	CONF
}

# deny_service_starts: nothing that gets installed may start a daemon on this machine
deny_service_starts() {
    [ -e /usr/sbin/policy-rc.d ] && return
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    denied=/usr/sbin/policy-rc.d
}

denied='' scratch=''
# shellcheck disable=SC2317,SC2329 # the trap calls it
cleanup() { rm -rf ${denied:+"$denied"} ${scratch:+"$scratch"}; }

main() {
    local missing want_qemu=''
    check_rust
    mapfile -t missing < <(missing_packages)
    qemu_is_new_enough || want_qemu=1
    if [ ${#missing[@]} = 0 ] && [ -z "$want_qemu" ]; then
        say "everything is there"
        return
    fi
    [ "$(id -u)" = 0 ] || die "run as root to install: ${missing[*]} ${want_qemu:+qemu >= $MIN_QEMU}"

    trap cleanup EXIT
    trap 'exit 130' INT TERM HUP
    scratch=$(mktemp -d -t fastpath-setup.XXXXXX)
    write_apt_config "$scratch"
    export APT_CONFIG=$scratch/apt.conf DEBIAN_FRONTEND=noninteractive
    say "reading the package lists (private ones)"
    apt-get update -qq
    deny_service_starts
    if [ ${#missing[@]} != 0 ]; then
        say "installing ${missing[*]}"
        install_packages "${missing[@]}"
    fi
    if [ -n "$want_qemu" ]; then
        say "installing QEMU >= $MIN_QEMU"
        install_qemu
    fi
    say "done in $SECONDS s"
}

install_packages() {
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null |
        sed -un 's/^Setting up \([^ ]*\).*/setup:   \1/p' >&2
}

install_qemu() {
    # Only QEMU itself and what it needs come from the backports.
    install_packages -t "$(debian_release)-backports" qemu-system-x86
    qemu_is_new_enough || die "QEMU is still older than $MIN_QEMU: $(qemu-system-x86_64 --version | head -n1)"
}

main
