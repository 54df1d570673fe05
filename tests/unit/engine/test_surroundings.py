"""What is told of a run's hosts that is not as it was."""

from storperf.engine.surroundings import unlike
from storperf.model.run import Run, RunState


def a_run(name, version="1", **host):
    return Run(
        id=name,
        job_name="nightly",
        lab="lab",
        title=None,
        job_text="",
        state=RunState.COMPLETED,
        phase=None,
        created_s=0.0,
        manager={"storperf": version},
        facts={"environment.agent-01": {"fio": "fio-3.33", "host": {"kernel": "6.1.0-12", **host}}},
    )


def test_what_differs_is_told_with_both_values():
    said = unlike(a_run("now", kernel="6.1.0-13"), a_run("then"))
    assert said == "Unlike in run then: kernel is 6.1.0-13, was 6.1.0-12."


def test_another_storperf_is_told():
    assert "storperf is 2, was 1" in unlike(a_run("now", version="2"), a_run("then"))


def test_what_is_new_at_every_boot_is_not_told():
    assert unlike(a_run("now", boot_id="x"), a_run("then", boot_id="y")) == ""


def test_of_many_differences_a_few_are_told_and_the_others_counted():
    names = ("kernel", "distribution", "python", "cpus", "memory_bytes", "governor")
    said = unlike(
        a_run("now", **dict.fromkeys(names, "a")), a_run("then", **dict.fromkeys(names, "b"))
    )
    assert said.endswith("; and 2 more.")


def test_run_of_which_nothing_is_known_differs_in_nothing():
    bare = Run(**{name: getattr(a_run("then"), name) for name in Run.__slots__} | {"facts": {}})
    assert unlike(a_run("now"), bare) == ""
