#!/bin/bash
# suites.sh [lint|unit|fuzz|netns|ovs|vm|k8s ...]: runs test suites one after another; all without arguments
#
#   Shows their output and keeps it in target/test-logs/SUITE.log; after each suite a line with its
#   result, and last, alone on a line: N passed, N failed, N skipped.
#
#   TEST=NAME          only the tests whose names contain NAME (unit, fuzz, netns, ovs, vm, k8s)
#   VM_LIMIT=SECS      time limit of each boot of the vm suite (1800)
#   CI=true            a skipped test is a failure
#
#   Status: 0 when nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=isolated.sh
. integration/isolated.sh
# shellcheck source=ovs/hugepages.sh
. integration/ovs/hugepages.sh

all=(lint unit fuzz netns ovs vm k8s)
logs=target/test-logs
filter=(${TEST:+"$TEST"})

# check NAME COMMAND...: runs a command as if it were a test of libtest's
check() {
    local name=$1
    shift
    echo "lint: $*"
    if "$@"; then
        echo "test $name ... ok"
        lint_passed=$((lint_passed + 1))
    else
        echo "test $name ... FAILED"
        lint_failed=$((lint_failed + 1))
    fi
}

# Every check runs, also after one has failed.
suite_lint() {
    local scripts lint_passed=0 lint_failed=0
    check fmt cargo fmt --all --check
    check clippy cargo clippy --workspace --all-targets -- -D warnings
    check clippy-remote cargo clippy -p ovsdb --features remote --all-targets -- -D warnings
    check doc env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace
    mapfile -t scripts < <(git ls-files -co --exclude-standard integration deploy .ci | xargs grep -lE '^#!.*[/ ](ba)?sh')
    check shellcheck shellcheck -x -P SCRIPTDIR "${scripts[@]}"
    echo "test result: lint. $lint_passed passed; $lint_failed failed;"
    [ "$lint_failed" = 0 ]
}

suite_unit() {
    local status=0
    cargo test --no-fail-fast -- "${filter[@]}" || status=$?
    # Left out of the programs that need no TLS.
    cargo test --no-fail-fast -p ovn -p fastpath -p ovsdb --features ovsdb/remote -- "${filter[@]}" || status=$?
    # What the workspace as a whole must keep to: which crate may use which, and the like.
    cargo test -p integration --test rules -- "${filter[@]}" || status=$?
    return $status
}

# The committed corpus and mutations of it, at release speed.
suite_fuzz() {
    cargo test --release -p cni -p npwg -p kubelet -p deviceplugin -p ovsdb -p frames -p policy -p multus-lite -p latency-scheduler \
        --test corpus -- "${filter[@]}"
}

# A mount namespace and a network namespace of its own: nothing of it stays on this machine.
suite_netns() {
    local tests
    make --no-print-directory build
    tests=$(test_executable netns)
    FASTPATH_BIN_DIR=$PWD/target/release unshare -mn --propagation private "$tests" \
        --show-output "${filter[@]}"
}

# One test at a time: the switch and a pod's program take a processor each.
suite_ovs() {
    local tests
    make --no-print-directory build
    tests=$(test_executable ovs)
    FASTPATH_BIN_DIR=$PWD/target/release FASTPATH_EXAMPLES_DIR=$PWD/conf-examples \
        with_ovs isolated "$tests" --test-threads=1 --show-output "${filter[@]}"
}

# The guest reads its share through a cache, so it is a folder that no build writes to.
suite_vm() {
    local tests boot share=target/vm-share status=0
    make --no-print-directory build
    tests=$(test_executable vm)
    rm -rf "$share" && mkdir -p target/vm-state
    mkdir -p "$share/bin"
    find target/release -maxdepth 1 -type f -executable -exec cp -t "$share/bin" {} +
    cp "$tests" "$share/tests"
    cp "$(test_executable reboot)" "$share/reboot"
    cp -r conf-examples "$share/"
    in_vm tests "$share" unshare -m --propagation private /fastpath/tests \
        --test-threads=1 --nocapture "${filter[@]}" || status=$?
    # Two boots that share the state directory are a reboot.
    [[ -z "${TEST:-}" || first_boot == *"$TEST"* || second_boot == *"$TEST"* ]] || return $status
    rm -rf target/vm-state && mkdir target/vm-state
    for boot in first_boot second_boot; do
        in_vm "$boot" "$share" "mkdir -p /var/lib/fastpath && mount --bind /host /var/lib/fastpath &&
            /fastpath/reboot --nocapture $boot" || status=$?
    done
    return $status
}

