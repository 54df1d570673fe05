# Common settings and helpers; sourced by the other scripts.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Everything that the lab writes is under LAB_DIR.  Its sockets' paths must stay short (108 bytes).
export LAB_DIR=${LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/openstack-lab}
PASS=${LAB_PASSWORD:-labsecret}         # one password for every account; all is on loopback
VENV=${LAB_VENV:-$LAB_DIR/venv} IMAGE=${LAB_IMAGE:-$LAB_DIR/image}    # what several labs may share
ETC=$LAB_DIR/etc STATE=$LAB_DIR/state LOGS=$LAB_DIR/logs RUN=$LAB_DIR/run
IP=127.0.0.1
DB_SOCK=$RUN/mariadb.sock
# Own ports for the shared back ends, so that a database or broker of the machine is not met.
DB_PORT=${DB_PORT:-13306} RABBIT_PORT=${RABBIT_PORT:-15673}
# Guests' network: a bridge without uplink (level 3). Must agree with bin/seed.py.
BRIDGE=${BRIDGE:-labbr0} NET_GATEWAY=10.77.0.1
LIBVIRT_URI="qemu+unix:///system?socket=$RUN/libvirt/libvirt-sock"
PATH=$VENV/bin:$PATH

# LAB_NETNS=name puts the whole lab, the guests' bridge too, into a network namespace of its own;
# its clients then run under "ip netns exec name".
if [ -n "${LAB_NETNS:-}" ] && [ "$(ip netns identify $$)" != "$LAB_NETNS" ]; then
    ip netns list | grep -qw "$LAB_NETNS" || ip netns add "$LAB_NETNS"
    ip -n "$LAB_NETNS" link set lo up
    exec ip netns exec "$LAB_NETNS" "$0" "$@"
fi

mkdir -p "$ETC" "$STATE" "$LOGS" "$RUN"

say() { printf '%s [%4ds] %s\n' "$(date +%T)" "$SECONDS" "$*"; }
die() { say "ERROR: $*" >&2; exit 1; }

alive() { [ -s "$RUN/$1.pid" ] && kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# start NAME COMMAND... : run in a session of its own, remember the PID, log to logs/NAME.log
# How it was started is kept too: services write over what /proc says of that.
start() {
    local name=$1; shift
    alive "$name" && return 0
    printf '%s\0' "$@" >"$RUN/$name.argv"
    env -0 >"$RUN/$name.env"
    setsid nohup "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
    echo $! >"$RUN/$name.pid"
}

# stop NAME... : TERM the process groups, KILL what is left after 10 s. Only PIDs that we recorded.
stop() {
    local n pid end=$((SECONDS+10))
    for n in "$@"; do [ -s "$RUN/$n.pid" ] && kill -TERM -- "-$(cat "$RUN/$n.pid")" 2>/dev/null; done
    for n in "$@"; do
        [ -s "$RUN/$n.pid" ] || continue
        pid=$(cat "$RUN/$n.pid")
        while kill -0 -- "-$pid" 2>/dev/null; do
            [ $SECONDS -ge $end ] && kill -KILL -- "-$pid" 2>/dev/null
            sleep 0.2
        done
        rm -f "$RUN/$n.pid"
    done
    return 0
}

# wait_for SECONDS TEXT COMMAND... : poll until the command succeeds
wait_for() {
    local limit=$1 what=$2 end f n; shift 2; end=$((SECONDS+limit))
    until "$@" >/dev/null 2>&1; do
        for f in "$RUN"/*.pid; do
            n=$(basename "$f" .pid); alive "$n" || die "$n died while waiting for $what (see $LOGS/$n.log)"
        done
        [ $SECONDS -ge $end ] && die "$what not ready after ${limit}s (see $LOGS)"
        sleep 0.3
    done
}

# any HTTP answer counts: nova and heat answer 300 or 401 without a token
http_ok() { curl -s -o /dev/null --max-time 10 "$1"; }

sql() { mariadb --no-defaults -S "$DB_SOCK" -u root "$@"; }

# wsgi NAME PORT MODULE CONFIG [CONFIG...] : one API under uWSGI on loopback
wsgi() {
    local name=$1 port=$2 module=$3 args= c; shift 3
    for c in "$@"; do args="$args --config-file $c"; done
    start "$name" uwsgi --http-socket $IP:$port --module "$module:application" \
        --master --processes 1 --threads ${API_THREADS:-4} --enable-threads --lazy-apps --need-app \
        --die-on-term --buffer-size 65535 --add-header 'Connection: close' \
        --set start-time=%t --log-master --disable-logging --pyargv "${args# }"
}
