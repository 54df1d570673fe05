"""The configuration of a server: what it may say, and what is wrong with each line."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.errors import JobFileError, UsageError
from storperf.model.access import Scope
from storperf.settings import read_settings
from storperf.web.configuration_file import load_configuration, parse_configuration

WHOLE = """\
listen: 0.0.0.0:5443
tls: {certificate: tls/cert.pem, key: tls/key.pem}
hosts: [bench.example.org]
origins: https://grafana.example.org
networks:
  - {range: 10.20.0.0/24, scope: run}
  - {range: 10.0.0.0/8}
proxies: [192.0.2.1]
limits: {body: 1M, requests_per_s: 50, queued_runs: 20, runs_at_once: 2}
providers:
  local: {kind: local, directories: [/srv/scratch]}
  lab-a: {kind: ssh, inventory: lab-a.yaml}
  cloud:
    kind: heat
    stack: {image: agent, flavor: m1, network: lab}
targets:
  scratch: {directory: /srv/scratch, size: 4G}
  disk: {device: /dev/vdb, serial: S1, destroy: true}
graphites:
  main: {host: carbon.lab}
probes:
  power: {name: power, command: [/opt/power], pattern: '(?P<watts>.*)'}
observed:
  osd: {address: osd.lab}
compatible:
  configurations: local
  targets: {/dev/vdb: {directory: /srv/scratch}}
  networks: [10.20.0.0/24]
  known_hosts: known_hosts
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "lab-a.yaml").write_text("hosts: [10.1.0.5, 10.1.0.6]\n")
    return tmp_path / "serve.yaml"


def faults(text, path):
    with pytest.raises(JobFileError) as caught:
        parse_configuration(text, path)
    assert "a configuration that a server can use" in caught.value.message
    return "\n".join(caught.value.faults)


def test_a_whole_configuration_is_read(path):
    read = parse_configuration(WHOLE, path)
    assert (read.port, read.certificate) == (5443, path.parent / "tls/cert.pem")
    assert [scope for _, scope in read.networks] == [Scope.RUN, Scope.READ]
    assert read.places.providers["lab-a"] == {"kind": "ssh", "hosts": ["10.1.0.5", "10.1.0.6"]}
    assert read.places.directories["local"] == ("/srv/scratch",)
    assert "directories" not in read.places.providers["local"]
    assert read.limits.body_bytes == 1 << 20
    assert read.runs_at_once == 2
    assert read.compatible.known_hosts == (path.parent / "known_hosts",)
    assert read.compatible.targets == {"/dev/vdb": {"directory": "/srv/scratch"}}
    assert not read.shows_tokens()


def test_without_a_file_this_machine_alone_is_served(tmp_path):
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    read = load_configuration(settings, None)
    assert (read.host, read.port, read.networks) == ("127.0.0.1", 5000, ())
    assert read.hosts == frozenset()
    assert not read.places.directories


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lisen: x", "line 1: lisen: unknown key; did you mean 'listen'?"),
        ("a: 1\nlisten: 5000", "line 2: listen: '5000' is no HOST:PORT"),
        ("listen: a:99999", "is no HOST:PORT"),
        ("tls: {certificate: c}", "tls.key: is missing"),
        ("tls: {certificate: c, key: k}\nsocket: s", "leave one out"),
        ("networks: [{range: 10.0.0.5/8}]", "is no range of addresses"),
        ("networks: [{range: 10.0.0.0/8, scope: root}]", "'root' is not one of read, run, admin"),
        ("origins: ['*']", "is not an address"),
        ("origins: ['http://a/b']", "is no origin"),
        ("proxies: [everybody]", "proxies"),
        ("limits: {body: 0}", "is not between"),
        ("providers: {a: {kind: ssh, hostz: [h]}}", "providers.a.hostz: unknown key"),
        ("providers: {a: {inventory: no.yaml}}", "cannot be read"),
        ("providers: {a: {kind: local, directories: [scratch]}}", "is no absolute directory"),
        ("providers: {a: {kind: local, directories: [/a/../b]}}", "is no absolute directory"),
        ("providers: [a]", "must be a mapping of names"),
        ("targets: {'a b': {null_engine: true}}", "cannot be a name"),
        ("targets: {a: {device: /dev/vdb}}", "targets.a"),
        ("targets: {a: {directory: d, dvice: x}}", "targets.a.dvice: unknown key"),
        ("graphites: {a: {port: 99999}}", "graphites.a.port"),
        ("probes: {a: {name: a, comand: [x]}}", "probes.a.comand: unknown key"),
        ("observed: {a: {adress: x}}", "observed.a"),
        ("compatible: {configurations: swift}", "compatible.configurations"),
        ("compatible: {targets: {/dev/vdb: {device: /dev/vdb}}}", "compatible.targets./dev/vdb"),
        ("hosts:", "has no value"),
        ("hosts: &a [b]\norigins: *a", "aliases"),
        ("- listen", "must be a mapping"),
        ("", "empty"),
    ],
)
def test_each_fault_is_told_with_its_line(path, text, says):
    assert says in faults(text, path)


def test_all_faults_are_told_at_once(path):
    told = faults("lisen: x\nhots: [y]\ntargets: {a: {device: x}}\n", path)
    assert len(told.splitlines()) >= 3


def test_a_file_that_everybody_may_write_is_not_believed(tmp_path):
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    path = tmp_path / "serve.yaml"
    path.write_text("listen: 127.0.0.1:5001\n")
    assert load_configuration(settings, path).port == 5001
    path.chmod(0o666)
    with pytest.raises(UsageError, match="everybody may write"):
        load_configuration(settings, path)
    with pytest.raises(UsageError, match="cannot read"):
        load_configuration(settings, Path(tmp_path / "nothing.yaml"))


@pytest.mark.parametrize(
    ("listen", "shows"),
    [("127.0.0.1:1", False), ("localhost:1", False), ("'[::1]:1'", False), ("10.0.0.1:1", True)],
)
def test_tokens_on_a_wire_are_noticed(path, listen, shows):
    assert parse_configuration(f"listen: {listen}\n", path).shows_tokens() is shows
