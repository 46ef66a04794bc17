"""Whether a click arrives where a mark is drawn, measured on every monitor with the parts of a run.

A target is drawn where the overlay would draw a mark; the capture is searched for it; what was seen goes through the
transform of the capture to the desktop; the hand clicks there; and the target tells where the press arrived.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reticle_agent.aiming import Colour, display_of_line
from reticle_agent.pipe import LineProcess, ProcessLostError
from reticle_agent.seams import Display
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.geometry import Point

from .kept import read_kept, write_kept
from .translations import tr

COLOUR: Colour = (232, 20, 140)
PLACES = ((0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
"""Where the targets stand, in shares of the monitor; its corners are kept for stopping."""
NEAR_PX = 1
"""The pixel itself or the one beside it: drawing and clicking round once each."""
START_S, AIM_S, ARRIVE_S = 40.0, 30.0, 2.0

XY: TypeAlias = tuple[float, float]


class Shot(BaseModel):
    """One target; all in pixels of the desktop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meant: XY
    """The middle of the target as it was drawn."""
    seen: XY
    """The same as the capture shows it."""
    aimed: tuple[int, int]
    """The pixel that was clicked."""
    arrived: XY | None
    """Where the target felt the press; None when it felt none."""

    @property
    def sight_px(self) -> float:
        """How far the target was seen from where it was drawn."""
        return math.dist(self.meant, self.seen)

    @property
    def off_px(self) -> int | None:
        """Whole pixels, on the worse axis, between the pixel that was meant and the one that was hit."""
        if self.arrived is None:
            return None
        meant = Point(*self.meant).pixel()
        return max(abs(round(a) - m) for a, m in zip(self.arrived, meant, strict=True))

    @property
    def good(self) -> bool:
        return self.off_px is not None and self.off_px <= NEAR_PX


class MonitorShots(BaseModel):
    """All targets of one monitor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    physical: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of the desktop."""
    scale: float
    """Pixels per logical unit that the desktop's settings name."""
    drawn_scale: float
    """The same as windows are really drawn."""
    shots: Annotated[tuple[Shot, ...], Field(min_length=1)]

    @property
    def good(self) -> bool:
        return all(shot.good for shot in self.shots) and not self.scales_differ

    @property
    def scales_differ(self) -> bool:
        return abs(self.scale - self.drawn_scale) > 0.01

    @property
    def worst_px(self) -> int | None:
        """None when a click did not arrive at all."""
        offs = [shot.off_px for shot in self.shots]
        return None if None in offs else max(off for off in offs if off is not None)

    @property
    def size_words(self) -> str:
        left, top, right, bottom = self.physical
        size, scale = f"{right - left:.0f} x {bottom - top:.0f}", f"{self.drawn_scale:g}"
        return tr("{size} at scale {scale}").format(size=size, scale=scale)

    def table(self) -> list[str]:
        """Every target in a line, for a font of equal widths."""
        return [_line(tr("target at"), tr("seen at"), tr("clicked"), tr("arrived"), tr("off")), *map(_row, self.shots)]

    def headline(self) -> str:
        """Which monitor, and its finding."""
        size, words = self.size_words, self.words()
        return tr("Monitor {name}, {size}: {words}").format(name=self.id, size=size, words=words)

    def words(self) -> str:
        """The finding, in one line."""
        if self.worst_px is None:
            lost = sum(shot.arrived is None for shot in self.shots)
            return tr("{lost} of {all} clicks did not arrive").format(lost=lost, all=len(self.shots))
        if self.worst_px > NEAR_PX:
            return tr("clicks arrive up to {count} pixels beside their targets").format(count=self.worst_px)
        if self.scales_differ:
            words = tr("clicks arrive, but settings say scale {said} and windows are drawn at {drawn}")
            return words.format(said=f"{self.scale:g}", drawn=f"{self.drawn_scale:g}")
        exact = tr("all {count} clicks arrived on their exact pixels")
        near = tr("all {count} clicks arrived on their pixels or the next")
        return (exact if self.worst_px == 0 else near).format(count=len(self.shots))


