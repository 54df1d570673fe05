"""The sources of storperf/ keep the rules of `rules.py`, and each rule sees what breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
import rules
from rules import Source

PACKAGE = Path(__file__).parents[1] / "storperf"


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    sources = rules.load_sources(PACKAGE)
    assert len(sources) > 20
    assert rule(sources) == []


BREACHES = [
    (rules.layer_breaches, "storperf.model.job", "import storperf.store.runs"),
    (rules.layer_breaches, "storperf.model.job", "from storperf.plan import plan"),
    (rules.layer_breaches, "storperf.model.job", "from storperf import service"),
    (rules.layer_breaches, "storperf.model.job", "from storperf.agent import journal"),
    (rules.layer_breaches, "storperf.fio.parse", "def f():\n    from storperf.engine import x"),
    (rules.layer_breaches, "storperf.fio.parse", "from ..store import runs"),
    (rules.layer_breaches, "storperf.fio.parse", "import_module('storperf.cli.run')"),
    (rules.layer_breaches, "storperf.service", "if True:\n    import storperf.cli.run"),
    (rules.layer_breaches, "storperf.elsewhere.thing", ""),
    (rules.cycle_breaches, "storperf.plan", "import storperf.service"),
    (rules.cycle_breaches, "storperf.store.runs", "def f():\n    import storperf.service"),
    (rules.agent_breaches, "storperf.agent.journal", "import msgspec"),
    (rules.agent_breaches, "storperf.agent.journal", "from storperf.units import parse_size"),
    (rules.agent_breaches, "storperf.agent.journal", "from storperf import units"),
    (rules.agent_breaches, "storperf.agent.journal", "def f():\n    import numpy as np"),
    (rules.name_breaches, "storperf.store.utils", ""),
    (rules.name_breaches, "storperf.engine.manager", ""),
    (rules.name_breaches, "storperf.agent.signal", ""),
    (rules.name_breaches, "storperf.agent.json.parse.select", ""),
    (rules.length_breaches, "storperf.plan", "x = 1\n" * 401),
    (rules.handler_breaches, "storperf.plan", "try:\n    f()\nexcept:\n    g()"),
    (rules.handler_breaches, "storperf.plan", "try:\n    f()\nexcept KeyError:\n    pass"),
    (rules.handler_breaches, "storperf.plan", "try:\n    f()\nexcept Exception:\n    g()"),
    (rules.handler_breaches, "storperf.plan", "try:\n    f()\nexcept (A, BaseException):\n    g()"),
    (rules.handler_breaches, "storperf.plan", "with contextlib.suppress(Exception):\n    f()"),
    (
        rules.handler_breaches,
        "storperf.cli.app",
        "try:\n    f()\nexcept Exception:\n    g()\n" * 2,
    ),
    (rules.call_breaches, "storperf.plan", "subprocess.run('ls', shell=True)"),
    (rules.call_breaches, "storperf.plan", "os.system('ls')"),
    (rules.call_breaches, "storperf.plan", "client.set_policy(paramiko.AutoAddPolicy())"),
    (rules.call_breaches, "storperf.plan", "from paramiko import AutoAddPolicy\nAutoAddPolicy()"),
    (rules.call_breaches, "storperf.agent.x", "def f():\n    time.sleep(1)"),
    (rules.call_breaches, "storperf.plan", "from time import sleep as nap\nnap(1)"),
    (rules.state_breaches, "storperf.plan", "HOME = os.environ['HOME']"),
    (rules.state_breaches, "storperf.plan", "HOME = os.getenv('HOME')"),
    (rules.state_breaches, "storperf.plan", "from os import environ\nHOME = environ['HOME']"),
    (rules.state_breaches, "storperf.plan", "class A:\n    home = os.environ['HOME']"),
    (rules.state_breaches, "storperf.plan", "def f(home=os.environ.get('HOME')): ..."),
    (rules.state_breaches, "storperf.plan", "LOCK = threading.Lock()"),
    (rules.state_breaches, "storperf.plan", "TEXT = Path('x').read_text()"),
    (rules.state_breaches, "storperf.plan", "count = 0\ndef f():\n    global count\n    count = 1"),
    (rules.state_breaches, "storperf.plan", "SEEN = []\ndef f(x):\n    SEEN.append(x)"),
    (rules.state_breaches, "storperf.plan", "SEEN: dict = {}\ndef f(x):\n    SEEN[x] = 1"),
]


def surroundings(module):
    """Sources that break no rule and import downwards, so that a way back closes a cycle."""
    return [
        source
        for source in (
            Source("storperf.service", "import storperf.store.runs"),
            Source("storperf.store.runs", "from storperf import plan"),
            Source("storperf.plan", ""),
        )
        if source.module != module
    ]


@pytest.mark.parametrize(("rule", "module", "text"), BREACHES)
def test_a_breach_is_found(rule, module, text):
    assert rule(surroundings(module)) == []
    assert rule([Source(module, text), *surroundings(module)]) != []


ALLOWED = [
    (rules.layer_breaches, "storperf.fio.parse", "from storperf.agent.documents import split"),
    (rules.layer_breaches, "storperf.store.runs", "import storperf.model.run, sqlalchemy"),
    (rules.layer_breaches, "storperf.remote.pack", "import storperf.heat_templates"),
    (rules.cycle_breaches, "storperf.plan", "if TYPE_CHECKING:\n    import storperf.service"),
    (rules.agent_breaches, "storperf.agent.journal", "from . import frames\nimport json"),
    (rules.agent_breaches, "storperf.agent.journal", "from storperf.agent.frames import pack"),
    (
        rules.handler_breaches,
        "storperf.plan",
        "try:\n    f()\nexcept Exception:\n    g()\n    raise",
    ),
    (rules.handler_breaches, "storperf.cli.app", "try:\n    f()\nexcept Exception:\n    g()"),
    (rules.length_breaches, "storperf.plan", "x = 1\n" * 400),
    (rules.call_breaches, "storperf.plan", "cancel.wait(1)"),
    (rules.state_breaches, "storperf.plan", "def f():\n    return os.environ['HOME']"),
    (rules.state_breaches, "storperf.plan", "SEEN = []\ndef f(SEEN):\n    SEEN.append(1)"),
    (rules.state_breaches, "storperf.plan", "if __name__ == '__main__':\n    run()"),
    (rules.state_breaches, "storperf.store.migrations.env", "context.connect()"),
]


@pytest.mark.parametrize(("rule", "module", "text"), ALLOWED)
def test_what_is_allowed_is_no_breach(rule, module, text):
    assert rule([Source(module, text), *surroundings(module)]) == []
