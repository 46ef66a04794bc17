"""The table of formats: one row each, so that what can be written and read is told in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from reticle_grounding.errors import BadInput

from . import adp, agentnet, cua, gif, gui_actor, hf_datasets, mp4, osworld, screenspot, script, ui_tars
from .files import draft
from .imports import write_imported
from .record import Run, read_run
from .sources import Imported, ImportOptions

Write: TypeAlias = Callable[[Run, Path], int]
Read: TypeAlias = Callable[[Path, ImportOptions], Imported]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a run, and perhaps to read one."""

    name: str
    folder: bool
    """Whether a folder is written, not a file."""
    items: str
    """What is counted."""
    write: Write
    read: Read | None = None


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("gif", False, "pictures", gif.write_gif),
        Format("mp4", False, "pictures", mp4.write_mp4),
        Format("screenspot", True, "targets", screenspot.write_screenspot, screenspot.read_screenspot),
        Format("gui-actor", True, "conversations", gui_actor.write_gui_actor, gui_actor.read_gui_actor),
        Format("datasets", True, "rows", hf_datasets.write_datasets),
        Format("osworld", True, "steps", osworld.write_osworld, osworld.read_osworld),
        Format("agentnet", True, "steps", agentnet.write_agentnet, agentnet.read_agentnet),
        Format("adp", True, "steps", adp.write_adp),
        Format("ui-tars", False, "steps", ui_tars.write_ui_tars, ui_tars.read_ui_tars),
        Format("cua", True, "turns", cua.write_cua),
        Format("script", False, "steps", script.write_script),
    )
}
IMPORTS = tuple(name for name, row in FORMATS.items() if row.read)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    format: str
    count: int
    items: str
    left_out: tuple[str, ...]
    """What of the run is not in it, one line each."""


def export_trace(trace: Path, to: str, out: Path) -> Exported:
    """Writes the run in the folder ``trace`` to ``out``, a new file or a new or empty folder.

    Raises BadInput for an unknown format, a broken trace, a run with nothing to write, or a place that is taken;
    ReticleError when the disk refuses.
    """
    row = _row(to, tuple(FORMATS))
    run = read_run(trace)
    with draft(out, row.folder) as place:
        count = row.write(run, place)
    return Exported(out, row.name, count, row.items, tuple(dict.fromkeys(run.left_out)))


def import_trace(source: Path, of: str, out: Path, options: ImportOptions, version: str = "0") -> int:
    """Writes a run or labels of another format as a trace into the new or empty folder ``out``; returns its steps.

    Raises BadInput for an unknown format, a file that cannot be read, or a place that is taken.
    """
    row = _row(of, IMPORTS)
    assert row.read is not None, "only formats that can be read are offered"
    imported = row.read(source, options)
    with draft(out, folder=True) as place:
        return write_imported(imported, place, row.name, version)


def _row(name: str, known: tuple[str, ...]) -> Format:
    if name not in known:
        raise BadInput(f"there is no format '{name}' here; use one of {', '.join(known)}")
    return FORMATS[name]
