#!/bin/bash
# run.sh [options] -- COMMAND [ARGS...]: runs a command in a VM with two SR-IOV network cards
#
#   One word alone is shell text for the guest's bash; with ARGS, COMMAND is run with exactly these.
#   Its output (both streams) comes to stdout while it runs, its exit status is ours.
#
#   -s DIR         share DIR read-write at /host, which is then the working directory
#   -b DIR         share DIR read-only at /fastpath (read through a cache: leave it unchanged meanwhile)
#   -e NAME=VALUE  set a variable for the command (repeatable)
#   -t SECS        time limit (300), boot included
#   -m MIB         memory (1024)          -c CPUS  processors (2)
#   -k ARGS        more kernel arguments  -x ARGS  more QEMU arguments
#   -l FILE        keep the guest's console (kernel messages) in FILE
#   -i             interactive: the command, or a shell, on this terminal; no time limit
#
#   Status: the command's; 124 time limit; 125 QEMU or the guest failed; 2 wrong usage.
#   FASTPATH_VM_ACCEL=tcg|kvm overrides the choice of accelerator.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
host='' base='' limit=300 memory=1024 cpus=2 kernel_args='' qemu_args='' console='' interactive=''
environment=()

usage() { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }
misused() { printf 'run.sh: %s\n' "$*" >&2; usage >&2; exit 2; }

# quote WORD...: each as one word of a POSIX shell
quote() {
    local word
    for word; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

parse_options() {
    local option
    while getopts s:b:e:t:m:c:k:x:l:ih option; do
        case $option in
            s) host=$(folder "$OPTARG") ;;
            b) base=$(folder "$OPTARG") ;;
            e) [[ $OPTARG =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || misused "-e wants NAME=VALUE, not $OPTARG"
               environment+=("$OPTARG") ;;
            t) limit=$(number "$OPTARG") ;;
            m) memory=$(number "$OPTARG") ;;
            c) cpus=$(number "$OPTARG") ;;
            k) kernel_args=$OPTARG ;;
            x) qemu_args=$OPTARG ;;
            l) console=$OPTARG ;;
            i) interactive=1 ;;
            h) usage; exit ;;
            *) usage >&2; exit 2 ;;
        esac
    done
}

folder() {
    # QEMU's options are separated by commas; a comma in a path is written twice.
    [ -d "$1" ] || misused "no such folder: $1"
    (cd "$1" && pwd -P) | sed 's/,/,,/g'
}

number() { [[ $1 =~ ^[1-9][0-9]*$ ]] || misused "not a number: $1"; echo "$1"; }

