"""The words of the command line are those of the model."""

from __future__ import annotations

from storperf.cli.log_figures import Kind, Unit
from storperf.model.fio_log import LogKind, LogUnit


def test_every_kind_of_log_can_be_asked_for():
    assert [each.value for each in Kind] == [each.value for each in LogKind]


def test_every_unit_is_one_of_latency():
    assert {each.value for each in Unit} == {LogUnit.NS.value, LogUnit.US.value}
