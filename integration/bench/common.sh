# common.sh: what the benchmarks share; sourced by them, after they have set $root, the root of the
# repository, $page, where the tables go, and $rounds.
# shellcheck shell=bash disable=SC2154 # they are set by who sources it

# shellcheck source=../isolated.sh
. "$root/integration/isolated.sh"

die() { printf 'bench: %s\n' "$*" >&2; exit 2; }

work='' state=''

# prepare: makes $work, a directory that goes with this shell, with bin in it
prepare() {
    [[ $rounds =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is not a number: $rounds"
    work=$(mktemp -d -t fastpath-bench.XXXXXX)
    trap 'rm -rf "$work" ${state:+"$state"}' EXIT
    mkdir "$work/bin"
    "$root/integration/setup.sh"
}

# prepare_state: makes $state, which goes with this shell, too: on the disk of STATE, or on that of target
prepare_state() {
    mkdir -p "${STATE:-$root/target}"
    state=$(mktemp -d -p "${STATE:-$root/target}" bench-state.XXXXXX)
    # ext4 is slow to make files where many were removed just now, as a compiler does: elsewhere on the disk.
    chattr +T "$state" 2>/dev/null || true
}

# build DIR PACKAGE [OPTION...]: as it is shipped, and alone, so that it gets the features it has then;
# executables go to DIR
build() {
    local dir=$1
    shift
    cargo build --manifest-path "$root/Cargo.toml" --profile dist --message-format json-render-diagnostics -p "$@" |
        jq -r 'select(.executable) | .executable' | xargs -r cp -t "$dir"
}

# other_option: the option of a benchmark that names the contender of OTHER=[NAME=]PATH
other_option() {
    [[ $OTHER == *=* ]] || OTHER=$(basename "$OTHER")=$OTHER
    printf -- '--other=%s=%s' "${OTHER%%=*}" "$(realpath "${OTHER#*=}")"
}

# machine: a few words on what the figures were taken on
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n1)
    printf '%s, %s of %s, %s, load %s' "$(date -u +%Y-%m-%d)" "$(nproc) CPUs" "${cpu:-unknown model}" \
        "Linux $(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)"
}

# publish NAME MACHINE: shows the tables in $work/table, and puts them into the page unless $only_print says
# that they are not to be there
publish() {
    { echo; echo "$2"; echo; cat "$work/table"; echo; } > "$work/text"
    [ -n "${only_print:-}" ] || fill "$1"
    cat "$work/text"
}

# fill NAME: puts $work/text between the page's markers of NAME
fill() {
    local new
    new=$(awk -v name="$1" -v text="$work/text" '
        $0 == "<!-- " name ": end -->"   { inside = 0 }
        !inside                          { print }
        $0 == "<!-- " name ": begin -->" { inside = 1; while ((getline line < text) > 0) print line }
    ' "$page")
    printf '%s\n' "$new" > "$page"
}
