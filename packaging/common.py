"""The part of a PyInstaller build that is the same on every system; used by the spec files."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import contents
from PyInstaller.building.build_main import Analysis
from PyInstaller.utils.hooks import copy_metadata

PACKAGING = Path(__file__).resolve().parent


def stage() -> Path:
    """The folder with the unpacked wheel, from which Reticle itself is collected. Raises SystemExit without one."""
    given = os.environ.get("RETICLE_STAGE", "")
    if not given or not (Path(given) / "reticle_app").is_dir():
        raise SystemExit(
            f"RETICLE_STAGE must name the folder of the unpacked wheel, not {given!r}; see packaging/build.sh"
        )
    return Path(given)


def data_files() -> list[tuple[str, str]]:
    """Files that are read while the program runs: Reticle's own, models of text recognition, versions."""
    datas = [entry for package in contents.OWN for entry in contents.data_files(package, folder_of(package))]
    datas += contents.data_files("rapidocr", folder_of("rapidocr"), {".onnx", ".yaml", ".txt"})
    for package in ("jsonschema", "jsonschema_specifications", "certifi"):
        datas += contents.data_files(package, folder_of(package))
    for name in contents.METADATA:
        datas += copy_metadata(name)
    return datas


def folder_of(package: str) -> Path:
    """Where a package lies, found without importing it. Raises SystemExit when it is not installed."""
    top, *rest = package.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"the package {top} is not installed in {os.environ.get('RETICLE_PYTHON', 'this environment')}")
    return Path(spec.submodule_search_locations[0], *rest)


def submodules(package: str) -> list[str]:
    return contents.submodules(package, folder_of(package))


def hidden_imports() -> list[str]:
    """Modules imported by name alone: Reticle's own children and commands, and what rapidocr chooses."""
    other_engines = (".torch", ".pytorch", ".paddle", ".openvino", ".tensorrt", ".mnn", ".coreml")
    modules = [name for package in contents.OWN for name in submodules(package)]
    return modules + [name for name in submodules("rapidocr") if not any(part in name for part in other_engines)]


def excluded_modules() -> list[str]:
    """What PyInstaller need not follow: leaving it out only afterwards would cost minutes of reading it."""
    parts = [name for package in contents.KEPT_PARTS for name in contents.left_out(package, folder_of(package))]
    return [*contents.EXCLUDED_MODULES, *parts]


def analysis() -> Any:
    """The modules and files of the build, thinned by the rules of ``contents``."""
    found = Analysis(
        [str(PACKAGING / "launcher.py")],
        pathex=[str(stage())],
        datas=data_files(),
        hiddenimports=hidden_imports(),
        hookspath=[str(PACKAGING / "hooks")],
        excludes=excluded_modules(),
        module_collection_mode=contents.SOURCES_NEEDED,
        noarchive=False,
    )
    found.pure = contents.kept_modules(found.pure)
    found.binaries = contents.kept(found.binaries)
    found.datas = contents.kept(found.datas)
    return found
