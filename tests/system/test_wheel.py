"""What is not Python ships in the wheel too."""

from importlib import resources

import pytest


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("storperf.heat_templates", "README.md"),
        ("storperf", "py.typed"),
        ("storperf.store", "migrations/env.py"),
        ("storperf.reports", "html_templates/report.html"),
        ("storperf.graphite", "requirements-graphite.txt"),
    ],
)
def test_the_installed_package_holds(installed_package, package, name):
    file = resources.files(package).joinpath(name)
    assert str(file).startswith(str(installed_package))
    assert file.read_text(encoding="utf-8") or name == "py.typed"
