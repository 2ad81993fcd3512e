# The lab's building blocks. `run` sources this file, then one scenario, in a subshell of its own:
# whatever happens in there, `lab_down` ends the processes of our three namespaces and removes them.
#
#   lab-client eth0 ── cli lab-router srv ── eth0 lab-server
#   10.77.1.10  fd77:1::10                   10.77.2.20  fd77:2::20

CLIENT4=10.77.1.10 SERVER4=10.77.2.20 CLIENT6=fd77:1::10 SERVER6=fd77:2::20
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# --- namespaces -----------------------------------------------------------------------------

in_ns() { local ns=$1; shift; ip netns exec "lab-$ns" "$@"; }

lab_up() {
    WORK=$(mktemp -d /tmp/rdpwhy-lab.XXXXXX)
    mkdir "$WORK/home"
    export HOME=$WORK/home XDG_RUNTIME_DIR=$WORK/home
    unset SSLKEYLOGFILE DISPLAY
    local ns dir
    for dir in /run/sshd /tmp/.X11-unix; do [ -d $dir ] || FRESH+=($dir); done
    # Name servers of this machine have no business in a capture: `ip netns exec` shows our own file instead.
    mkdir -p /etc/netns/lab-client
    echo "nameserver $SERVER4" >/etc/netns/lab-client/resolv.conf
    for ns in client router server; do
        ip netns add "lab-$ns" || { echo "lab-$ns exists already: is another run active?" >&2; exit 1; }
        MADE+=("$ns")
        in_ns "$ns" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv6.conf.default.router_solicitations=0 net.ipv4.tcp_no_metrics_save=1
        ip -n "lab-$ns" link set lo up
    done
    in_ns router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    veth client eth0 02:00:00:77:01:10 router cli 02:00:00:77:01:01
    veth server eth0 02:00:00:77:02:20 router srv 02:00:00:77:02:01
    address client eth0 $CLIENT4/24 $CLIENT6/64
    address router cli 10.77.1.1/24 fd77:1::1/64
    address router srv 10.77.2.1/24 fd77:2::1/64
    address server eth0 $SERVER4/24 $SERVER6/64
    ip -n lab-client route add default via 10.77.1.1
    ip -n lab-server route add default via 10.77.2.1
    ip -n lab-client -6 route add default via fd77:1::1
    ip -n lab-server -6 route add default via fd77:2::1
    # Fill the neighbour tables, so that address resolution stands in no capture.
    in_ns client ping -q -c1 -W1 $SERVER4 >/dev/null
    in_ns client ping -q -c1 -W1 $SERVER6 >/dev/null
}

# Two ends of a cable, without offloading: the captures show packets of wire size with good checksums.
veth() {
    ip link add "$2" netns "lab-$1" address "$3" type veth peer name "$5" netns "lab-$4" address "$6"
    local ns=$1 dev=$2
    while :; do
        in_ns "$ns" ethtool -K "$dev" tx off tso off gso off gro off >/dev/null
        ip -n "lab-$ns" link set "$dev" up
        [ "$dev" = "$5" ] && break
        ns=$4 dev=$5
    done
}

address() {
    ip -n "lab-$1" address add "$3" dev "$2"
    ip -n "lab-$1" address add "$4" dev "$2" nodad
}

lab_down() {
    set +e
    local ns pid round
    for round in TERM KILL; do
        for ns in "${MADE[@]}"; do
            # A namespace's process list holds only what the lab itself started in there.
            for pid in $(ip netns pids "lab-$ns" 2>/dev/null); do
                kill -CONT "$pid" 2>/dev/null
                kill -$round "$pid" 2>/dev/null
            done
        done
        [ $round = TERM ] && sleep 0.3
    done
    for ns in "${MADE[@]}"; do ip netns del "lab-$ns"; done
    [ ${#FRESH[@]} = 0 ] || rmdir "${FRESH[@]}" 2>/dev/null
    rm -f /etc/netns/lab-client/resolv.conf
    rmdir -p --ignore-fail-on-non-empty /etc/netns/lab-client 2>/dev/null
    wait 2>/dev/null
    [ -n "$WORK" ] && [ -z "$KEEP" ] && rm -rf "$WORK"
}

# --- captures -------------------------------------------------------------------------------

# capture client|server|router-client|router-server|router-any|between [tcpdump filter]
# A scenario's `snaplen` (bytes) applies. A scenario that declares `places` calls `capture_everywhere` instead.
capture() {
    local ns dev link=()
    case $1 in
        client | server) ns=$1 dev=eth0 ;;
        router-client) ns=router dev=cli ;;
        router-server) ns=router dev=srv ;;
        router-any) ns=router dev=any link=(-y LINUX_SLL2) ;;
        between) ns=router dev=mid ;;
    esac
    shift
    local raw=$WORK/capture${place:+-$place}
    ip netns exec "lab-$ns" tcpdump -i "$dev" "${link[@]}" -n -Z root -U --immediate-mode -s "${snaplen:-9000}" -B 32768 \
        --time-stamp-precision="${precision:-micro}" -w "$raw.pcap" "${@:-tcp or udp or icmp or icmp6}" 2>"$raw.log" &
    CAPTURES+=($!)
    until grep -q 'listening on' "$raw.log" 2>/dev/null; do sleep 0.02; done
    [ -z "${LIVE:-}" ] || live_start "$ns" "$dev"
}

