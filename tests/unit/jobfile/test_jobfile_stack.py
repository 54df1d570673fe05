"""`provider.stack` and `target.volume`: what a job may ask of a cloud."""

from __future__ import annotations

import pytest

from storperf.errors import JobFileError
from storperf.jobfile.parse import parse_job
from storperf.model.job import Origin
from storperf.model.stack import OnPartial, OwnNetwork, Placement
from storperf.model.target import TargetKind
from storperf.plan import plan_job

STACK = "image: i, flavor: f, network: n"


def job(stack=STACK, target="{volume: {size: 1G}}", more="", **how):
    text = (
        f"name: n\nprovider: {{kind: heat, stack: {{{stack}}}}}\ntarget: {target}\n"
        f"workloads: [rr]\n{more}\n"
    )
    return parse_job(text, source="x", **how)


def faults(*arguments, **more):
    with pytest.raises(JobFileError) as caught:
        job(*arguments, **more)
    return " / ".join(caught.value.faults)


def test_image_flavor_and_network_are_a_stack():
    stack = job().provider.stack
    assert (stack.image, stack.flavor, stack.network) == ("i", "f", "n")
    assert stack.placement is Placement.ANY
    assert stack.on_partial is OnPartial.FAIL
    assert not stack.keep


def test_a_volume_is_a_device_that_needs_no_serial_and_may_be_written_to():
    (target,) = job().candidate.targets
    assert target.kind is TargetKind.DEVICE
    assert target.destroy
    assert target.size_bytes == 1 << 30
    assert (target.volume.size_gib, target.volume.type) == (1, None)


def test_several_volumes_are_several_targets():
    found = job(target="{volume: {size: 2G, type: fast, count: 3}}")
    assert [each.volume.type for each in found.candidate.targets] == ["fast"] * 3


def test_two_volume_types_are_two_sides():
    found = job(more="reference: {volume: {size: 1G, type: slow}}\nconfirm: always")
    types = {side.name: side.targets[0].volume.type for side in found.sides}
    assert types == {"candidate": None, "reference": "slow"}


def test_sides_of_another_size_compare_unlike():
    assert "another size" in faults(more="reference: {volume: {size: 2G}}")
    assert "another size" in faults(more="reference: {volume: {size: 1G, count: 2}}")


def test_the_size_of_a_volume_is_measured_and_its_type_is_what_is_compared():
    prints = {
        text: plan_job(job(target=text)).steps[0].fingerprint
        for text in (
            "{volume: {size: 1G}}",
            "{volume: {size: 1G, type: other}}",
            "{volume: {size: 2G}}",
            "{volume: {size: 2G}, size: 1G}",
            "{volume: {size: 1G, count: 2}}",
        )
    }
    plain, other, larger, part, two = prints.values()
    assert plain == other == part
    assert len({plain, larger, two}) == 3


def test_a_network_of_its_own_has_floating_ips():
    found = job("image: i, flavor: f, own_network: {public: ext, cidr: 10.9.0.0/24}")
    assert found.provider.stack.own_network == OwnNetwork(public="ext", cidr="10.9.0.0/24")


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ("image: i, flavor: f", "exactly one of `network` and `own_network`"),
        (f"{STACK}, own_network: {{public: x}}", "exactly one of `network` and `own_network`"),
        ("flavor: f, network: n", "image"),
        ("image: i, flavor: f, own_network: {public: x}, floating: y", "`own_network` decides it"),
        (f"{STACK}, manager: here", "no range of addresses"),
        (f"{STACK}, name: 1st", "no name of a stack"),
        (f"{STACK}, user: Root", "no user name"),
        (f"{STACK}, tags: ['a,b']", "a comma or a slash"),
        (f"{STACK}, cloud_config: {{ssh_keys: x}}", "`ssh_keys` is storperf's own"),
        (f"{STACK}, placement: alone", "placement"),
        (f"{STACK}, ephemeral: 1500M", "ephemeral"),
        (f"{STACK}, imag: x", "imag"),
    ],
)
def test_a_wrong_stack_is_refused(stack, says):
    assert says in faults(stack)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("{volume: {size: 1500M}}", "volume.size"),
        ("{volume: {size: 1G}, size: 2G}", "more than the volume's own size"),
        ("{volume: {size: 1G, count: 21}}", "volume.count"),
        ("{device: /dev/vdb, serial: x, destroy: true}", "write `volume`"),
        ("{directory: here, size: 1G}", "must be an absolute path"),
        ("{volume: {size: 1G}, directory: /mnt}", "exactly one of"),
    ],
)
def test_a_wrong_target_is_refused(target, says):
    assert says in faults(target=target)


@pytest.mark.parametrize("directory", ["/srv/data", "/mntx", "/mnt/../var"])
def test_a_directory_on_another_device_than_the_one_asked_for_is_refused(directory):
    own = f"{STACK}, ephemeral: 1G"
    target = f"{{directory: {directory}, size: 1G}}"
    assert "target.directory: is not on the device" in faults(own, target=target)
    good = "{directory: /mnt/here, size: 1G}"
    reference = f"reference: {{directory: {directory}}}"
    assert "reference.directory: is not on the device" in faults(own, good, reference)


def test_a_directory_below_the_device_asked_for_is_taken():
    found = job(f"{STACK}, ephemeral: 1G", target="{directory: /mnt/here, size: 1G}")
    assert found.provider.stack.ephemeral_bytes == 1 << 30


@pytest.mark.parametrize("kind", ["local", "ssh, hosts: [h]"])
def test_other_providers_make_no_volumes_and_no_stacks(kind):
    text = (
        f"name: n\nprovider: {{kind: {kind}, stack: {{{STACK}}}}}\n"
        "target: {volume: {size: 1G}}\nworkloads: [rr]\n"
    )
    with pytest.raises(JobFileError) as caught:
        parse_job(text, source="x")
    said = " / ".join(caught.value.faults)
    assert "provider.stack: belongs to `kind: heat`" in said
    assert "made by the provider `heat` alone" in said


def test_an_untrusted_job_may_make_nothing():
    said = faults(origin=Origin.UNTRUSTED)
    assert "provider.stack" in said
    assert "provider.kind" in said
