"""What parts the hardware of two runs, by their facts."""

from storperf.hardware import hardware_of, is_hardware, is_other


def facts(cpu="EPYC 7313", cpus=2, disk="PM9A3", agents=1):
    one = {"host": {"cpu_model": cpu, "cpus": cpus}, "targets": [{"device_model": disk}]}
    return {"calibration": {}, **{f"environment.agent-{n}": one for n in range(agents)}}


def test_processor_cpus_and_device_are_hardware():
    found = dict(hardware_of(facts()))
    assert found == {
        "hardware.cpu_model": "EPYC 7313",
        "hardware.cpus": "2",
        "hardware.device_model": "PM9A3",
    }
    assert all(map(is_hardware, found))
    assert not is_hardware("cpus")


def test_hosts_that_are_alike_are_one_hardware():
    assert hardware_of(facts(agents=7)) == hardware_of(facts())


def test_another_value_of_any_field_is_other_hardware():
    own = hardware_of(facts())
    for change in ({"cpu": "Xeon"}, {"cpus": 4}, {"disk": "980 PRO"}):
        assert is_other(own, hardware_of(facts(**change))), change
    assert not is_other(own, own)


def test_what_one_side_does_not_know_parts_nobody():
    own = hardware_of(facts())
    assert not is_other(own, ())
    assert not is_other((), own)
    assert not is_other(own, hardware_of(facts(disk="")))
    assert hardware_of({"environment.a": None, "environment.b": {"host": 5, "targets": None}}) == ()
