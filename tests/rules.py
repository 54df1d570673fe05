"""What the sources of storperf/ keep to, each rule a function from sources to breaches.

A breach is one sentence with file and line.  `test_layers.py` runs every rule over the tree and
over small made-up sources that break it.
"""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Imports point to the same number or a lower one.  6: what people touch; 5: the use cases;
# 4: a run as a state machine; 3: the outside world; 2: pure, no I/O and no clock; 1: values.
LAYERS = {
    **dict.fromkeys(("errors", "units", "deadline", "version", "settings"), 0),
    "model": 1,
    **dict.fromkeys(
        (
            *("jobfile", "plan", "plan_confirmation", "plan_growth", "hardware", "fio", "stats"),
            *("heat", "workloads", "doctor", "imports", "plain"),
        ),
        2,
    ),
    **dict.fromkeys(("providers", "remote", "sinks", "graphite", "store", "reports", "hooks"), 3),
    **dict.fromkeys(
        ("engine", "run_results", "importing", "extraction", "backfill", "histories"), 4
    ),
    **dict.fromkeys(
        (
            *("service", "library", "hosts", "clouds", "cloud_fitness", "graphs", "deliveries"),
            *("anchoring", "baselines", "calibration", "comparing", "log_files", "plain_numbers"),
            *("handing_on", "publishing", "jenkins_builds"),
            *("queueing", "tokens", "token_file"),
        ),
        5,
    ),
    **dict.fromkeys(("cli", "web", "__main__"), 6),
}
AGENT = "storperf.agent"
LOWEST_LAYER_THAT_MAY_IMPORT_THE_AGENT = 2

MAX_LINES = 400
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

# CLI main and web dispatcher are the only broad handlers.  And the
# program's entry: an installation that cannot be imported must not end with Python's own 1, "fail".
BROAD_HANDLERS = {
    "storperf.__main__": 1,
    "storperf.cli.app": 1,
    "storperf.web.dispatch": 1,
}

# Alembic runs these files and prescribes the names in them.
MIGRATIONS = "storperf.store.migrations"

MUTATING_METHODS = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("add", "discard", "update", "setdefault", "popitem", "appendleft", "popleft"),
}
STARTED_AT_IMPORT = {
    *("open", "read_text", "read_bytes", "cwd", "home", "getcwd", "connect", "create_engine"),
    *("run", "Popen", "check_output", "Thread", "Lock", "RLock", "Event", "Condition"),
    *("Queue", "SimpleQueue", "ThreadPoolExecutor", "socket", "socketpair", "basicConfig"),
}


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its text, and whether it is a package's __init__."""

    module: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def part(self) -> str:
        """The folder or file right below storperf/, the unit that has a layer."""
        return part_of(self.module)

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.module}, line {getattr(node, 'lineno', 1)}: {what}"


Rule = Callable[[list[Source]], list[str]]


def part_of(module: str) -> str:
    """`store` for storperf.store.runs, nothing for storperf itself."""
    return module.split(".")[1] if "." in module else ""


def load_sources(package: Path) -> list[Source]:
    """Every module below a package's folder."""
    sources = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        sources.append(Source(module, path.read_text(encoding="utf-8"), is_package))
    return sources


