#!/bin/bash
# Bring the lab up; returns when every part answers. Idempotent.
# Needs no network: install.sh and agent_image/build.sh have fetched everything.
# usage: [LAB_DIR=dir] [LEVEL=1|2|3] [VIRT_TYPE=qemu|kvm] ./up.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
# 1: Keystone and Heat; 2: everything, with fake servers and volumes; 3: QEMU servers, Ceph volumes
export LEVEL=${LEVEL:-3}
[ "$LEVEL" -lt 3 ] || [ -s "$IMAGE/storperf-agent.qcow2" ] || die "no guest image: run agent_image/build.sh first"
NOVA_DRIVER=fake.FakeDriver CINDER_BACKEND=fake
[ "$LEVEL" -ge 3 ] && NOVA_DRIVER=libvirt.LibvirtDriver CINDER_BACKEND=ceph
. "$HERE/conf.sh"

# once MARK COMMAND... : run a step one time in the life of the state. "set -e" does not reach into
# a function called before "||", so the steps chain their commands with &&.
once() {
    local mark=$1; shift
    [ -e "$STATE/done.$mark" ] && return 0
    "$@" >>"$LOGS/$mark.log" 2>&1 || die "$mark failed (see $LOGS/$mark.log)"
    touch "$STATE/done.$mark"
    say "$mark done"
}

# --- MariaDB: durability off, this data is thrown away
if [ ! -d "$STATE/mysql/mysql" ]; then
    mkdir -p "$STATE/mysql"
    mariadb-install-db --no-defaults --user=root --auth-root-authentication-method=normal \
        --datadir="$STATE/mysql" --skip-test-db >"$LOGS/mariadb-install.log" 2>&1
fi
start mariadb mariadbd --no-defaults --user=root --datadir="$STATE/mysql" --socket="$DB_SOCK" \
    --pid-file="$STATE/mysql/own.pid" --bind-address=$IP --port=$DB_PORT --skip-name-resolve \
    --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --skip-log-bin --max-connections=1000

[ -f "$ETC/id_lab" ] || ssh-keygen -q -t ed25519 -N '' -C lab -f "$ETC/id_lab"     # a key for the guests

# --- RabbitMQ, called past Debian's wrapper, which wants to be the user rabbitmq
mkdir -p "$STATE/rabbit"; echo '[].' >"$ETC/rabbit-plugins"
epmd=$((RABBIT_PORT-10000))
start epmd epmd -address $IP -port $epmd          # else RabbitMQ would leave one behind
start rabbitmq env HOME="$STATE/rabbit" RABBITMQ_NODENAME=lab@localhost RABBITMQ_NODE_IP_ADDRESS=$IP \
    RABBITMQ_NODE_PORT=$RABBIT_PORT RABBITMQ_DIST_PORT=$((RABBIT_PORT+20000)) \
    ERL_EPMD_ADDRESS=$IP ERL_EPMD_PORT=$epmd RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_MNESIA_BASE="$STATE/rabbit" RABBITMQ_LOG_BASE="$LOGS" RABBITMQ_LOGS=- \
    RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/rabbit-plugins" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}" \
    /usr/lib/rabbitmq/bin/rabbitmq-server

wait_for 60 MariaDB sql -e 'select 1'
for db in keystone heat placement glance cinder neutron nova_api nova_cell0 nova_cell1; do
    sql -e "create database if not exists $db character set utf8mb4"
done
sql -e "create user if not exists lab@'$IP' identified by '$PASS'; grant all on *.* to lab@'$IP'"
say "MariaDB up"

# --- Keystone
keystone_setup() {
    local c="keystone-manage --config-file $ETC/keystone.conf"
    $c db_sync &&
    $c fernet_setup --keystone-user root --keystone-group root &&
    $c credential_setup --keystone-user root --keystone-group root &&
    $c bootstrap --bootstrap-password "$PASS" --bootstrap-region-id RegionOne \
        --bootstrap-public-url http://$IP:5000/v3 --bootstrap-internal-url http://$IP:5000/v3 \
        --bootstrap-admin-url http://$IP:5000/v3
}
once keystone-setup keystone_setup
# a PyPI Keystone finds its file by this variable only
OS_KEYSTONE_CONFIG_FILES=$ETC/keystone.conf wsgi keystone 5000 keystone.wsgi.api "$ETC/keystone.conf"
wait_for 60 Keystone http_ok http://$IP:5000/v3
say "Keystone up"