# With LIVE=path/to/rdpwhy (see `live`), `rdpwhy live` listens at the same place; each of its lines gets the time when it came.
live_start() {
    ip netns exec "lab-$1" "$LIVE" live -i "$2" --all-ports --format ndjson --save-failed "$WORK/live/saved" --save all \
        2>"$WORK/live.log" > >(exec python3 -uc 'import sys, time
for line in sys.stdin: print(time.time(), line, end="")' >"$WORK/lines") &
    LISTENING=$!
    until grep -q 'listening on' "$WORK/live.log" 2>/dev/null; do sleep 0.02; done
}

live_stop() {
    sleep 2.5
    kill "$LISTENING"
    wait "$LISTENING"
    sleep 0.3
    mkdir -p "$OUT/$code/$name.live"
    cp -r "$WORK/live/saved" "$WORK/lines" "$OUT/$code/$name.live"
}

# capture_everywhere [tcpdump filter]: at each of the scenario's `places`, into <name>-<place>
capture_everywhere() {
    local place
    for place in $places; do capture "$place" "$@"; done
}

capture_stop() {
    [ ${#CAPTURES[@]} -gt 0 ] || return 0
    sleep 0.3
    [ -z "${LISTENING:-}" ] || live_stop
    kill "${CAPTURES[@]}" 2>/dev/null
    wait "${CAPTURES[@]}" 2>/dev/null
    CAPTURES=()
    # A capture with holes that no scenario asked for would teach wrong lessons.
    local log
    for log in "$WORK"/capture*.log; do
        grep -q '^0 packets dropped by kernel' "$log" || exit 1
    done
}

# The counts of a `datagram_path`, after the captures have ended.
truth_told() {
    [ -n "$DATAGRAM_PATH" ] || return 0
    kill "$DATAGRAM_PATH"
    wait "$DATAGRAM_PATH" 2>/dev/null
}

# frames FILTER: keep only the frames that a Wireshark display filter chooses.
frames() {
    tshark -r "$WORK/capture.pcap" -Y "$1" -w "$WORK/kept.pcap" -F "$(pcap_kind)" 2>>"$WORK/tshark.log"
    mv "$WORK/kept.pcap" "$WORK/capture.pcap"
}

pcap_kind() { if [ "${precision:-micro}" = nano ]; then echo nsecpcap; else echo pcap; fi; }

# tag NAME=VALUE...: rewrite the frames, e.g. `tag vlan=77` (see peers/rewrite.py)
tag() {
    python3 "$LAB/peers/rewrite.py" "$WORK/capture.pcap" "$WORK/kept.pcap" "$@"
    mv "$WORK/kept.pcap" "$WORK/capture.pcap"
}

# --- faults ---------------------------------------------------------------------------------

# rule NAMESPACE HOOK RULE...: an nftables rule, e.g. `rule router forward tcp dport 3389 drop`
rule() {
    local ns=$1 hook=$2
    shift 2
    in_ns "$ns" nft add table inet lab
    in_ns "$ns" nft "add chain inet lab $hook { type filter hook $hook priority 0; }"
    in_ns "$ns" nft "add rule inet lab $hook $*"
}

# path RULE...: from here on a script forwards IPv4 between client and server, and does what the rules say (peers/path.py)
path() {
    in_ns router ping -q -c1 -W1 $CLIENT4 >/dev/null
    in_ns router ping -q -c1 -W1 $SERVER4 >/dev/null
    in_ns router sysctl -q -w net.ipv4.ip_forward=0
    start router path python3 "$LAB/peers/path.py" cli srv "$@"
    until grep -q ready "$WORK/path.log"; do sleep 0.02; done
}

# datagram_path RULE...: the same for UDP, counting what is lost (peers/datagram_path.py); `capture between` sees the middle of this path
datagram_path() {
    in_ns router ping -q -c1 -W1 $CLIENT4 >/dev/null
    in_ns router ping -q -c1 -W1 $SERVER4 >/dev/null
    in_ns router sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.default.disable_ipv6=1
    ip -n lab-router link add mid type veth peer name mid-end
    ip -n lab-router link set mid-end up
    ip -n lab-router link set mid up
    start router datagram_path python3 "$LAB/peers/datagram_path.py" cli mid srv "$WORK/truth.json" "$@"
    DATAGRAM_PATH=$PID
    until grep -q ready "$WORK/datagram_path.log"; do sleep 0.02; done
}

# signal_to NAMESPACE NAME SIGNAL: the command (for path's `run:`) that sends SIGNAL to every process called NAME there
# (stopping takes a moment: the packet must not be faster)
signal_to() {
    echo "for p in \$(ip netns pids lab-$1); do [ \"\$(cat /proc/\$p/comm)\" = $2 ] && kill -$3 \$p; done; sleep 0.03"
}

# --- peers ----------------------------------------------------------------------------------

# start NAMESPACE LOGNAME COMMAND...: in the background, process id in $PID; reads the file $input, if set
# (`ip netns exec` becomes the command itself)
start() {
    local ns=$1 log=$WORK/$2.log
    shift 2
    ip netns exec "lab-$ns" "$@" <"${input:-/dev/null}" >"$log" 2>&1 &
    PID=$!
}

# at_most SECONDS: wait for the last started process, then end it
at_most() {
    local pid=$PID until=$((SECONDS + $1))
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $until ]; do sleep 0.1; done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null || true
}

bound() { # NAMESPACE UDP-PORT
    local tries=0
    until in_ns "$1" ss -Hlun "sport = :$2" | grep -q .; do
        sleep 0.05
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "nothing is bound to UDP $2" >&2; return 1; }
    done
}

listening() { # NAMESPACE PORT
    local tries=0
    until in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; do
        sleep 0.05
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "nothing listens on $2" >&2; return 1; }
    done
}