class Calibration(BaseModel):
    """The whole measurement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    when: AwareDatetime
    monitors: Annotated[tuple[MonitorShots, ...], Field(min_length=1)]

    @property
    def good(self) -> bool:
        return all(monitor.good for monitor in self.monitors)

    def fits(self, areas: Sequence[tuple[float, float, float, float]]) -> bool:
        """Whether it was measured on this arrangement of monitors (desktop pixels)."""
        return sorted(m.physical for m in self.monitors) == sorted(areas)

    @property
    def remedy(self) -> str:
        """What to do; empty when all is well."""
        if self.good:
            return ""
        if any(m.scales_differ for m in self.monitors):
            return tr(
                "Set the same scale everywhere (QT_SCALE_FACTOR, Xft.dpi in the X resources), then measure again."
            )
        if any(m.worst_px is None for m in self.monitors):
            return tr(
                "Something took the clicks before the target: close programs that grab the pointer, measure again."
            )
        return tr("Look for tools that move or scale the pointer or the picture (xrandr --scale), then measure again.")

    def report(self) -> list[str]:
        """The measurement in lines of plain text."""
        lines = [tr("Pointer calibration of {when}").format(when=f"{self.when.astimezone():%Y-%m-%d %H:%M}")]
        for monitor in self.monitors:
            lines += ["", monitor.headline()]
            lines += [f"  {row}" for row in monitor.table()]
        return [*lines, *(["", self.remedy] if self.remedy else [])]


class Targets(Protocol):
    """Draws targets and feels clicks. Called from the thread that measures."""

    def show(self, display: Display, place: XY, words: str) -> tuple[Point, float]:
        """Draws the target; returns its middle (desktop pixels) and the scale it is drawn at."""
        ...

    def arrival(self, timeout_s: float) -> Point | None:
        """Where a press arrived since :meth:`show` (desktop pixels), waiting for it."""
        ...

    def clear(self) -> None: ...


class Measuring:
    """One measurement; ``run`` blocks and ``stop`` may be called from any thread."""

    def __init__(self, targets: Targets) -> None:
        self._targets, self._stopped = targets, False
        self._child = LineProcess("reticle_agent.aiming", name="the aiming process")

    def stop(self) -> None:
        self._stopped = True
        with suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGTERM)  # it lets go of everything and puts the pointer back

    def run(self, tell: Callable[[int, int], None] = lambda done, total: None) -> Calibration:
        """Raises Cancelled after a stop, also by the stop key or the person's mouse, and ReticleError."""
        try:
            hello = self._receive(START_S)
            displays, keys = [display_of_line(row) for row in hello["displays"]], "+".join(hello["keys"])
            total, done = len(displays) * len(PLACES), 0
            monitors = []
            for display in displays:
                shots, drawn = [], display.scale
                for place in PLACES:
                    tell(done, total)
                    shot, drawn = self._shoot(
                        display, place, tr("Target {count} of {all}").format(count=done + 1, all=total), keys
                    )
                    shots.append(shot)
                    done += 1
                monitors.append(self._monitor(display, drawn, shots))
            tell(done, total)
            return Calibration(when=datetime.now(timezone.utc).replace(microsecond=0), monitors=tuple(monitors))
        except ProcessLostError as problem:
            if self._stopped:
                raise Cancelled("the calibration was stopped") from problem
            raise
        finally:
            with suppress(ReticleError):  # the window may have gone
                self._targets.clear()
            self._child.end()

    def _shoot(self, display: Display, place: XY, words: str, keys: str) -> tuple[Shot, float]:
        how = tr("To stop, move the mouse or press {keys}.").format(keys=keys)
        meant, drawn = self._targets.show(display, place, f"{words}. {how}")
        self._child.send({"display": display.id, "colour": COLOUR})
        answer = self._receive(AIM_S)
        arrived = self._targets.arrival(ARRIVE_S)
        seen, aimed = answer["seen"], answer["aimed"]
        shot = Shot(
            meant=(meant.x, meant.y),
            seen=(float(seen[0]), float(seen[1])),
            aimed=(int(aimed[0]), int(aimed[1])),
            arrived=None if arrived is None else (arrived.x, arrived.y),
        )
        return shot, drawn

    def _monitor(self, display: Display, drawn: float, shots: Sequence[Shot]) -> MonitorShots:
        area = display.physical.as_tuple()
        return MonitorShots(
            id=display.id, physical=area, scale=display.scale, drawn_scale=drawn, shots=tuple(shots)
        )  # fmt: skip

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        try:
            line = self._child.receive(timeout_s)
        except TimeoutError as problem:
            raise ReticleError(str(problem)) from problem
        except ValueError as problem:  # cut off in the middle of a line
            raise ProcessLostError("the aiming process has ended") from problem
        if "stopped" in line:
            raise Cancelled(str(line["stopped"]))
        if "error" in line:
            raise ReticleError(str(line["error"]))
        return line


def calibration_path(folder: Path) -> Path:
    return folder / "calibration.json"


def load_calibration(folder: Path) -> Calibration | None:
    return read_kept(calibration_path(folder), Calibration)


def keep_calibration(folder: Path, done: Calibration) -> None:
    """Raises BadInput when it cannot be written."""
    write_kept(calibration_path(folder), done)


def _row(shot: Shot) -> str:
    arrived = tr("nowhere") if shot.arrived is None else f"{shot.arrived[0]:.0f}, {shot.arrived[1]:.0f}"
    off = "-" if shot.off_px is None else f"{shot.off_px} px"
    meant, seen = (f"{x:.1f}, {y:.1f}" for x, y in (shot.meant, shot.seen))
    aimed = f"{shot.aimed[0]}, {shot.aimed[1]}"
    return _line(meant, seen, aimed, arrived, off)


def _line(meant: str, seen: str, aimed: str, arrived: str, off: str) -> str:
    return f"{meant:<17} {seen:<17} {aimed:<11} {arrived:<11} {off}"
