"""A path says what its series is, whatever the names are, and Graphite bends none of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.sinks.links import run_link
from storperf.sinks.paths import (
    LIVE,
    SUMMARY,
    HostSeries,
    LoadSeries,
    RunSeries,
    StepSeries,
    SummarySeries,
    parse_path,
    render_part,
    render_path,
)

# Every name that a job file allows and more: blanks, dots, any script, 300 characters.
NAMES = st.one_of(
    st.text(min_size=1, max_size=300),
    st.sampled_from(
        ["run", "step", "host", "live", "a.b", "my job", "../x", "~", "~2e~", "ü" * 300, "." * 300]
    ),
)
SERIES = st.one_of(
    st.builds(
        LoadSeries,
        **dict.fromkeys(("lab", "job", "side", "agent", "target", "op", "metric"), NAMES),
    ),
    st.builds(HostSeries, **dict.fromkeys(("lab", "job", "side", "agent", "sensor"), NAMES)),
    st.builds(StepSeries, **dict.fromkeys(("lab", "job", "side", "step"), NAMES)),
    st.builds(RunSeries, tree=st.sampled_from([LIVE, SUMMARY]), lab=NAMES, job=NAMES, fact=NAMES),
    st.builds(
        SummarySeries, **dict.fromkeys(("lab", "job", "side", "step", "op", "metric"), NAMES)
    ),
)


@given(SERIES)
def test_a_rendered_path_is_parsed_to_the_same_series(series):
    assert parse_path(render_path(series)) == series


@given(SERIES, SERIES)
def test_two_series_never_share_a_path(one, other):
    assert (render_path(one) == render_path(other)) == (one == other)


@given(SERIES)
def test_a_path_holds_nothing_that_graphite_would_bend(series):
    parts = render_path(series).split(".")
    assert all(re.fullmatch(r"[A-Za-z0-9_~-]{1,200}", part) for part in parts)


@given(SERIES)
def test_the_prefix_may_be_another_one_and_have_dots(series):
    path = render_path(series, "perf.storage")
    assert path.startswith("perf.storage.")
    assert parse_path(path, "perf.storage") == series
    with pytest.raises(ValueError, match="does not begin with"):
        parse_path(path)


@pytest.mark.parametrize(
    ("series", "path"),
    [
        (
            LoadSeries(
                lab="local",
                job="my job",
                side="candidate",
                agent="agent-01",
                target="target-0",
                op="read",
                metric="clat_p99_9",
            ),
            "storperf.live.local.my~20~job.candidate.agent-01.target-0.read.clat_p99_9",
        ),
        (
            HostSeries(lab="local", job="j", side="candidate", agent="agent-01", sensor="cpu.user"),
            "storperf.live.local.j.candidate.agent-01.host.cpu.user",
        ),
        (
            StepSeries(lab="local", job="j", side="candidate", step="rr-bs4k-qd1-nj1-a1"),
            "storperf.live.local.j.candidate.step.rr-bs4k-qd1-nj1-a1",
        ),
        (
            RunSeries(tree=SUMMARY, lab="local", job="j", fact="exit_code"),
            "storperf.summary.local.j.run.exit_code",
        ),
        (
            SummarySeries(
                lab="a.b", job="run", side="candidate", step="s", op="write", metric="iops"
            ),
            "storperf.summary.a~2e~b.~72~un.candidate.s.write.iops",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_paths_are_those_of_the_reference(series, path):
    assert render_path(series) == path


@pytest.mark.parametrize(
    "path",
    [
        "storperf",
        "storperf.live",
        "storperf.live.a.b.c",
        "storperf.other.a.b.c.d.e.f.g",
        "storperf.live.a b.b.run.c",
        "storperf.live..b.run.c",
        "storperf.live.a.b.run.c~",
        "storperf.live.a.b.c.d.host",
        "carbon.agents.x.metricsReceived",
    ],
)
def test_a_path_that_is_none_of_ours_is_refused(path):
    with pytest.raises(ValueError, match=r"storperf|no part"):
        parse_path(path)


def test_an_empty_name_is_refused():
    with pytest.raises(ValueError, match="empty"):
        render_part("")


def test_the_link_of_a_run_covers_its_whole_time():
    link = run_link("http://127.0.0.1:8080/", lab="a lab", job="j", from_s=1000.9, until_s=1060.2)
    assert link.startswith("http://127.0.0.1:8080/composer?")
    # 1000.9 s and 1060.2 s of the epoch, in whole minutes around them.
    assert "tz=UTC&from=00:16_19700101&until=00:18_19700101&" in link
    assert "storperf.live.a~20~lab.j.*.all.all.*.iops" in link
    assert " " not in link