# certificate NAME [FROM DAYS]: self-signed, $WORK/NAME.crt and .key
certificate() {
    faketime "${2:-2026-01-01 00:00:00}" openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days "${3:-3650}" \
        -subj "/CN=$1.lab.test" -addext "subjectAltName=DNS:$1.lab.test,IP:$SERVER4,IP:$SERVER6" \
        -keyout "$WORK/$1.key" -out "$WORK/$1.crt" 2>/dev/null
}

# preload NAME COMMAND...: a program that this starts does what peers/NAME.c says
preload() {
    local library=$WORK/$1.so before=${LD_PRELOAD:-}
    [ -e "$library" ] || cc -shared -fPIC -o "$library" "$LAB/peers/$1.c" -ldl
    shift
    export LD_PRELOAD=$library${before:+:$before}
    "$@"
    export LD_PRELOAD=$before
}

# tls12 COMMAND...: a FreeRDP program that this starts speaks TLS 1.2 at most
tls12() { preload tls_limit "$@"; }

# keyed COMMAND...: a program with OpenSSL that this starts tells its TLS secrets; `run` puts them into the capture
keyed() {
    export SSLKEYLOGFILE=$WORK/keys.txt
    preload key_log "$@"
    unset SSLKEYLOGFILE
}

# big_certificate NAME: one that does not fit into two packets
big_certificate() {
    local names
    names=$(printf 'DNS:remote-desktop-session-host-%d.department.lab.test,' {1..40})
    openssl req -x509 -newkey rsa:4096 -nodes -sha256 -days 3650 -subj "/CN=$1.lab.test" \
        -addext "subjectAltName=${names%,}" -keyout "$WORK/$1.key" -out "$WORK/$1.crt" 2>/dev/null
}

# small_link MTU: the router's leg to the client carries no bigger packets, and the client does not know
small_link() { ip -n lab-router link set cli mtu "$1"; }