# write_job FILE COMMAND [ARGS...]: the script that the guest runs
write_job() {
    local job=$1 setting
    shift
    {
        echo '#!/bin/bash'
        for setting in ${environment[@]+"${environment[@]}"}; do
            echo "export ${setting%%=*}=$(quote "${setting#*=}")"
        done
        echo "cd $([ -n "$host" ] && echo /host || echo /root)"
        if [ $# = 1 ]; then
            echo "exec /bin/bash -c $(quote "$1")"
        else
            echo "exec $(quote "$@")"
        fi
    } > "$job"
}

# accelerator: kvm where it works. On some machines /dev/kvm is there and hangs, so try it with a
# deadline, once per boot of the machine.
accelerator() {
    local known state
    if [ -n "${FASTPATH_VM_ACCEL:-}" ]; then
        echo "$FASTPATH_VM_ACCEL"
        return
    fi
    [ -w /dev/kvm ] || { echo tcg; return; }
    known=${image%/*}/accelerator
    state=$(cat /proc/sys/kernel/random/boot_id)
    if [ "$(cut -d' ' -f1 "$known" 2>/dev/null)" != "$state" ]; then
        echo "$state $(probe_kvm)" > "$known.$$"
        mv "$known.$$" "$known"
    fi
    cut -d' ' -f2 "$known"
}

probe_kvm() {
    local status=0
    timeout -k 1 10 qemu-system-x86_64 -accel kvm -machine q35,kernel-irqchip=split -cpu host -m 256 \
        -nodefaults -no-user-config -display none -no-reboot -kernel "$image/vmlinux" -initrd "$image/initrd" \
        -append "quiet panic=-1 fastpath.probe" -device isa-debug-exit,iobase=0xf4,iosize=4 \
        </dev/null >/dev/null 2>&1 || status=$?
    # The initrd writes 21 to the exit device, which makes it 2 * 21 + 1.
    if [ "$status" = 43 ]; then echo kvm; else echo tcg; fi
}

# qemu_command: fills the array `qemu`
qemu_command() {
    local accel words
    accel=$(accelerator)
    words="console=ttyS0 panic=-1 quiet intel_iommu=on iommu=pt mitigations=off nokaslr"
    words+=" no_timer_check${host:+ fastpath.host}${base:+ fastpath.fastpath}"
    words+="${interactive:+ fastpath.interactive}"
    qemu=(qemu-system-x86_64)
    case $accel in
        kvm) qemu+=(-accel kvm -cpu host) ;;
        # What DPDK needs, and a random source so that nothing waits for entropy at boot.
        *)   qemu+=(-accel "tcg,thread=multi" -cpu "Nehalem,+rdrand")
             words+=" tsc=reliable" ;;
    esac
    qemu+=(
        -machine "q35,kernel-irqchip=split" -m "$memory" -smp "$cpus"
        -nodefaults -no-user-config -display none -no-reboot
        -kernel "$image/vmlinux" -initrd "$image/initrd" -append "$words $kernel_args"
        -device "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on"
        -drive "file=$image/root.ext4,format=raw,if=none,id=root,snapshot=on,cache=unsafe"
        -device "virtio-blk-pci,drive=root"
        # In: the job. Out: console, the job's output, its status.
        -fw_cfg "name=opt/fastpath/job,file=$work/job"
        -serial "file:$console"
        -chardev "stdio,id=output,signal=off" -serial "chardev:output"
        -serial "file:$work/status"
        -device "isa-debug-exit,iobase=0xf4,iosize=4"
        # Two cards, each behind a root port of its own (its VFs need their own bus and IOMMU groups),
        # with a cable between them.
        -device "pcie-root-port,id=port1,chassis=1,slot=1,bus=pcie.0,addr=2.0"
        -device "pcie-root-port,id=port2,chassis=2,slot=2,bus=pcie.0,addr=3.0"
        -netdev "hubport,hubid=0,id=cable1" -netdev "hubport,hubid=0,id=cable2"
        -device "igb,netdev=cable1,bus=port1,mac=52:54:00:aa:00:01"
        -device "igb,netdev=cable2,bus=port2,mac=52:54:00:aa:00:02"
    )
    if [ -n "$host" ]; then
        qemu+=(-fsdev "local,id=host,path=$host,security_model=none,multidevs=remap"
            -device "virtio-9p-pci,fsdev=host,mount_tag=host")
    fi
    if [ -n "$base" ]; then
        qemu+=(-fsdev "local,id=base,path=$base,security_model=none,multidevs=remap,readonly=on"
            -device "virtio-9p-pci,fsdev=base,mount_tag=fastpath")
    fi
    # shellcheck disable=SC2206 # words of the caller's
    qemu+=($qemu_args)
}

pid=''
# shellcheck disable=SC2317,SC2329 # the trap calls it
cleanup() {
    trap '' INT TERM HUP
    if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}

# boot: runs QEMU, in the background, so that a signal ends the wait at once; returns its status
boot() {
    local status=0
    if [ -n "$interactive" ]; then
        "${qemu[@]}" <&0 2>"$work/errors" &
    else
        # timeout passes our TERM on, and ends QEMU at the limit even when this script was killed.
        timeout -k 5 "$limit" "${qemu[@]}" </dev/null 2> >(tee "$work/errors" | without_noise >&2) &
    fi
    pid=$!
    wait "$pid" || status=$?
    pid=''
    return $status
}

# QEMU complains of the cable, which has no end outside of the VM, and of being told to stop.
without_noise() {
    grep -vE --line-buffered 'hub 0 is not connected|terminating on signal' || true
}

show_console() {
    [ -z "$interactive" ] || cat "$work/errors" >&2
    printf 'run.sh: %s; the console ended with:\n' "$1" >&2
    { tail -n 30 "$console" 2>/dev/null || true; } | tr -d '\r' >&2
}

main() {
    local status=0
    parse_options "$@"
    shift $((OPTIND - 1))
    [ $# != 0 ] || [ -n "$interactive" ] || misused "no command"
    [ $# != 0 ] || set -- 'exec bash -i'
    image=$("$here/image.sh")
    work=$(mktemp -d -t fastpath-vm.XXXXXX)
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    console=${console:-$work/console}
    write_job "$work/job" "$@"
    qemu_command
    boot || status=$?
    if [ -s "$work/status" ]; then
        status=$(tr -dc '0-9' < "$work/status")
        exit "$status"
    elif [ "$status" = 124 ] || [ "$status" = 137 ]; then
        show_console "time limit of $limit s"
        exit 124
    fi
    show_console "QEMU or the guest failed (QEMU's status $status)"
    exit 125
}

main "$@"
