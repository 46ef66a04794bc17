"""The part of a PyInstaller build that is the same on every system; used by the spec files.

PyInstaller brings the program file, Python itself and the standard library. Everything else is copied as installed
(``installed``), so it need not follow the imports of torch and of others, which takes many minutes and still misses
what is looked up by name.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import contents
import installed
from PyInstaller.building.build_main import Analysis
from PyInstaller.config import CONF

PACKAGING = Path(__file__).resolve().parent


def stage() -> Path:
    """The folder with the unpacked wheel, from which Reticle itself is collected. Raises SystemExit without one."""
    given = os.environ.get("RETICLE_STAGE", "")
    if not given or not (Path(given) / "reticle_app").is_dir():
        raise SystemExit(
            f"RETICLE_STAGE must name the folder of the unpacked wheel, not {given!r}; see packaging/build.sh"
        )
    return Path(given)


def standard_library() -> list[str]:
    """All modules of the standard library that are here, but for those that stay out."""
    found = []
    for name in sorted(sys.stdlib_module_names - contents.STANDARD_UNWANTED):
        spec = find_spec(name)
        if spec is None:
            continue
        folders = spec.submodule_search_locations
        found += contents.submodules(name, Path(folders[0]), _standard) if folders else [name]
    return found


def _standard(name: str) -> bool:
    return not {"test", "tests"} & set(name.split("."))


def analysis() -> Any:
    """The program, the standard library and all installed files, thinned by the rules of ``contents``."""
    sys.path.insert(0, str(stage()))
    files = installed.entries("reticle", contents.EXTRAS, Path(CONF["workpath"]) / "bytecode")
    found = Analysis(
        [str(PACKAGING / "launcher.py")],
        hiddenimports=standard_library(),
        excludes=[
            *contents.STANDARD_UNWANTED,
            "pkg_resources",
            "setuptools",
            "pip",
            *installed.top_level(path for path, _, _ in files),
        ],
        noarchive=False,
    )
    found.datas += files
    return found
