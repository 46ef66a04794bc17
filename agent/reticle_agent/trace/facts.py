"""What a manifest states about a run; none of it may name a user, a host, an address or a key."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Literal

from reticle_agent.seams import Display

from .plain import JsonObject
from .schema import SCHEMA

Source = Literal["agent", "human", "replay", "inspect"]
Session = Literal["windows", "macos", "x11", "wayland"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model that took part."""

    role: Literal["planner", "grounder", "verifier"]
    name: str
    revision: str | None = None
    weights_sha256: str | None = None
    dtype: str | None = None
    quant: str | None = None
    device: str | None = None
    endpoint_kind: str | None = None
    """Kind of service ("openai"), never its address."""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What was allowed without asking."""

    mode: str
    rules_sha256: str | None = None
    ask_below: float | None = None
    """``p_true`` below which places were asked about in auto mode; above 1 all were."""
    one_wrong_in: int | None = None
    """The risk this rests on; None when the threshold was set by hand."""
    applications: tuple[str, ...] = ()
    """The person's rules for applications, in words."""


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """When the run would have been ended."""

    steps: int | None = None
    seconds: float | None = None
    rate: float | None = None
    """Inputs per second."""


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """What was looked at."""

    scope: Literal["display", "window", "region", "image"] = "display"
    display_id: str | None = None


def display_facts(display: Display) -> JsonObject:
    return {
        "id": display.id,
        "primary": display.primary,
        "logical": _xywh(display.logical.as_tuple()),
        "physical": _xywh(display.physical.as_tuple()),
        "scale": display.scale,
        "rotation": display.quarter_turns % 4 * 90,
    }


def _xywh(sides: tuple[float, float, float, float]) -> JsonObject:
    left, top, right, bottom = sides
    return {"x": left, "y": top, "w": right - left, "h": bottom - top}


def os_facts(session: Session | None = None) -> JsonObject:
    """Name and version of the system; the session is guessed from the platform where the caller does not say."""
    guesses: dict[str, Session] = {"win32": "windows", "darwin": "macos"}
    return {
        "name": platform.system() or "unknown",
        "version": _os_version(),
        "session": session or guesses.get(sys.platform, "x11"),
    }


def _os_version() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.release()


def base_manifest(trace_id: str, created: str, version: str, source: Source) -> JsonObject:
    """The parts that do not depend on the task."""
    return {
        "schema": SCHEMA,
        "id": trace_id,
        "created": created,
        "app": {"name": "reticle", "version": version},
        "source": source,
        "coord": {"norm": "0..1 of the capture", "origin": "top-left"},
    }
