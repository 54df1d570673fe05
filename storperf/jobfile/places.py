"""Names that a server gives to machines and places, for job files that may not name their own."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.source import Path, Source, Value

# The provider of a job file that names none.
HERE = "local"
# What a job file may say beside the name of a target; the rest is the server's to say.
_BESIDE_A_PLACE = ("size", "nrfiles")
# A target that is refused; it stands there so that the other checks still run.
_STAND_IN: Value = {"null_engine": True}

Named: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What a server's names mean: each value is what the key holds in a trusted job file.

    `directories` are absolute ones, by provider: below them an untrusted job file may name its
    own.  `targets` are for `target` and for `reference`.
    """

    providers: Named = field(default_factory=dict)
    targets: Named = field(default_factory=dict)
    graphites: Named = field(default_factory=dict)
    probes: Named = field(default_factory=dict)
    observed: Named = field(default_factory=dict)
    directories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A job file with the names put in; at or below the paths of `vouched` the server speaks."""

    source: Source
    vouched: frozenset[Path]
    faults: tuple[Fault, ...]


def put_in(read: Source, places: Places) -> Placed:
    """What the names of `read` mean, in their place."""
    placing = _Placing(dict(read.top), places, set(), [])
    provider = placing.provider()
    for key in ("target", "reference"):
        if key in read.top:
            placing.target(key, provider)
    placing.single("graphite", places.graphites)
    for key, named in (("probes", places.probes), ("observe", places.observed)):
        placing.several(key, named)
    same = placing.top == read.top
    return Placed(
        source=read if same else replace(read, top=placing.top),
        vouched=frozenset(placing.vouched),
        faults=tuple(placing.faults),
    )


@dataclass(frozen=True, slots=True)
class _Placing:
    """The keys of a job file on their way from names to what they mean."""

    top: dict[str, Value]
    places: Places
    vouched: set[Path]
    faults: list[Fault]

    def provider(self) -> str:
        """Put in what the provider's name means, and give the name back."""
        said = self.top.get("provider", HERE)
        plain = said in (HERE, {}, {"kind": HERE})
        name = HERE if plain else said
        if isinstance(name, str) and name in self.places.providers:
            self.top["provider"] = self.places.providers[name]
            self.vouched.add(("provider",))
            return name
        if plain:
            self.top.pop("provider", None)
        elif isinstance(name, str):
            self._unknown("provider", name, {HERE, *self.places.providers})
            self.top.pop("provider")
        return HERE

    def target(self, key: str, provider: str) -> None:
        said = self.top[key]
        own = {"place": said} if isinstance(said, str) else said
        if not isinstance(own, dict):
            return
        if "place" not in own:
            self._directory(key, own, provider)
            return
        name, beside = own["place"], {k: each for k, each in own.items() if k != "place"}
        meant = self.places.targets.get(name) if isinstance(name, str) else None
        if not isinstance(meant, dict):
            self._unknown(key, str(name), self.places.targets)
            self.top[key] = _STAND_IN
            return
        for extra in sorted(beside.keys() - {*_BESIDE_A_PLACE}):
            words = f"cannot stand beside a `place`, only {' and '.join(_BESIDE_A_PLACE)} can"
            self.faults.append(Fault((key, extra), words))
            del beside[extra]
        self.top[key] = {**meant, **beside}
        self.vouched.add((key,))

    def _directory(self, key: str, own: Mapping[str, Value], provider: str) -> None:
        directory = own.get("directory")
        if not isinstance(directory, str):
            return
        allowed = self.places.directories.get(provider, ())
        if any(is_below(directory, above) for above in allowed):
            self.vouched.add((key, "directory"))
            return
        below = f"only below {', '.join(allowed)}" if allowed else "nowhere with this provider"
        named = ", ".join(sorted(self.places.targets)) or "none"
        words = f"the server allows directories {below}; its targets are {named}"
        self.faults.append(Fault((key, "directory"), words))

    def single(self, key: str, named: Named) -> None:
        name = self.top.get(key)
        if not isinstance(name, str):
            return
        if name in named:
            self.top[key] = named[name]
            self.vouched.add((key,))
        else:
            self._unknown(key, name, named)
            del self.top[key]

    def several(self, key: str, named: Named) -> None:
        """A list of names; what is no name stays, for others to refuse."""
        said = self.top.get(key)
        names: Sequence[Value] = said if isinstance(said, list) else [said]
        if key not in self.top or not all(isinstance(name, str) for name in names):
            return
        meant = [named[name] for name in self._known(key, names, named)]
        self.top[key] = meant
        if meant:
            self.vouched.add((key,))
        else:
            del self.top[key]

    def _known(self, key: str, names: Sequence[Value], named: Named) -> Iterator[str]:
        for name in names:
            if isinstance(name, str) and name in named:
                yield name
            else:
                self._unknown(key, str(name), named)

    def _unknown(self, key: str, name: str, known: Mapping[str, Value] | set[str]) -> None:
        near = nearest(name, known) if known else "it names none"
        words = f"the server's configuration names no {key} {name[:100]!r}; {near}"
        self.faults.append(Fault((key,), words))


def is_below(path: str, above: str) -> bool:
    """Whether an absolute path is a folder or below it, by its words alone.

    Links are not followed: where others may write, the folder of a request must be looked at.
    """
    if not path.startswith("/") or ".." in path.split("/"):
        return False
    plain = posixpath.normpath(path)
    folder = posixpath.normpath(above).rstrip("/")
    # Two slashes at the beginning are kept by normpath; here they mean nothing else.
    return f"/{plain.lstrip('/')}/".startswith(f"{folder}/")
