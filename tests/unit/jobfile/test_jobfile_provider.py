"""The keys of `provider`: hosts, inventories, and what an untrusted job file may not name."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.engine.job_files import place_targets
from storperf.errors import JobFileError
from storperf.jobfile.inventory import parse_inventory
from storperf.jobfile.parse import parse_job
from storperf.model.host import HostTarget, SshHost
from storperf.model.job import OnLostAgent, Origin
from storperf.plan import plan_job

TEXT = "name: n\ntarget: {directory: /data}\nworkloads: [rr]\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgpdKbpDH9BwQBMDBvpKY2k8yTQYlNqzXkl9P"
INVENTORY = f"""
hosts:
  - 10.0.0.1
  - {{address: "2001:db8::7", name: left, port: 2222, user: lab, key: keys/lab,
     host_key: "{KEY} comment", sudo: true, folder: ~/agents,
     target: {{directory: /mnt/nvme}}, labels: {{rack: "7"}}}}
"""


def faults_of(text, **more):
    with pytest.raises(JobFileError) as caught:
        parse_job(text, source="x", **more)
    return " / ".join(caught.value.faults)


def test_an_inventory_s_hosts_come_in_their_order_and_stand_in_the_text_that_is_kept():
    text = f"{TEXT}provider: {{kind: ssh, inventory: lab.yaml}}\nmatrix: {{agents: [1, 2]}}\n"
    job = parse_job(text, source="x", open_file={"lab.yaml": INVENTORY}.__getitem__)
    expected = (
        SshHost(address="10.0.0.1"),
        SshHost(
            address="2001:db8::7",
            name="left",
            port=2222,
            user="lab",
            key="keys/lab",
            host_key=KEY,
            sudo=True,
            folder="~/agents",
            target=HostTarget(path="/mnt/nvme"),
            labels=(("rack", "7"),),
        ),
    )
    assert job.provider.hosts == expected == parse_inventory(INVENTORY, "lab.yaml")
    again = parse_job(job.text, source="x")
    assert again.provider == job.provider
    assert place_targets(job, Path("/srv")).provider.hosts[1].key == "/srv/keys/lab"
    assert place_targets(job, Path("/srv")).sides[0].targets[0].path == "/data"


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        ("{kind: ssh}", "`kind: ssh` needs `hosts`"),
        ("{on_lost_agent: wait}", "'wait' is not one of fail, go_on"),
        ("{lease: 2s}", "provider.lease"),
        ("{patience: 2d}", "provider.patience"),
        ("{hosts: [h]}", "provider.hosts: belongs to `kind: ssh`"),
        ("{install_fio: true}", "provider.install_fio: belongs to `kind: ssh`"),
        ("{kind: ssh, hosts: []}", "the list is empty"),
        ("{kind: ssh, hosts: [{adress: h}]}", "provider.hosts[0].adress: unknown key; did you"),
        ("{kind: ssh, hosts: [{port: 22}]}", "provider.hosts[0].address: is missing"),
        ("{kind: ssh, hosts: ['a b; c']}", "is not a host's name or address"),
        (
            "{kind: ssh, hosts: [{address: h, key: k, password_env: P}]}",
            "key and password_env exclude each other",
        ),
        ("{kind: ssh, hosts: [{address: h, password_env: hunter-2}]}", "is no name of an environ"),
        ("{kind: ssh, hosts: [{address: h, host_key: x}]}", "is no public key"),
        ("{kind: ssh, hosts: [{address: h, folder: x}]}", "must be an absolute path on the host"),
        (
            "{kind: ssh, hosts: [{address: h, target: {device: /dev/vdb}}]}",
            "its target needs `directory` alone",
        ),
        (
            "{kind: ssh, hosts: [{address: h, target: {directory: data}}]}",
            "must be an absolute path",
        ),
        ("{kind: ssh, hosts: [h], inventory: x}", "`inventory` and `hosts` exclude each other"),
        ("{kind: ssh, inventory: x}", "'x' cannot be read: no such file"),
        (
            "{kind: ssh, hosts: [h], fio_binary: x, install_fio: true}",
            "`fio_binary` is brought already",
        ),
    ],
)
def test_what_is_wrong_with_a_provider_is_told(provider, fault):
    def open_file(_name):
        raise ValueError("no such file")

    assert fault in faults_of(f"{TEXT}provider: {provider}\n", open_file=open_file)


def test_the_choice_of_a_lost_agent_is_read_and_is_no_part_of_the_fingerprint():
    plain = parse_job(TEXT, source="x")
    assert plain.provider.on_lost_agent is OnLostAgent.FAIL
    assert (plain.provider.patience_s, plain.provider.lease_s) == (None, 1800)
    text = f"{TEXT}provider: {{on_lost_agent: go_on, patience: 10m, lease: 1h}}\n"
    chosen = parse_job(text, source="x")
    assert chosen.provider.on_lost_agent is OnLostAgent.GO_ON
    assert (chosen.provider.patience_s, chosen.provider.lease_s) == (600, 3600)
    assert plan_job(chosen).steps[0].fingerprint == plan_job(plain).steps[0].fingerprint


def test_a_relative_directory_is_no_place_on_a_host():
    text = TEXT.replace("/data", "data") + "provider: {kind: ssh, hosts: [h]}\n"
    assert "must be an absolute path, for it is on the host" in faults_of(text)


def test_more_agents_than_hosts_are_refused():
    text = f"{TEXT}provider: {{kind: ssh, hosts: [h, i]}}\nmatrix: {{agents: [2, 3]}}\n"
    assert "matrix.agents[1]: provider has 2 hosts" in faults_of(text)


def test_several_agents_on_one_export_are_refused():
    target = "target: {nbd: 'nbd://s/e', size: 1G, destroy: true}"
    text = TEXT.replace("target: {directory: /data}", target)
    text += "provider: {kind: ssh, hosts: [h, i]}\nmatrix: {agents: [1, 2]}\n"
    assert "matrix.agents[1]: all agents would write to the same blocks" in faults_of(text)


@pytest.mark.parametrize(
    "provider",
    [
        "{kind: ssh, hosts: [h]}",
        "{kind: ssh, hosts: [{address: h, key: /keys/lab}]}",
        "{kind: ssh, hosts: [h], fio_binary: /bin/true}",
        "{kind: ssh, hosts: [h], install_fio: true}",
        "{fio: /bin/true}",
        "{lease: 7d}",
        "{patience: 1d}",
        "{on_lost_agent: go_on}",
    ],
)
def test_an_untrusted_job_file_names_no_machine_key_or_program(provider):
    text = f"name: n\ntarget: {{directory: d}}\nworkloads: [rr]\nprovider: {provider}\n"
    assert "untrusted job file" in faults_of(text, origin=Origin.UNTRUSTED)


@pytest.mark.parametrize("text", ["hosts: []", "hosts: [{address: h, prot: 1}]", "x: 1", "[]"])
def test_what_is_no_inventory_is_refused(text):
    with pytest.raises(JobFileError, match=r"lab\.yaml"):
        parse_inventory(text, "lab.yaml")


PAIRED = TEXT + "reference: {directory: /old}\n"


def test_each_host_may_have_its_own_reference():
    hosts = "[{address: a, reference: {directory: /mnt/old}}, b]"
    job = parse_job(f"{PAIRED}provider: {{kind: ssh, hosts: {hosts}}}\n", source="x")
    assert [host.reference for host in job.provider.hosts] == [HostTarget(path="/mnt/old"), None]


@pytest.mark.parametrize(
    ("text", "host", "fault"),
    [
        (TEXT, "{address: h, reference: {directory: /old}}", "the job has no `reference`"),
        (PAIRED, "{address: h, reference: {device: /dev/vdb}}", "its reference needs `directory`"),
        (PAIRED, "{address: h, reference: {directory: old}}", "must be an absolute path"),
        (PAIRED, "{address: h, reference: {directory: /o, serial: s}}", "belongs to a device"),
        (PAIRED.replace("/old", "old"), "h", "reference.directory must be an absolute path"),
    ],
)
def test_a_reference_that_is_in_no_place_of_a_host_is_refused(text, host, fault):
    assert fault in faults_of(f"{text}provider: {{kind: ssh, hosts: [{host}]}}\n")


@pytest.mark.parametrize("place", ["{directory: /etc}", "{directory: ../x}"])
def test_an_untrusted_job_file_names_no_reference_of_this_machine(place):
    text = f"name: n\ntarget: {{directory: d}}\nworkloads: [rr]\nreference: {place}\n"
    assert "untrusted job file" in faults_of(text, origin=Origin.UNTRUSTED)
