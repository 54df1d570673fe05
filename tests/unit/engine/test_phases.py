"""The phases of a run when something comes between them."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from storperf.engine import run_job as phases
from storperf.engine.cancel import Cancel
from storperf.errors import ExitCode, InfrastructureError
from storperf.model.run import Phase


@pytest.fixture
def context(monkeypatch):
    """A run of which only the order of phases is real."""
    monkeypatch.setattr(phases, "has_open_trial", lambda _context: False)
    monkeypatch.setattr(phases, "teardown", lambda _context: None)
    store = MagicMock()
    store.cancel_requested.return_value = False
    return SimpleNamespace(
        agents=(),
        announce=MagicMock(),
        cancel=Cancel(),
        epoch=lambda: 0.0,
        faults=[],
        left_behind=[],
        plan=SimpleNamespace(trials=()),
        run_id="r",
        store=store,
        telemetry=None,
        verdict=None,
    )


def test_a_cancel_behind_a_fault_is_told_once(context, monkeypatch):
    def fail(_context):
        context.cancel.request("asked")
        raise InfrastructureError("no agent came up")

    monkeypatch.setattr(phases, "WITH_AGENTS", {Phase.PROVISION: fail})
    phases.run_job(context, lambda _context: pytest.fail("a report"))
    codes = [code for code, _ in context.faults]
    assert codes == [ExitCode.INFRASTRUCTURE, ExitCode.CANCELLED]
    assert context.announce.note.call_count == 2
