"""For all tests: with STORPERF_REQUIRE=all nothing may be skipped for want of a tool.

What needs a cloud is not even selected without one: scripts/test-openstack.sh brings one up.
No example of a property has a time limit: a busy machine is no fault of the code.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

REQUIRE_ALL = os.environ.get("STORPERF_REQUIRE") == "all"
OPENSTACK_LEVEL = int(os.environ.get("STORPERF_OPENSTACK_LEVEL", "0"))

settings.register_profile("storperf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("storperf")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs more of a cloud than there is."""
    marks = {item: item.get_closest_marker("openstack") for item in items}
    out = [item for item, mark in marks.items() if mark and mark.args[0] > OPENSTACK_LEVEL]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; an expected failure stays one."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"STORPERF_REQUIRE=all allows no skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