# xrdp_start [OPTION=VALUE...]: xrdp on port 3389 of the server, with our certificate; options replace lines of xrdp.ini
xrdp_start() {
    [ -e "$WORK/server.crt" ] || certificate server
    local ini=$WORK/xrdp.ini option
    cp /etc/xrdp/xrdp.ini "$ini"
    for option in "certificate=$WORK/server.crt" "key_file=$WORK/server.key" "LogFile=$WORK/xrdp.log" "$@"; do
        if grep -q "^#\?${option%%=*}=" "$ini"; then
            sed -i "s|^#\?${option%%=*}=.*|$option|" "$ini"
        else
            sed -i "s|^\[Globals\]|&\n$option|" "$ini"
        fi
    done
    # In a mount namespace of its own, as `ip netns exec` makes one.
    start server xrdp-console sh -c '[ -z "$1" ] || mount --bind "$1" /etc/xrdp/rsakeys.ini; shift; exec "$@"' sh "${RSA_KEY:-}" \
        xrdp --nodaemon --config "$ini"
    XRDP=$PID
    local port
    port=$(sed -n 's/^port=\([0-9]*\)$/\1/p' "$ini" | head -1)
    listening server "$port"
}

# own_rsa_key BITS: xrdp gets a private key of its own for Standard RDP Security, kept beside the capture
own_rsa_key() {
    RSA_KEY=$WORK/rsakeys.ini
    xrdp-keygen xrdp "$RSA_KEY" "$1"
    mkdir -p "$(folder "$code")"
    cp "$RSA_KEY" "$(folder "$code")/$name.ini"
    chmod 644 "$(folder "$code")/$name.ini"
}