# --- users, services, endpoints
once register-1 python3 "$HERE/bin/register.py" "$PASS" \
    "heat:orchestration:http://$IP:8004/v1/%(project_id)s"

# --- Heat
once heat-db heat-manage --config-file "$ETC/heat.conf" db_sync
wait_for 60 RabbitMQ bash -c "exec 3<>/dev/tcp/$IP/$RABBIT_PORT"
say "RabbitMQ up"
wsgi heat-api 8004 heat.wsgi.api "$ETC/heat.conf"
start heat-engine heat-engine --config-file "$ETC/heat.conf"
wait_for 60 heat-api http_ok http://$IP:8004/
wait_for 60 heat-engine openstack --os-cloud lab orchestration service list
say "Heat up"
[ "$LEVEL" -ge 2 ] || once seed-1 python3 "$HERE/bin/seed.py" "$IMAGE" "$PASS"
[ "$LEVEL" -ge 2 ] || { say "level 1 ready: export OS_CLIENT_CONFIG_FILE=$ETC/clouds.yaml"; exit 0; }

# --- Glance, Placement, Cinder, Neutron, Nova
once register-2 python3 "$HERE/bin/register.py" "$PASS" \
    "placement:placement:http://$IP:8778" "glance:image:http://$IP:9292" \
    "cinder:block-storage:http://$IP:8776/v3" "neutron:network:http://$IP:9696" \
    "nova:compute:http://$IP:8774/v2.1"
export OS_PLACEMENT_CONFIG_DIR=$ETC OS_GLANCE_CONFIG_DIR=$ETC OS_NOVA_CONFIG_DIR=$ETC \
    OS_NEUTRON_CONFIG_DIR=$ETC OS_NEUTRON_CONFIG_FILES=neutron.conf \
    OS_NOVA_CONFIG_FILES="$VENV/etc/nova/api-paste.ini;nova.conf"   # nova takes the first as paste file
nova_db() {
    local c="nova-manage --config-file $ETC/nova.conf" db=mysql+pymysql://lab:$PASS@$IP:$DB_PORT
    $c api_db sync &&
    $c cell_v2 map_cell0 --database_connection "$db/nova_cell0?charset=utf8mb4" &&
    { $c cell_v2 create_cell --name cell1 || [ $? = 2 ]; } &&      # 2: it exists
    $c db sync
}
# The migrations are most of a first start's time; nova's take as long as the others together.
once nova-db nova_db & nova_db_pid=$!
once placement-db placement-manage --config-file "$ETC/placement.conf" db sync
once glance-db glance-manage --config-file "$ETC/glance-api.conf" db_sync
once cinder-db cinder-manage --config-file "$ETC/cinder.conf" db sync
once neutron-db neutron-db-manage --config-file "$ETC/neutron.conf" upgrade heads
wait $nova_db_pid || die "nova-db failed"

[ "$LEVEL" -ge 3 ] && . "$HERE/backends.sh"
wsgi placement 8778 placement.wsgi.api
wsgi glance 9292 glance.wsgi.api
wsgi cinder-api 8776 cinder.wsgi.api "$ETC/cinder.conf"
wsgi neutron 9696 neutron.wsgi.api
wsgi nova-api 8774 nova.wsgi.osapi_compute
start cinder-scheduler cinder-scheduler --config-file "$ETC/cinder.conf"
start cinder-volume cinder-volume --config-file "$ETC/cinder.conf"
start nova-conductor nova-conductor --config-file "$ETC/nova.conf"
start nova-scheduler nova-scheduler --config-file "$ETC/nova.conf"
for p in 8778 9292 8776/ 9696 8774/; do wait_for 90 "port $p" http_ok http://$IP:$p; done
say "APIs up"
start nova-compute nova-compute --config-file "$ETC/nova.conf"

# --- ready when the scheduler can place a server: compute mapped to the cell, all services up
host_mapped() {
    nova-manage --config-file "$ETC/nova.conf" cell_v2 discover_hosts >/dev/null 2>&1
    python3 "$HERE/bin/health.py"
}
wait_for 120 "nova and cinder services" host_mapped
once seed-$LEVEL python3 "$HERE/bin/seed.py" "$IMAGE" "$PASS"
python3 "$HERE/bin/health.py"
say "level $LEVEL ready: export OS_CLIENT_CONFIG_FILE=$ETC/clouds.yaml"
