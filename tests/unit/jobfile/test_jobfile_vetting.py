"""What a request may ask for: names of the server's configuration, and nothing of the host."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.errors import JobFileError, StorperfError
from storperf.jobfile.parse import parse_job
from storperf.jobfile.places import Places, is_below
from storperf.jobfile.source import read_source
from storperf.jobfile.vetting import vet
from storperf.model.job import Origin
from storperf.workloads.suites import SUITES

PLACES = Places(
    providers={
        "lab-a": {
            "kind": "ssh",
            "fio": "/opt/fio",
            "hosts": [{"address": "10.1.0.5", "key": "/etc/storperf/lab-a.key"}],
        },
        "cloud": {
            "kind": "heat",
            "stack": {"image": "agent", "flavor": "m1", "network": "lab"},
        },
    },
    targets={
        "scratch": {"directory": "/srv/scratch", "size": "64M"},
        "disk": {"device": "/dev/vdb", "serial": "S1", "destroy": True},
        "twin": {"device": "/dev/vdc", "serial": "S2", "destroy": True},
    },
    graphites={"main": {"host": "carbon.lab", "web": "http://graphite.lab"}},
    probes={"power": {"name": "power", "command": ["/opt/power"], "pattern": "(?P<watts>.*)"}},
    observed={"osd": {"address": "osd.lab"}},
    directories={"local": ("/srv/bench",), "lab-a": ("/mnt",)},
)
JOB = "name: n\nworkloads: [rr]\n"


def vetted(text, **more):
    return vet(text, places=PLACES, library=SUITES, **more)


def refused(text, **more):
    with pytest.raises(JobFileError) as caught:
        vetted(text, **more)
    return "\n".join(caught.value.faults)


def trusted(text):
    return parse_job(text, source="x", origin=Origin.TRUSTED)


def test_names_become_what_the_configuration_says():
    text = vetted(JOB + "provider: lab-a\ntarget: disk\nreference: twin\ngraphite: main\n")
    job = trusted(text)
    assert job.provider.hosts[0].key == "/etc/storperf/lab-a.key"
    assert [side.targets[0].path for side in job.sides] == ["/dev/vdb", "/dev/vdc"]
    assert job.graphite.host == "carbon.lab"


def test_a_name_may_come_out_of_a_variable():
    text = vetted(
        JOB + "variables: {where: disk}\ntarget: ${where}\n", variables={"where": "scratch"}
    )
    assert trusted(text).sides[0].targets[0].path == "/srv/scratch"


def test_probes_and_observed_hosts_are_named():
    job = trusted(vetted(JOB + "target: scratch\nprobes: power\nobserve: [osd]\n"))
    assert job.probes[0].name == "power"
    assert job.observe[0].host.address == "osd.lab"


def test_beside_a_target_its_size_alone_can_stand():
    text = vetted(JOB + "target: {place: scratch, size: 8M, nrfiles: 2}\n")
    target = trusted(text).sides[0].targets[0]
    assert (target.size_bytes, target.nrfiles) == (8 << 20, 2)
    assert "cannot stand beside" in refused(JOB + "target: {place: disk, device: /dev/sda}\n")
    assert "cannot stand beside" in refused(JOB + "target: {place: disk, mkfs: {type: xfs}}\n")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("target: {device: /dev/sda, serial: S, destroy: true}", "may name no device"),
        ("target: disc", "did you mean 'disk'"),
        ("target: {place: [disk]}", "names no target"),
        ("target: scratch\nreference: {directory: /etc}", "only below /srv/bench"),
        ("target: {directory: /etc}", "only below /srv/bench"),
        ("target: {directory: scratch}", "only below /srv/bench"),
        ("target: {directory: /srv/bench/../../etc}", "only below /srv/bench"),
        ("target: {directory: /srv/benchmark}", "only below /srv/bench"),
        ("target: {directory: /mnt}", "only below /srv/bench"),
        ("provider: cloud\ntarget: {directory: /mnt}", "nowhere with this provider"),
        ("target: {nbd: 'nbd://10.0.0.1/x', size: 1G, destroy: true}", "may name no server"),
        ("target: {rbd: {pool: p, image: i}, size: 1G, destroy: true}", "may name no server"),
        ("target: scratch\nprovider: lab-b", "did you mean 'lab-a'"),
        ("target: scratch\nprovider: {kind: ssh, hosts: [10.0.0.1]}", "may not name machines"),
        ("target: scratch\nprovider: {fio: /tmp/evil}", "may not choose the program"),
        ("target: scratch\nprovider: {kind: ssh, inventory: /etc/passwd}", "cannot be read"),
        (
            "target: scratch\nprovider: {kind: heat, stack: {image: i, flavor: f, network: n}}",
            "may not name machines",
        ),
        ("target: scratch\nprovider: {lease: 7d}", "is not possible"),
        ("target: scratch\ngraphite: {host: 169.254.169.254, port: 80}", "may name no server"),
        ("target: scratch\ngraphite: mine", "did you mean 'main'"),
        (
            "target: scratch\nprobes: [{name: p, command: [id], pattern: '(?P<x>.)'}]",
            "not name commands",
        ),
        ("target: scratch\nprobes: [power, {name: p, nagios: [id]}]", "probe"),
        ("target: scratch\nprobes: [{probe: power, command: [id]}]", "no probe is called"),
        ("target: scratch\nprobes: disk", "names no probes"),
        ("target: scratch\nobserve: [10.0.0.1]", "names no observe"),
        ("target: scratch\nobserve: [{address: h, key: /etc/ssh/id}]", "not name machines"),
        ("target: disk\nprecondition: {purge: true}", "is not possible"),
        ("target: scratch\nprecondition: {drop_caches: true}", "is not possible"),
        ("target: scratch\nallow_unsafe_fio_options: true", "is not possible"),
        ("target: scratch\nioengine: external:/tmp/x.so", "not among the engines"),
    ],
)
def test_what_is_not_named_is_refused(keys, says):
    assert says in refused(JOB + keys + "\n")


@pytest.mark.parametrize(
    "workload",
    [
        "{rw: read, exec_prerun: id}",
        "{rw: read, exec_postrun: id}",
        "{rw: read, exec_preru: id}",
        "{rw: read, write_bw_log: /etc/x}",
        "{rw: read, filename: /etc/passwd}",
        "{rw: read, ioengine: exec}",
        "{rw: read, include: /etc/passwd}",
        "{rw: read, verify_pattern: \"'/etc/shadow'\"}",
        "{rw: read, rwmixread: '70;id'}",
        "{rw: read, rwmixread: '$(id)'}",
        "{rw: 'read --exec_prerun=id'}",
        "{rw: read, 'bs --exec_prerun': id}",
        "{fio_file: /etc/passwd}",
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\ninclude /etc/passwd\\n"}',
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\nexec_prerun=id\\n"}',
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\nfilename=/dev/sda\\n"}',
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\nioengine=external:/x.so\\n"}',
        '{fio_file: "[global]\\nexec_prerun=id\\n[a]\\nrw=read\\nruntime=1\\n"}',
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\ndescription=x\\u2028exec_prerun=id\\n"}',
        '{fio_file: "[a]\\nrw=read\\nruntime=1\\ndescription=x\\u0000exec_prerun=id\\n"}',
    ],
)
def test_a_workload_runs_no_command_and_opens_no_file(workload):
    assert refused(f"name: n\ntarget: scratch\nworkloads: [{workload}]\n")


def test_a_command_that_a_variable_brings_is_refused_like_one_that_stands_there():
    text = "name: n\ntarget: scratch\nworkloads: [{rw: read, rwmixread: '${x}'}]\nvariables: {x: 1}"
    assert "is refused" in refused(text, variables={"x": "70 --exec_prerun=id"})
    own = "name: n\ntarget: scratch\nworkloads: [{fio_file: '${x}'}]\nvariables: {x: 1}"
    file = "[a]\nrw=read\nruntime=1\nexec_prerun=id\n"
    assert "is refused" in refused(own, variables={"x": file})


def test_a_users_own_suite_lends_a_request_no_rights():
    library = {**SUITES, "own": "workloads: [rr]\nprovider: {fio: /tmp/evil}\n"}
    with pytest.raises(JobFileError, match="may not choose the program"):
        vet("name: n\ntarget: scratch\nsuite: own\n", places=PLACES, library=library)


def test_without_a_configuration_there_is_the_null_engine_alone():
    nowhere = Places()
    assert vet(JOB + "target: {null_engine: true}\n", places=nowhere, library=SUITES)
    for target in ("scratch", "{directory: x}", "{directory: /tmp}"):
        with pytest.raises(JobFileError):
            vet(JOB + f"target: {target}\n", places=nowhere, library=SUITES)


def test_the_provider_of_this_machine_can_have_a_fio_of_its_own():
    places = Places(providers={"local": {"kind": "local", "fio": "/opt/fio"}})
    for keys in ("", "provider: local\n", "provider: {kind: local}\n"):
        text = vet(JOB + "target: {null_engine: true}\n" + keys, places=places, library=SUITES)
        assert trusted(text).provider.fio == "/opt/fio"


@pytest.mark.parametrize(
    "text",
    [
        JOB + "target: &t scratch\nreference: *t\n",
        JOB + "target: !!python/object/apply:os.system [id]\n",
        "[" * 100_000,
        "{a: " * 100_000,
        JOB + f"target: {'[' * 50}x{']' * 50}\n",
        JOB + "target: scratch\x00\n",
        JOB + "target: scratch\ud800\n",
        JOB + "target: scratch\n---\nname: x\n",
        JOB + f"target: scratch\nvariables: {{a: {'x' * 500_000}}}\nlimits: ['{'${a}' * 99}']\n",
        "name: n\ntarget: scratch\nworkloads: [" + "rr," * 200_000 + "]\n",
        "name: n\ntarget: scratch\nworkloads: ["
        + ",".join(
            f"{{name: w{number}, rw: read, rate: [{','.join(map(str, range(1, 1001)))}]}}"
            for number in range(100)
        )
        + "]\n",
        JOB + "target: scratch\nrepeats: 100\nmatrix: {queue_depth: "
        f"[{','.join(map(str, range(1, 999)))}]}}\n",
    ],
    ids=lambda text: text[-30:],
)
def test_a_text_that_would_eat_the_server_is_refused(text):
    assert refused(text)


def test_a_name_with_line_ends_is_refused():
    assert "printable" in refused('name: "n\\r\\nINFO forged"\nworkloads: [rr]\ntarget: scratch\n')


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        ("/srv/a", True),
        ("/srv/a/b", True),
        ("//srv/a", True),
        ("/srv/./a/", True),
        ("/srv/ab", False),
        ("/srv", False),
        ("/srv/a/../b", False),
        ("srv/a", False),
        ("", False),
    ],
)
def test_below_is_below(path, is_in):
    assert is_below(path, "/srv/a") is is_in
    assert is_below(path, "/srv/a/") is is_in


WORDS = st.one_of(
    st.sampled_from(["scratch", "disk", "lab-a", "local", "${v}", "$${v}", "true", "1", "null"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["place", "directory", "kind", "fio", "size", "host", "rw", "name"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["provider", "target", "reference", "graphite", "probes", "observe", "variables"]
        ),
        VALUES,
        max_size=4,
    )
)
def test_what_is_let_through_names_only_what_the_configuration_says(keys):
    text = json.dumps({"name": "n", "workloads": ["rr"], **keys})
    try:
        whole = vetted(text)
    except JobFileError:
        return
    except StorperfError as bug:
        raise AssertionError(text) from bug
    top = read_source(whole).top
    here = [{}, {"kind": "local"}, {"fio": "fio"}, {"kind": "local", "fio": "fio"}]
    assert top.get("provider", {}) in [*PLACES.providers.values(), *here]
    assert top.get("graphite") in (None, *PLACES.graphites.values())
    for key in ("target", "reference"):
        place = top.get(key)
        assert place is None or place.get("device") in (None, "/dev/vdb", "/dev/vdc")
        folder = None if place is None else place.get("directory")
        assert folder in (None, "/srv/scratch") or is_below(folder, "/srv/bench")