# relayed_xrdp_start RULE... [-- xrdp.ini OPTION...]: xrdp behind a script that changes what it says (peers/relay.py)
relayed_xrdp_start() {
    local rules=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do rules+=("$1"); shift; done
    [ $# = 0 ] || shift
    xrdp_start port=3390 "$@"
    start server relay python3 "$LAB/peers/relay.py" 3389 3390 "$WORK/server.crt" "$WORK/server.key" "${rules[@]}"
    listening server 3389
}

# display NAMESPACE [SIZE]: an X server; sets DISPLAY
display() {
    local number=$WORK/display-$1
    ip netns exec "lab-$1" Xvfb -displayfd 3 -screen 0 "${2:-1024x768}x24" -nolisten tcp 3>"$number" >/dev/null 2>&1 &
    until [ -s "$number" ]; do sleep 0.05; done
    DISPLAY=:$(cat "$number")
    export DISPLAY
}

# shadow_start [OPTION...]: freerdp-shadow-cli on 3389, showing a display of its own; user lab (or $user), password "password"
shadow_start() {
    display server 800x600
    start server clock xclock -update 1 -geometry 500x500
    # NT hash of "password"
    echo "${user-lab}:::8846f7eaee8fb117ad06bdd830b7586c:::" >"$WORK/sam"
    start server shadow freerdp-shadow-cli /port:3389 "/sam-file:$WORK/sam" "$@"
    SHADOW=$PID SCREEN=$DISPLAY
    listening server 3389
    unset DISPLAY
}

# xfreerdp_start HOST [OPTION...]
xfreerdp_start() {
    local host=$1
    shift
    [ -n "${DISPLAY:-}" ] || display client
    start client xfreerdp xfreerdp "/v:$host" "/u:${user-lab}" ${password+"/p:$password"} "/size:${size:-640x480}" "/bpp:${bpp:-16}" "/cert:${cert:-ignore}" "$@"
    XFREERDP=$PID
}

# rdesktop_start HOST [OPTION...]: it asks whether to trust the certificate; the answer is yes
rdesktop_start() {
    local host=$1 input=$WORK/yes
    shift
    printf 'yes\nyes\n' >"$input"
    [ -n "${DISPLAY:-}" ] || display client
    start client rdesktop rdesktop -u lab -g 640x480 -a 16 "$@" "$host"
}

# Close the client's window as a user would.
close_window() { in_ns client python3 "$LAB/peers/close_window.py" "$1"; }

# pointer SECONDS [PAUSE]: the user's hand on the mouse, in the background
pointer() { start client pointer python3 "$LAB/peers/pointer.py" "$@"; }

# peer NAMESPACE NAME listen PORT STEP... | peer NAMESPACE NAME connect HOST PORT STEP...: see peers/peer.py
peer() {
    local ns=$1 name=$2
    shift 2
    start "$ns" "$name" python3 "$LAB/peers/peer.py" "$@"
    [ "$1" = connect ] || listening "$ns" "$2"
}

# named COMMAND...: xfreerdp that this starts has a user and a computer with names of their own, and a password for the one at hand
named() {
    user=flora password=${password-Seerosenblatt} "$@" /d:POND /client-hostname:WS-FROGPOND
}

# rdp_server [OPTION=VALUE...], rdp_client HOST [OPTION=VALUE...]: IronRDP's server and client, keyed (peers/ironrdp)
rdp_server() {
    [ -e "$WORK/server.crt" ] || certificate server
    start server rdp-server "$IRONRDP" server 0.0.0.0:3389 "$WORK/server.crt" "$WORK/server.key" user=flora domain=POND "$@"
    listening server 3389
}

rdp_client() {
    local host=$1
    shift
    SSLKEYLOGFILE=$WORK/keys.txt start client rdp-client "$IRONRDP" client "$host:3389" user=flora domain=POND "$@"
    at_most 8
}

# ironrdp_server [OPTION=VALUE...], ironrdp_client HOST [OPTION=VALUE...]: RDP-UDP by IronRDP (peers/rdpeudp)
ironrdp_server() {
    [ -e "$WORK/server.crt" ] || certificate server
    start server ironrdp-server "$RDPEUDP" server "${at-0.0.0.0}:3389" "$WORK/server.crt" "$WORK/server.key" "$@"
    RDPEUDP_SERVER=$PID
    bound server 3389
}

ironrdp_client() {
    local host=$1
    shift
    start client ironrdp-client "$RDPEUDP" client "$host:3389" "$@"
    RDPEUDP_CLIENT=$PID
}

# datagram_server [OPTION=VALUE...], datagram_client HOST [OPTION=VALUE...]: RDP-UDP by our own peer (peers/datagram_peer.py)
datagram_server() {
    [ -e "$WORK/server.crt" ] || certificate server
    start server datagram-server python3 "$LAB/peers/datagram_peer.py" server 3389 "$WORK/server.crt" "$WORK/server.key" "$@"
    RDPEUDP_SERVER=$PID
    bound server 3389
}

datagram_client() {
    local host=$1
    shift
    start client datagram-client python3 "$LAB/peers/datagram_peer.py" client "$host" "$@"
    RDPEUDP_CLIENT=$PID
}

# sshd_start PORT
sshd_start() {
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh_host"
    mkdir -p /run/sshd
    start server sshd /usr/sbin/sshd -D -e -p "$1" -h "$WORK/ssh_host" -o PidFile=none -o UsePAM=no
    listening server "$1"
}

# healthy_session HOST [xfreerdp option...]: the user looks at the screen for $stay seconds and closes the window
healthy_session() {
    xfreerdp_start "$@"
    sleep "${stay:-2.5}"
    close_window FreeRDP
    at_most 3
}

# noise KIND [PORT]: datagrams both ways that are not RDP-UDP (peers/noise.py)
noise() {
    start server "noise-$1-$2" python3 "$LAB/peers/noise.py" "$1" listen "${2:-3389}"
    bound server "${2:-3389}"
    start client "noise-$1-$2" python3 "$LAB/peers/noise.py" "$1" connect $SERVER4 "${2:-3389}"
    at_most 10
}

# socks_start: a SOCKS5 proxy on the router's 10.77.1.1:1080, by ssh -D to an sshd of its own
socks_start() {
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh_host"
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh_user"
    mkdir -p /run/sshd
    start router sshd /usr/sbin/sshd -D -e -p 22 -h "$WORK/ssh_host" -o PidFile=none -o UsePAM=no -o StrictModes=no \
        -o PermitRootLogin=yes -o AuthorizedKeysFile="$WORK/ssh_user.pub"
    listening router 22
    start router ssh ssh -N -D 10.77.1.1:1080 -i "$WORK/ssh_user" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null root@127.0.0.1
    listening router 1080
}

# gateway_start [OPTION...]: a Remote Desktop Gateway on 443, before a server on port 3389 of the same host (peers/gateway.py)
gateway_start() {
    certificate gateway
    start server gateway python3 "$LAB/peers/gateway.py" 443 "$WORK/gateway.crt" "$WORK/gateway.key" 127.0.0.1:3389 "$@"
    listening server 443
}

# by_gateway [OPTION...]: the user connects to desk.lab.test by way of that gateway
by_gateway() { xfreerdp_start desk.lab.test "/g:$SERVER4" /gu:lab /gp:password /gt:http "$@"; }
