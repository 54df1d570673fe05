"""The page of the server's configuration knows every key, and its how-to can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storperf.web import configuration_sections as sections
from storperf.web.configuration_file import parse_configuration

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference/server.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to/run-the-service.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "section",
    [
        sections.ServerFile,
        sections.TlsSection,
        sections.NetworkSection,
        sections.LimitsSection,
        sections.CompatibleSection,
    ],
)
def test_the_page_says_of_each_key_what_the_source_says(section):
    for key, field in section.model_fields.items():
        assert f"| `{key}` |" in PAGE
        assert field.description in PAGE


def test_the_configurations_of_the_how_to_are_right():
    examples = re.findall(r"```yaml\n(.*?)```", HOW_TO, re.DOTALL)
    assert len(examples) == 2
    for text in examples:
        parse_configuration(text, Path("/etc/storperf/serve.yaml"))


def test_the_unit_checks_and_serves_the_configuration():
    unit = (DOCS / "how-to/files/storperf.service").read_text(encoding="utf-8")
    commands = re.findall(r"^Exec\w+=\S+ (.*)$", unit, re.MULTILINE)
    served = "serve --config /etc/storperf/serve.yaml"
    assert commands == [served.replace("serve ", "serve --check ", 1), served]