def imports(source: Source, known: Iterable[str] = ()) -> Iterator[tuple[str, ast.AST]]:
    """Each imported module with its node, those inside functions and by import_module too."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield alias.name, node
            case ast.ImportFrom():
                origin = _absolute(source, node)
                for alias in node.names:
                    whole = f"{origin}.{alias.name}"
                    yield (whole if whole in known else origin), node
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if _last_name(
                function
            ) in {"import_module", "__import__"}:
                yield name, node


def layer_breaches(sources: list[Source]) -> list[str]:
    known = {source.module for source in sources}
    breaches = []
    for source in sources:
        if source.part in {"", "agent"}:
            continue
        if source.part not in LAYERS:
            breaches.append(f"{source.module} has no layer: give it one in the architecture first")
            continue
        layer = LAYERS[source.part]
        for name, node in imports(source, known):
            target = part_of(name)
            if not name.startswith("storperf.") or target not in {*LAYERS, "agent"}:
                continue
            lowest = LOWEST_LAYER_THAT_MAY_IMPORT_THE_AGENT if target == "agent" else LAYERS[target]
            if lowest > layer:
                breaches.append(source.at(node, f"layer {layer} imports {name} above it"))
    return breaches


def cycle_breaches(sources: list[Source]) -> list[str]:
    """Cycles between modules and between folders; an import for types alone never runs."""
    known = {source.module for source in sources}
    modules: dict[str, set[str]] = {}
    parts: dict[str, set[str]] = {}
    for source in sources:
        for_types = _for_types(source.tree)
        for name, node in imports(source, known):
            if not name.startswith("storperf.") or name == source.module or node in for_types:
                continue
            modules.setdefault(source.module, set()).add(name)
            part = part_of(name)
            if source.part not in {"", part}:
                parts.setdefault(source.part, set()).add(part)
    breaches = []
    for graph in (modules, parts):
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            breaches.append(f"import cycle: {' > '.join(reversed(error.args[1]))}")
    return breaches


def agent_breaches(sources: list[Source]) -> list[str]:
    return [
        source.at(node, f"the agent imports {name}; only the standard library is on its machine")
        for source in sources
        if source.part == "agent"
        for name, node in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith(f"{AGENT}.")
    ]


def name_breaches(sources: list[Source]) -> list[str]:
    breaches = []
    for source in sources:
        name = source.module.split(".")[-1]
        if name in VAGUE_NAMES:
            breaches.append(f"{source.module}: {name} says nothing; name the noun it is about")
        if name in sys.stdlib_module_names and not name.startswith("__"):
            breaches.append(f"{source.module}: the standard library has a module {name}")
    return breaches


def length_breaches(sources: list[Source]) -> list[str]:
    return [
        f"{source.module} has {count} lines, more than {MAX_LINES}: split it by noun"
        for source in sources
        if (count := len(source.text.splitlines())) > MAX_LINES
    ]


def handler_breaches(sources: list[Source]) -> list[str]:
    breaches = []
    for source in sources:
        broad = []
        for node in ast.walk(source.tree):
            match node:
                case ast.ExceptHandler(type=None):
                    breaches.append(source.at(node, "bare except"))
                case ast.ExceptHandler(body=[ast.Pass()]):
                    breaches.append(source.at(node, "a handler that only passes hides the error"))
                case ast.ExceptHandler(type=caught, body=[*_, last]) if _is_broad([caught]):
                    if not (isinstance(last, ast.Raise) and last.exc is None):
                        broad.append(node)
                case ast.Call(func=function, args=args) if _last_name(
                    function
                ) == "suppress" and _is_broad(args):
                    broad.append(node)
        if len(broad) > BROAD_HANDLERS.get(source.module, 0):
            breaches += [source.at(node, "catches every Exception") for node in broad]
    return breaches


def call_breaches(sources: list[Source]) -> list[str]:
    breaches = []
    for source in sources:
        from_time = {
            alias.asname or alias.name
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ImportFrom) and node.module == "time"
            for alias in node.names
            if alias.name == "sleep"
        }
        for node in ast.walk(source.tree):
            match node:
                case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                    breaches.append(source.at(node, "shell=True; give an argument vector"))
                case ast.Attribute(attr="system" | "popen", value=ast.Name(id="os")):
                    breaches.append(source.at(node, "runs a shell; give an argument vector"))
                case ast.Attribute(attr="AutoAddPolicy") | ast.Name(id="AutoAddPolicy"):
                    breaches.append(source.at(node, "AutoAddPolicy trusts any host"))
                case ast.Call(func=ast.Attribute(attr="sleep", value=ast.Name(id="time"))):
                    breaches.append(source.at(node, "time.sleep; wait on the cancel event"))
                case ast.Call(func=ast.Name(id=name)) if name in from_time:
                    breaches.append(source.at(node, "time.sleep; wait on the cancel event"))
    return breaches


def state_breaches(sources: list[Source]) -> list[str]:
    return [
        breach
        for source in sources
        if not f"{source.module}.".startswith(f"{MIGRATIONS}.")
        for breach in (*_started_at_import(source), *_changed_in_functions(source))
    ]


def _started_at_import(source: Source) -> Iterator[str]:
    from_os = {
        alias.asname or alias.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
        if alias.name in {"environ", "getenv"}
    }
    for node in _run_at_import(source.tree):
        match node:
            case ast.Attribute(attr="environ" | "getenv", value=ast.Name(id="os")):
                yield source.at(node, "reads the environment at import")
            case ast.Name(id=name, ctx=ast.Load()) if name in from_os:
                yield source.at(node, "reads the environment at import")
            case ast.Call(func=function) if _last_name(function) in STARTED_AT_IMPORT:
                yield source.at(node, f"calls {_last_name(function)} at import")


def _changed_in_functions(source: Source) -> Iterator[str]:
    module_names = {
        target.id
        for statement in source.tree.body
        for target in _targets(statement)
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(source.tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        shared = module_names - _local_names(function)
        for node in ast.walk(function):
            match node:
                case ast.Global():
                    yield source.at(node, "global: state belongs in an object that is handed on")
                case ast.Call(func=ast.Attribute(attr=method, value=ast.Name(id=name))) if (
                    method in MUTATING_METHODS and name in shared
                ):
                    yield source.at(node, f"changes {name}, which belongs to the module")
                case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if (
                    name in shared
                ):
                    yield source.at(node, f"changes {name}, which belongs to the module")


def _run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that executes when the module is imported: no bodies of functions."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                waiting += [*node.decorator_list, *node.args.defaults]
                waiting += [default for default in node.args.kw_defaults if default]
            case ast.Lambda():
                waiting += node.args.defaults
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                waiting += node.orelse
            case _:
                waiting += ast.iter_child_nodes(node)


def _for_types(tree: ast.Module) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def _targets(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign():
            return statement.targets
        case ast.AnnAssign() | ast.AugAssign():
            return [statement.target]
    return []


def _local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    return names | {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.module.split(".")
    package = package[: len(package) - node.level + (1 if source.is_package else 0)]
    return ".".join([*package, *([node.module] if node.module else [])])


def _last_name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _is_broad(caught: Iterable[ast.expr | None]) -> bool:
    flat = [
        part
        for node in caught
        for part in (node.elts if isinstance(node, ast.Tuple) else [node])
        if part is not None
    ]
    return any(_last_name(part) in {"Exception", "BaseException"} for part in flat)


RULES: tuple[Rule, ...] = (
    layer_breaches,
    cycle_breaches,
    agent_breaches,
    name_breaches,
    length_breaches,
    handler_breaches,
    call_breaches,
    state_breaches,
)