# Only cgroups stay.
suite_k8s() {
    local tests programs dir status=0 cgroup=fastpath-k8s-$$
    make --no-print-directory build
    tests=$(test_executable k8s)
    programs=$(integration/k8s/binaries.sh)
    # There is no way to a mirror from where the tests run.
    integration/vm/image.sh >/dev/null
    FASTPATH_BIN_DIR=$PWD/target/release FASTPATH_K8S_DIR=$programs FASTPATH_K8S_CGROUP=$cgroup \
        with_ovs isolated "$tests" --show-output "${filter[@]}" || status=$?
    for dir in /sys/fs/cgroup{,/*}/"$cgroup"; do
        [ ! -d "$dir" ] || find "$dir" -depth -type d -exec rmdir {} +
    done
    return $status
}

# with_ovs COMMAND...: runs a command that can run an Open vSwitch and dpdk-testpmd; the hugepages are enough
# for the switch and three pods
with_ovs() {
    local testpmd
    testpmd=$(integration/ovs/testpmd.sh)
    FASTPATH_OVS_DIR=$PWD/integration/ovs FASTPATH_TESTPMD=$testpmd with_hugepages 192 "$@"
}

# in_vm NAME SHARE COMMAND...: runs a command in a VM that finds the binaries at /fastpath; the
# guest's kernel messages go to vm-NAME.console
in_vm() {
    local console=$logs/vm-$1.console share=$2
    shift 2
    integration/vm/run.sh -b "$share" -s target/vm-state -t "${VM_LIMIT:-1800}" -l "$console" \
        -e FASTPATH_BIN_DIR=/fastpath/bin -e FASTPATH_EXAMPLES_DIR=/fastpath/conf-examples \
        -e CI="${CI:-}" -e FASTPATH_ALL_POINTS="${FASTPATH_ALL_POINTS:-}" -- "$@"
}

# test_executable NAME: builds a test target of `integration` and prints the path of its executable
test_executable() {
    cargo test -p integration --test "$1" --no-run --message-format=json-render-diagnostics |
        jq -r --arg name "$1" 'select(.target.name == $name).executable | values'
}

# count PATTERN FILE: the sum of the numbers before PATTERN in the results of a log
count() {
    # From a VM's console lines may end with a carriage return.
    sed -nE "s/^test result: .*[^0-9]([0-9]+) $1;.*/\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

passed=0 failed=0 skipped=0

run_suite() {
    local suite=$1 log=$logs/$1.log start=$SECONDS status ok bad left
    echo "== $suite"
    set +e
    (set -e; "suite_$suite") </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    ok=$(count passed "$log") bad=$(count failed "$log")
    left=$(grep -c '^SKIP ' "$log") || true
    ok=$((ok - left))
    # It may fail before the first test, or after the last one.
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        echo "suites: $suite ended with status $status"
        bad=1
    elif [ $((ok + bad + left)) = 0 ] && [ ${#filter[@]} = 0 ]; then
        echo "suites: $suite has no tests"
        bad=1
    fi
    echo "== $suite: $ok passed, $bad failed, $left skipped ($((SECONDS - start)) s)"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
}

main() {
    local suite
    [ $# != 0 ] || set -- "${all[@]}"
    for suite; do
        [[ " ${all[*]} " == *" $suite "* ]] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
    done
    mkdir -p "$logs"
    for suite; do run_suite "$suite"; done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] && { [ "${CI:-}" != true ] || [ "$skipped" = 0 ]; }
}

main "$@"
