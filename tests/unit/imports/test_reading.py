"""Whatever stands in a result, it is read or refused in a sentence, and no figure is absurd."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storperf.imports.figures import NotAResultError
from storperf.imports.imported import ImportOutcome, plan_of, trials_of
from storperf.imports.reading import read_results
from storperf.reports.import_table import import_document

FIXTURES = Path(__file__).parents[2] / "fixtures"
TEXTS = [
    (FIXTURES / name).read_text()
    for name in (
        "fio/single-job_randrw70.json",
        "fio/jsonplus_status-interval1_concat.json",
        "fio/numjobs4_no-group-reporting.json",
        "fio-client-server/client-server_2servers_status-interval1.out",
        "fio2/pkb-7fb0c9d8-0_fio.json",
        "storperf/storperf-danube.json",
    )
]
# A value, or a key, of pretty-printed JSON.
PLACE = re.compile(r'(?<=: )(-?[\d.]+|"[^"\n]*")(?=,?\n)|"[^"\n]+"(?= ?:)')
PLACES = [list(PLACE.finditer(text)) for text in TEXTS]
ODD = [
    *("0", "-1", "0.5", "1e308", "1e400", "nan", "9223372036854775807", "9" * 23, "9" * 5000),
    *("null", "true", "[]", "{}", '""', '"x"', '"jobs"', '"total_ios"', '"-3"', r'"\u0000"'),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_odd_values_and_keys_are_refused_or_harmless(data):
    number = data.draw(st.integers(0, len(TEXTS) - 1))
    text = TEXTS[number]
    places = data.draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=3))
    for place in sorted(places, key=lambda match: -match.start()):
        text = text[: place.start()] + data.draw(st.sampled_from(ODD)) + text[place.end() :]
    try:
        runs = read_results(text.encode())
    except NotAResultError:
        return
    for run in runs:
        assert len(plan_of(run).steps) == len(trials_of(run)) == len(run.trials)
        outcome = ImportOutcome(file="x", part=1, state="understood", imported=run)
        json.dumps(import_document([outcome]), allow_nan=False)
        for trial in run.trials:
            for summary in trial.summaries:
                assert summary.value > 0
                assert math.isfinite(summary.value)


@pytest.mark.parametrize("time", ["9223372036854775", "99999999999999"])
def test_a_time_beyond_all_times_is_refused(time):
    text = TEXTS[0].replace("1795313092975", time)
    with pytest.raises(NotAResultError, match="its time is"):
        read_results(text.encode())


def test_options_beyond_all_measure_are_no_number_of_anything():
    text = TEXTS[0].replace('"iodepth" : "4"', f'"iodepth" : "{"9" * 30}"')
    (run,) = read_results(text.encode())
    assert run.trials[0].step.queue_depth == 1
