# shellcheck shell=bash
# Sourced by the demonstrations: commands as one would type them, pods, testpmd, traffic and its counts.

# It is laid out like the repository.
share=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
# Files of one demonstration.
conf=/run/demo
log=$conf/testpmd.log
pings=1000
# As a container's process: a user's, without any capability or a way to get one.
unprivileged=(setpriv --reuid=1000 --regid=1000 --clear-groups
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --)

step() { printf '\n==== [%3d s] %s\n\n' "$SECONDS" "$*"; }
say() { printf '%s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*"; exit 1; }

# shown COMMAND...: prints a command as one would type it, and runs it
shown() { printf '$ %s\n' "$*"; "$@"; }

# within SECS COMMAND...: polls COMMAND; fails when SECS are over
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# until_true SECS WHAT COMMAND...: the same; ends with WHAT
until_true() {
    local secs=$1 what=$2
    shift 2
    within "$secs" "$@" || die "not in time: $what"
}

# begin TITLE: fastpath is installed, as `make install` does it; nothing is left of the demonstration
# before this one
begin() {
    trap at_exit EXIT
    printf '\n######## %s\n' "$*"
    rm -rf "$conf"
    mkdir -p /opt/cni/bin "$conf"
    ln -sf "$share"/bin/{sriov,vhostuser,multus-lite} /usr/lib/cni/{bridge,host-local} /opt/cni/bin/
    PATH=$share/bin:$PATH
    cd "$share"
}

testpmd='' hint=''
# shellcheck disable=SC2317,SC2329 # the trap calls it
at_exit() {
    local status=$?
    [ -z "$testpmd" ] || { kill -KILL "$testpmd" && wait "$testpmd"; } 2>/dev/null || true
    [ "$status" != 0 ] || return 0
    if [ -n "$hint" ]; then
        echo "testpmd's last words:"
        tail -n 40 "$hint"
    fi
    last_words
}

# --- pods

new_netns() {
    shown ip netns add "$1"
    ip -n "$1" link set lo up
}

# silence NETNS: interfaces to come send nothing by themselves, so that the counters count our packets alone
silence() { ip netns exec "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1; }

# attach NAME FILE: one file, one call, all networks of the pod
attach() {
    new_netns "$1"
    silence "$1"
    shown cat "$2"
    say
    # For those who need the words that it prints.
    shown fastpath attach --netns "$1" --id "demo-$1" "eth0=$2" | tee "$conf/attached"
    shown fastpath check --netns "$1" --id "demo-$1"
    say
    shown ip -br -n "$1" addr
}

# mac_in NETNS INTERFACE
mac_in() { ip -j -n "$1" link show "$2" | jq -r '.[0].address'; }

# address_in NETNS INTERFACE
address_in() { ip -j -4 -n "$1" addr show "$2" | jq -r '.[0].addr_info[0].local'; }

# has_carrier NETNS INTERFACE
has_carrier() { [ "$(ip -j -n "$1" link show "$2" | jq -r '.[0].operstate')" = UP ]; }

# default_route NETNS: its gateway
default_route() { ip -j -n "$1" route show default | jq -r '.[0].gateway'; }

# leases: the addresses that host-local has given, as NETWORK/ADDRESS
leases() {
    # Where nobody has leased any, there is no such directory.
    { find /var/lib/cni/networks -type f -name '[0-9]*' -printf '%P\n' 2>/dev/null || true; } | sort
}

# no_records: nothing is kept of attachments
no_records() {
    local left
    left=$(find /var/lib/fastpath /var/lib/cni/results -type f 2>/dev/null) || true
    [ -z "$left" ] || die "records are left: $left"
    left=$(leases)
    [ -z "$left" ] || die "addresses are still leased: $left"
    say "no record in /var/lib/fastpath, no leased address in /var/lib/cni/networks"
}

# no_plugs: nothing is plugged into the default network
no_plugs() {
    local left
    left=$(ip -br link show master cni0)
    [ -z "$left" ] || die "something is still plugged into cni0: $left"
    say "nothing is plugged into the bridge cni0; the bridge itself is left by Debian's plugin"
}

# --- testpmd

# start_testpmd COMMAND...: COMMAND, which becomes testpmd, in the namespace "pod" and in the background as
# $testpmd. Every program on the way to it replaces the one before.
start_testpmd() {
    mkfifo "$conf/stdin"
    # Open for writing and silent: at the end of its input testpmd would stop.
    exec 5<> "$conf/stdin"
    nsenter --net=/run/netns/pod -- "$@" <&5 > "$log" 2>&1 &
    testpmd=$! hint=$log
    until_true 60 "testpmd forwards" testpmd_forwards
    show_testpmd
}

# testpmd_forwards: it says so, or takes commands
testpmd_forwards() {
    ! ended "$testpmd" || die "testpmd ended by itself"
    grep -qE 'Press enter to exit|^testpmd> ' "$log"
}

# show_testpmd: that it is what was promised, from the kernel's view of the process
show_testpmd() {
    local status=/proc/$testpmd/status
    say "testpmd forwards; it is process $testpmd in netns $(ip netns identify "$testpmd"), with"
    grep -E '^(Uid|Gid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' "$status" |
        awk '{ printf "%s%s %s", NR == 1 ? "    " : ", ", $1, $2 } END { print "" }'
    grep -qE '^Uid:\s1000\s1000\s1000\s1000$' "$status" || die "testpmd's uid is not 1000"
    [ "$(grep -cE '^Cap(Inh|Prm|Eff|Bnd|Amb):\s0+$' "$status")" = 5 ] || die "testpmd has capabilities"
}

# stop_testpmd: on SIGINT it stops its ports, prints its counters and ends
stop_testpmd() {
    local status=0
    kill -INT "$testpmd"
    until_true 30 "testpmd ends" ended "$testpmd"
    wait "$testpmd" || status=$?
    testpmd=''
    exec 5>&-
    [ "$status" = 0 ] || die "testpmd ended with status $status"
}

# ended PID: gone, or only to be waited for
ended() { ! grep -qs '^State:[[:space:]][^Z]' "/proc/$1/status"; }

# testpmd_count PORT RX|TX: frames, from the counters that it printed last
testpmd_count() {
    awk -v port="$1" -v name="$2-packets:" '
        /Forward statistics for port/ { here = $6 == port }
        /Accumulated/                 { here = 0 }
        here { for (i = 1; i < NF; i++) if ($i == name) count = $(i + 1) }
        END { print count }' "$log"
}

# --- traffic

# lead NETNS INTERFACE ADDRESS MAC: what this interface sends to ADDRESS goes to MAC. No ARP is needed, which
# would be counted.
lead() {
    ip -n "$1" neigh replace "$3" lladdr "$4" dev "$2" nud permanent
    until_true 20 "link of $2 in $1" has_carrier "$1" "$2"
}

# icmp NETNS COUNTER: from the namespace's own counters
icmp() {
    ip netns exec "$1" cat /proc/net/snmp | awk -v name="$2" '
        $1 == "Icmp:" && !n { for (i = 2; i <= NF; i++) if ($i == name) n = i; next }
        $1 == "Icmp:" { print $n }'
}

# How many packets were sent so far.
sent=0

# flood NETNS ADDRESS
flood() {
    # Bounded in time, whatever gets lost; with a limit of its own, ping would send until enough came back.
    shown ip netns exec "$1" timeout 30 ping -f -q -c "$pings" "$2" | grep -vE '^$|^PING|^---' || true
    sent=$((sent + pings))
    # The last ones may be late on a busy machine. What is lost, the counts will tell.
    within 5 all_back "$1" || true
}

# all_back NETNS
all_back() { [ "$(icmp "$1" InEchoReps)" -ge "$sent" ]; }

# ping_some NETNS ADDRESS
ping_some() {
    shown ip netns exec "$1" ping -q -c 5 -i 0.2 -w 10 "$2" | grep -vE '^$|^PING|^---' ||
        die "no answer from $2 to $1"
}

# count_packets FROM NAME TO NAME: a packet's way there and back, and how many were seen so far at each place;
# all that these namespaces ever sent must be floods
count_packets() {
    local place count lost=''
    say
    while IFS=$'\t' read -r place count; do
        printf '    %-36s %5s\n' "$place" "$count"
        [ "$count" = "$sent" ] || lost=1
    done <<-END
	$2 sent	$(icmp "$1" OutEchos)
	testpmd received on port 0	$(testpmd_count 0 RX)
	testpmd sent on port 1	$(testpmd_count 1 TX)
	$4 received	$(icmp "$3" InEchos)
	$4 answered	$(icmp "$3" OutEchoReps)
	testpmd received on port 1	$(testpmd_count 1 RX)
	testpmd sent on port 0	$(testpmd_count 0 TX)
	$2 got back	$(icmp "$1" InEchoReps)
	END
    say
    [ -z "$lost" ] || die "not $sent everywhere"
    # A testpmd that has ended has nothing to do with what may fail from now on.
    [ -n "$testpmd" ] || hint=''
    say "sent = returned = $sent"
}
