# common.sh: what the benchmarks share; sourced by them, after they have set $root, the root of the
# repository, and $page, where the tables go.
# shellcheck shell=bash disable=SC2154 # both are set by who sources it

die() { printf 'bench: %s\n' "$*" >&2; exit 2; }

# build DIR PACKAGE [OPTION...]: as it is shipped, and alone, so that it gets the features it has then;
# executables go to DIR
build() {
    local dir=$1
    shift
    cargo build --manifest-path "$root/Cargo.toml" --profile dist --message-format json-render-diagnostics -p "$@" |
        jq -r 'select(.executable) | .executable' | xargs -r cp -t "$dir"
}

# machine: a few words on what the figures were taken on
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n1)
    printf '%s, %s of %s, %s, load %s' "$(date -u +%Y-%m-%d)" "$(nproc) CPUs" "${cpu:-unknown model}" \
        "Linux $(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)"
}

# fill NAME TEXT: puts the file TEXT between the page's markers of NAME
fill() {
    local new
    new=$(awk -v name="$1" -v text="$2" '
        $0 == "<!-- " name ": end -->"   { inside = 0 }
        !inside                          { print }
        $0 == "<!-- " name ": begin -->" { inside = 1; while ((getline line < text) > 0) print line }
    ' "$page")
    printf '%s\n' "$new" > "$page"
}
