# Writes every configuration file under $ETC; sourced by up.sh after lib.sh.

# common SERVICE : sections that all services share (keystone ignores the auth ones)
common() {
    cat <<C
[DEFAULT]
transport_url = rabbit://guest:guest@$IP:$RABBIT_PORT/
state_path = $STATE/$1
use_stderr = true
[database]
connection = mysql+pymysql://lab:$PASS@$IP:$DB_PORT/$1?charset=utf8mb4
[oslo_concurrency]
lock_path = $STATE/$1/lock
[oslo_messaging_notifications]
driver = noop
[keystone_authtoken]
www_authenticate_uri = http://$IP:5000/v3
service_token_roles = service
service_token_roles_required = true
$(auth $1)
C
    mkdir -p "$STATE/$1/lock"
}

# auth USER : how a service logs in to Keystone
auth() {
    cat <<C
auth_type = password
auth_url = http://$IP:5000/v3
username = $1
password = $PASS
project_name = service
user_domain_id = default
project_domain_id = default
region_name = RegionOne
C
}

cat >"$ETC/clouds.yaml" <<C
clouds:
  lab:
    auth: {auth_url: 'http://$IP:5000/v3', username: admin, password: $PASS, project_name: admin,
           user_domain_id: default, project_domain_id: default}
    region_name: RegionOne
    identity_api_version: 3
  # a project with quotas of its own and a user with the role member alone (bin/seed.py)
  bench:
    auth: {auth_url: 'http://$IP:5000/v3', username: bench, password: $PASS, project_name: bench,
           user_domain_id: default, project_domain_id: default}
    region_name: RegionOne
    identity_api_version: 3
C
cat >"$ETC/openrc" <<C
export OS_AUTH_URL=http://$IP:5000/v3 OS_USERNAME=admin OS_PASSWORD=$PASS OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default OS_REGION_NAME=RegionOne OS_IDENTITY_API_VERSION=3
C
export OS_CLIENT_CONFIG_FILE=$ETC/clouds.yaml

{ common keystone; cat <<C
[token]
provider = fernet
[fernet_tokens]
key_repository = $STATE/keystone/fernet-keys
[identity]
# cheap hashes: every service logs in often, and there are two cores
password_hash_rounds = 4
[credential]
key_repository = $STATE/keystone/credential-keys
C
} >"$ETC/keystone.conf"

{ common heat; cat <<C
[DEFAULT]
# A worker keeps a thread for every event of a stack (27.0 never takes them out of its list) and
# refuses the 1001st: 50 agents with two volumes have 1200 until they are gone.
num_engine_workers = 3
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = $PASS
auth_encryption_key = 0123456789abcdef0123456789abcdef
# The PyPI package puts these into the virtual environment; Heat would look in /etc/heat.
environment_dir = $VENV/etc/heat/environment.d
template_dir = $VENV/etc/heat/templates
[paste_deploy]
api_paste_config = $VENV/etc/heat/api-paste.ini
[trustee]
auth_type = password
auth_url = http://$IP:5000/v3
username = heat
password = $PASS
user_domain_id = default
[clients_keystone]
auth_uri = http://$IP:5000
C
} >"$ETC/heat.conf"

[ "$LEVEL" -ge 2 ] || return 0

# As root there is no need of sudo or rootwrap: privsep daemons are started directly.
privsep() { for s in "$@"; do printf '[%s]\nhelper_command = privsep-helper\n' $s; done; }

{ common placement; cat <<C
[placement_database]
connection = mysql+pymysql://lab:$PASS@$IP:$DB_PORT/placement?charset=utf8mb4
[api]
auth_strategy = keystone
C
} >"$ETC/placement.conf"

{ common glance; cat <<C
[DEFAULT]
enabled_backends = file:file
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = $STATE/glance/images
[paste_deploy]
flavor = keystone
config_file = $VENV/etc/glance/glance-api-paste.ini
C
} >"$ETC/glance-api.conf"
mkdir -p "$STATE/glance/images"

{ common cinder; cat <<C
[DEFAULT]
my_ip = $IP
host = lab
auth_strategy = keystone
api_paste_config = $VENV/etc/cinder/api-paste.ini
resource_query_filters_file = $VENV/etc/cinder/resource_filters.json
enabled_backends = $CINDER_BACKEND
default_volume_type = lab
glance_api_servers = http://$IP:9292
# The scheduler knows no back end until it hears of one; with the default of 60 s the first volumes fail.
backend_stats_polling_interval = 5
# the LVM driver needs device mapper; this one logs the calls instead
[fake]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = lab
[ceph]
volume_driver = cinder.volume.drivers.rbd.RBDDriver
volume_backend_name = lab
rbd_pool = volumes
rbd_ceph_conf = $ETC/ceph.conf
[coordination]
backend_url = file://$STATE/cinder/coordination
[nova]
$(auth nova)
[service_user]
send_service_user_token = true
$(auth cinder)
C
privsep privsep cinder_sys_admin privsep_osbrick
} >"$ETC/cinder.conf"

{ common neutron; cat <<C
[DEFAULT]
core_plugin = ml2
# routers and floating IPs as objects: no agent carries their packets
service_plugins = router
auth_strategy = keystone
api_paste_config = $VENV/etc/neutron/api-paste.ini
dhcp_agent_notification = false
[ml2]
type_drivers = flat,local
tenant_network_types = local
mechanism_drivers = labtap
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[nova]
$(auth nova)
[service_user]
send_service_user_token = true
$(auth neutron)
C
privsep privsep
} >"$ETC/neutron.conf"

mkdir -p "$STATE/nova/instances"
{ common nova; cat <<C
[DEFAULT]
my_ip = $IP
# Nova refuses to change the driver of a host that it knows, so each level is a host of its own
host = lab$LEVEL
compute_driver = $NOVA_DRIVER
instances_path = $STATE/nova/instances
# no agent reports a plugged port (see labtap.py)
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# no metadata service: keys, user data and addresses travel on the config drive
force_config_drive = true
[database]
connection = mysql+pymysql://lab:$PASS@$IP:$DB_PORT/nova_cell1?charset=utf8mb4
[api_database]
connection = mysql+pymysql://lab:$PASS@$IP:$DB_PORT/nova_api?charset=utf8mb4
[api]
auth_strategy = keystone
[vnc]
enabled = false
[libvirt]
# A PVM host (KVM without VT-x/SVM) starts no stock guest kernel, so emulation unless told otherwise.
virt_type = ${VIRT_TYPE:-qemu}
cpu_mode = none
connection_uri = $LIBVIRT_URI
[conductor]
workers = 1
[scheduler]
workers = 1
[placement]
$(auth placement)
[neutron]
$(auth neutron)
[glance]
$(auth glance)
[cinder]
$(auth cinder)
[service_user]
# Cinder refuses to detach a volume that an instance uses without Nova's service token
send_service_user_token = true
$(auth nova)
C
privsep privsep nova_sys_admin vif_plug_ovs_privileged privsep_osbrick
} >"$ETC/nova.conf"
