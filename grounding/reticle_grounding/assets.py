"""Where the files that ship with the program lie: in a frozen build, a wheel, or a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import CheckpointError, ReticleError

EMBEDDED_NAME = "reticle-embedded"
"""What the checkpoint that ships calls itself."""
_HERE = Path(__file__).resolve().parent


def _places() -> list[Path]:
    frozen = getattr(sys, "_MEIPASS", None)
    bundled = [Path(frozen) / "assets", Path(frozen) / "reticle_grounding" / "_assets"] if frozen else []
    return [*bundled, _HERE / "_assets", _HERE.parents[1] / "assets"]


def assets_dir() -> Path:
    """The folder of shipped files. Raises ReticleError naming the places looked at."""
    for place in _places():
        if place.is_dir():
            return place
    raise ReticleError(f"the program's own files are missing; looked in {_listed(_places())}. Install it again")


def asset(name: str) -> Path:
    """One shipped file or folder. Raises ReticleError when it is absent."""
    found = assets_dir() / name
    if not found.exists():
        raise ReticleError(f"{found} is missing; install the program again")
    return found


def embedded_model_dir() -> Path:
    """The folder of the checkpoint that ships with the program. Raises CheckpointError when it is absent."""
    for place in _places():
        if (place / "embedded" / "config.json").is_file():
            return place / "embedded"
    looked = _listed([place / "embedded" for place in _places()])
    raise CheckpointError(f"the embedded model is missing; looked in {looked}. Give another model folder or reinstall")


def _listed(places: list[Path]) -> str:
    return ", ".join(str(place) for place in places)
