"""What Heat would be sent, by the installed program: no cloud is asked, and no key is told."""

from __future__ import annotations

import yaml

JOB = """
name: cloud
provider: {kind: heat, stack: {image: i, flavor: f, network: n}}
target: {volume: {size: 1G, type: ssd}}
reference: {volume: {size: 1G, type: hdd}}
workloads: [rr]
matrix: {agents: [1, 2]}
"""


def test_the_template_is_printed_without_any_cloud(storperf, tmp_path):
    (tmp_path / "job.yaml").write_text(JOB)
    ended = storperf("heat", "template", str(tmp_path / "job.yaml"))
    assert ended.exit_code == 0, ended.stderr
    shown = yaml.safe_load(ended.stdout)
    types = [each["type"] for each in shown["template"]["resources"].values()]
    assert types.count("OS::Nova::Server") == 2
    assert types.count("OS::Cinder::Volume") == 4
    assert shown["parameters"]["image"] == "i"
    assert "PRIVATE KEY" not in ended.stdout


def test_cleaning_up_without_a_login_says_what_is_missing(storperf):
    ended = storperf("cleanup")
    assert ended.exit_code == 2
    assert "clouds.yaml" in ended.stderr
