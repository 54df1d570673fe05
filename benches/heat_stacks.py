"""Stacks of more and more agents in a cloud: our time beyond Heat's, and the requests per agent.

`heat_stacks.py [--agents 1,10,50] [--json FILE]`, in a cloud whose login the environment says;
`make bench-openstack` brings one up.  Servers need not boot: agents are not made of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from storperf.jobfile.parse import parse_job
from storperf.model.job import Job
from storperf.providers.heat import HeatProvider
from storperf.providers.heat_ready import Ready, Wanted
from storperf.providers.openstack_session import Cloud, open_cloud
from storperf.providers.provider import Errand
from storperf.settings import read_settings

_TREE = Path(__file__).parents[1]
_LINE = "{:>6}  {:>9}  {:>8}  {:>7}  {:>7}  {:>8}  {:>10}  {}"
_HEAD = ("agents", "acquire s", "before s", "Heat s", "after s", "delete s", "req./agent", "")
_JOB = """
name: stacks
target: {{volume: {{size: 1G, count: 2}}}}
workloads: [rr]
matrix: {{agents: [{agents}]}}
provider:
  kind: heat
  stack: {{image: {image}, flavor: {flavor}, network: {network}, manager: 192.0.2.1/32}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One stack: `acquire_s` is all of the provider's time, `heat_s` what Heat's events span.

    `before_s` ends with Heat's first event: the login, and Heat's look at the template.  `after_s`
    begins with its last: until the end was seen, and the facts were fetched.  Heat tells whole
    seconds, so that each may be one off; its clock must be this machine's.
    `requests` by service.
    """

    agents: int
    acquire_s: float
    before_s: float
    heat_s: float
    after_s: float
    release_s: float
    requests: Mapping[str, int]

    @property
    def per_agent(self) -> float:
        """Requests of all services for one agent."""
        return sum(self.requests.values()) / self.agents


def main() -> int:
    """Measure, print, write; the exit status."""
    asked = _arguments()
    begun, made = os.getloadavg(), []
    print(_LINE.format(*_HEAD))
    for agents in (int(each) for each in asked.agents.split(",")):
        with tempfile.TemporaryDirectory(prefix="bench-stacks-") as folder:
            each = _measure(agents, asked, Path(folder))
        made.append(each)
        print(_row(each), flush=True)
    document = {
        "schema": "storperf-bench-stacks/1",
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load_before": begun,
        "load_after": os.getloadavg(),
        "cpus": os.cpu_count(),
        "stacks": [{**asdict(each), "requests_per_agent": each.per_agent} for each in made],
    }
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time of ours beyond Heat's, and requests.")
    parser.add_argument("--agents", default="1,10,50", help="how many, one stack each")
    parser.add_argument("--image", default="lab-image")
    parser.add_argument("--flavor", default="lab.small")
    parser.add_argument("--network", default="lab-net")
    parser.add_argument("--json", type=Path, default=_TREE / ".make/bench-stacks.json")
    return parser.parse_args()


def _row(made: Made) -> str:
    requests = ", ".join(f"{name} {count}" for name, count in sorted(made.requests.items()))
    times = (made.acquire_s, made.before_s, made.heat_s, made.after_s, made.release_s)
    texts = (f"{each:.1f}" for each in times)
    return _LINE.format(made.agents, *texts, f"{made.per_agent:.1f}", requests)


def _measure(agents: int, asked: argparse.Namespace, folder: Path) -> Made:
    """One stack, made and deleted."""
    settings = read_settings({**os.environ, "HOME": str(Path.home())}, folder, folder)
    names = {"image": asked.image, "flavor": asked.flavor, "network": asked.network}
    job = parse_job(_JOB.format(agents=agents, **names), source="bench")
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-be0c"
    facts: dict[str, Any] = {}
    provider = HeatProvider(settings, _ready)
    errand = _errand(run, folder, agents, facts)
    # By the wall clock, as Heat tells its events.
    begun_s = time.time()
    try:
        provider.acquire(job, errand)
        ended_s = time.time()
        first_s, last_s = _span_s(open_cloud(settings), facts["stack"])
    finally:
        release_s = _release(provider, job, errand)
    return Made(
        agents=agents,
        acquire_s=ended_s - begun_s,
        before_s=first_s - begun_s,
        heat_s=last_s - first_s,
        after_s=ended_s - last_s,
        release_s=release_s,
        requests=facts["stack"]["requests"],
    )


def _ready(wanted: list[Wanted], *_how: object, **_more: object) -> dict[str, Ready]:
    """Every server that there is: this bench is about the cloud's side."""
    return {each.name: Ready(targets=()) for each in wanted}


def _errand(run: str, folder: Path, agents: int, facts: dict[str, Any]) -> Errand:
    return Errand(
        run_id=run,
        folder=folder / "run",
        agents=agents,
        tell=lambda line: print(f"  {line}", file=sys.stderr),
        wait=threading.Event().wait,
        note=facts.update,
    )


def _release(provider: HeatProvider, job: Job, errand: Errand) -> float:
    """Delete the stack; how long that took."""
    begun_s = time.monotonic()
    left = provider.release(job, errand)
    if left:
        raise SystemExit(f"not deleted: {'; '.join(left)}")
    return time.monotonic() - begun_s


def _span_s(cloud: Cloud, stack: Mapping[str, Any]) -> tuple[float, float]:
    """The first event of the stack itself and the last, as epochs."""
    path = f"/stacks/{stack['name']}/{stack['id']}/events"
    events = cloud.orchestration.pages(path, "events", sort_keys="created_at", sort_dir="asc")
    times = [
        datetime.fromisoformat(each["event_time"]).timestamp()
        for each in events
        if each["resource_name"] == stack["name"]
    ]
    return min(times), max(times)


if __name__ == "__main__":
    sys.exit(main())
