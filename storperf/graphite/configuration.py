"""The files that carbon-cache and graphite-web read, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storperf.graphite.retention import (
    CARBON_FIGURES_S,
    OTHER_AGGREGATION,
    OTHERS,
    OUR_AGGREGATION,
    OURS,
    render_aggregation,
    render_schemas,
)

HOST = "127.0.0.1"
SETTINGS_MODULE = "storperf_graphite_settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the two programs listen, on the loopback alone."""

    line: int
    pickle: int
    query: int
    web: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where things are: `venv` the programs, `state` what may be lost, `data` what may not."""

    venv: Path
    state: Path
    data: Path

    @property
    def conf(self) -> Path:
        """The files of `configuration_files`."""
        return self.state / "conf"

    @property
    def log(self) -> Path:
        """What the programs say."""
        return self.state / "log"

    @property
    def webapp(self) -> Path:
        """Another name of the wheel's files for browsers."""
        return self.state / "webapp"

    @property
    def whisper(self) -> Path:
        """One file a series."""
        return self.data / "whisper"


def configuration_files(folders: Folders, ports: Ports, secret: str) -> Mapping[str, str]:
    """Every file of `folders.conf`, by name."""
    return {
        "carbon.conf": _carbon(folders, ports),
        "storage-schemas.conf": render_schemas((*OURS, *OTHERS)),
        "storage-aggregation.conf": render_aggregation((*OUR_AGGREGATION, *OTHER_AGGREGATION)),
        f"{SETTINGS_MODULE}.py": _web(folders, ports, secret),
    }


def _carbon(folders: Folders, ports: Ports) -> str:
    # Over MAX_CREATES_PER_MINUTE carbon drops points, so there is no limit.  Sparse files take
    # the room of their points; preallocated ones would take 2.5 MB a series at once.
    return f"""\
[cache]
STORAGE_DIR = {folders.data}
LOCAL_DATA_DIR = {folders.whisper}
CONF_DIR = {folders.conf}
LOG_DIR = {folders.log}
PID_DIR = {folders.state}
MAX_CACHE_SIZE = inf
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = 1000
LINE_RECEIVER_INTERFACE = {HOST}
LINE_RECEIVER_PORT = {ports.line}
PICKLE_RECEIVER_INTERFACE = {HOST}
PICKLE_RECEIVER_PORT = {ports.pickle}
CACHE_QUERY_INTERFACE = {HOST}
CACHE_QUERY_PORT = {ports.query}
CARBON_METRIC_INTERVAL = {CARBON_FIGURES_S}
WHISPER_SPARSE_CREATE = True
ENABLE_TAGS = False
LOG_UPDATES = False
LOG_CREATES = False
LOG_CACHE_HITS = False
LOG_CACHE_QUEUE_SORTS = False
LOG_LISTENER_CONN_SUCCESS = False
"""


def _web(folders: Folders, ports: Ports, secret: str) -> str:
    # The wheel's own files are served as they are, and its dashboards look for their theme among
    # them, by another name: Django would have them copied first (staticfiles.E002).
    return f"""\
SECRET_KEY = {secret!r}
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
STORAGE_DIR = {str(folders.data)!r}
WHISPER_DIR = {str(folders.whisper)!r}
CONF_DIR = {str(folders.conf)!r}
LOG_DIR = {str(folders.log / "web")!r}
INDEX_FILE = {str(folders.state / "index")!r}
STATIC_ROOT = {str(folders.venv / "webapp" / "content")!r}
WEBAPP_DIR = {str(folders.webapp)!r}
CARBONLINK_HOSTS = ["{HOST}:{ports.query}"]
FIND_CACHE_DURATION = 0
DEFAULT_CACHE_DURATION = 0
LOG_INFO_PERFORMANCE = False
"""
