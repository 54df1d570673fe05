"""What a job's series take in Graphite, for a terminal and as a document."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.graphite import LabPlan
from storperf.reports.clean import line


def lab_table(lab: LabPlan) -> RenderableType:
    """A line a tree, and their sum."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_footer=True)
    table.add_column("tree", footer="together")
    table.add_column("kept")
    table.add_column("files", justify="right", footer=f"{lab.files:,}")
    table.add_column("bytes a file", justify="right")
    table.add_column("disk", justify="right", footer=_gb(lab.size_bytes))
    for tree in lab.trees:
        table.add_row(
            tree.tree,
            tree.retentions,
            f"{tree.files:,}",
            f"{tree.file_bytes:,}",
            _gb(tree.size_bytes),
        )
    told = (
        f"{line(lab.job)}: agents {lab.agents}, steps {lab.steps}, sensors a host {lab.sensors}. "
        "These files are made in the first run; later ones make none.\n"
        "Sparse files, as the embedded Graphite makes them, take the room of their points, "
        "up to this."
    )
    return Group(table, Text(told))


def lab_document(lab: LabPlan) -> dict[str, object]:
    """The same as plain values."""
    return {
        "schema": "storperf-graphite-plan/1",
        "job": lab.job,
        "agents": lab.agents,
        "steps": lab.steps,
        "sensors": lab.sensors,
        "files": lab.files,
        "size_bytes": lab.size_bytes,
        "files_of_a_second_run": 0,
        "trees": [
            {
                "tree": tree.tree,
                "retentions": tree.retentions,
                "files": tree.files,
                "file_bytes": tree.file_bytes,
                "size_bytes": tree.size_bytes,
            }
            for tree in lab.trees
        ],
    }


def _gb(size_bytes: int) -> str:
    """Decimal units, as disks are sold."""
    return f"{size_bytes / 1e9:.2f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"
