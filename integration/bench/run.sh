#!/bin/bash
# run.sh: measures what an attachment costs, in the test VM; `make bench` calls it.
#
#   OTHER=NAME=PATH  one more CNI plugin to compare with, called with the configuration of sriov; the
#                    table is then printed only
#   ROUNDS=N         rounds that count (30); with fewer the table is printed only
#
#   Writes the table, with the machine, between the markers in docs/benchmarks.md. A missed target is
#   reported, not a failure.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
page=$root/docs/benchmarks.md
rounds=${ROUNDS:-30}
other=${OTHER:-}

die() { printf 'bench: %s\n' "$*" >&2; exit 2; }

# build PACKAGE DIR: alone, so that it gets the features it has when it is shipped; executables to DIR
build() {
    cargo build --manifest-path "$root/Cargo.toml" --profile dist -p "$1" --message-format json-render-diagnostics |
        jq -r 'select(.executable) | .executable' | xargs -r cp -t "$2"
}

# machine: one line on what the figures were taken on
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n1)
    printf '%s, %s of %s, %s, load %s; %s; guest: Linux %s, 2 CPUs.\n' "$(date -u +%Y-%m-%d)" "$(nproc) CPUs" \
        "${cpu:-unknown model}" "Linux $(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)" "$(qemu-system-x86_64 --version |
        sed -n 's/.*version \([0-9.]*\).*/QEMU \1/p') $(cat "$work/accelerator")" "$(cat "$work/kernel")"
}

# fill PAGE TEXT: replaces what is between the markers
fill() {
    awk -v text="$2" '
        /^<!-- bench: end -->/   { inside = 0 }
        !inside                  { print }
        /^<!-- bench: begin -->/ { inside = 1; while ((getline line < text) > 0) print line }
    ' "$1" > "$work/page"
    cat "$work/page" > "$1"
}

main() {
    local arguments=() name
    [[ $rounds =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is not a number: $rounds"
    work=$(mktemp -d -t fastpath-bench.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/bin"
    if [ -n "$other" ]; then
        [[ $other =~ ^([A-Za-z0-9._-]+)=(.+)$ ]] || die "OTHER is not NAME=PATH: $other"
        name=${BASH_REMATCH[1]}
        install "${BASH_REMATCH[2]}" "$work/bin/other-$name"
        arguments=(--other "$name=/opt/bench/other-$name")
    fi
    "$root/integration/setup.sh"
    build sriov "$work/bin"
    build bench "$work/bin"

    # From the guest's own disk, as on a node: pages of the share are not cached.
    # shellcheck disable=SC2016 # the guest's shell
    "$root/integration/vm/run.sh" -t 900 -s "$work" -- /bin/bash -euc '
        install -D -t /opt/bench /host/bin/*
        uname -r > /host/kernel
        if grep -q kvm-clock /sys/devices/system/clocksource/clocksource0/available_clocksource
        then echo KVM; else echo TCG; fi > /host/accelerator
        exec /opt/bench/bench run --sriov /opt/bench/sriov --floor /opt/bench/floor \
            --output /host/table "$@" >/dev/null' bench --rounds "$rounds" ${arguments[@]+"${arguments[@]}"}

    { echo; machine; echo; cat "$work/table"; echo; } > "$work/text"
    if [ -z "$other" ] && [ "$rounds" -ge 30 ]; then
        fill "$page" "$work/text"
    fi
    cat "$work/text"
}

main
