"""The part of a PyInstaller build that is the same on every system; used by the spec files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import contents
from PyInstaller.building.build_main import Analysis
from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

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
    datas = [entry for package in contents.OWN for entry in collect_data_files(package)]
    datas += collect_data_files("rapidocr", includes=["**/*.onnx", "**/*.yaml", "**/*.txt"])
    datas += collect_data_files("jsonschema") + collect_data_files("jsonschema_specifications")
    datas += collect_data_files("certifi")
    for name in contents.METADATA:
        datas += copy_metadata(name)
    return datas


def hidden_imports() -> list[str]:
    """Modules imported by name alone: Reticle's own children and commands, and what rapidocr chooses."""
    modules = [name for package in contents.OWN for name in collect_submodules(package, on_error="ignore")]
    modules += [
        name
        for name in collect_submodules("rapidocr", on_error="ignore")
        if not any(part in name for part in (".torch", ".paddle", ".openvino", ".tensorrt", ".mnn", ".coreml"))
    ]
    return [name for name in modules if contents.wanted_module(name)]


def analysis() -> Any:
    """The modules and files of the build, thinned by the rules of ``contents``."""
    found = Analysis(
        [str(PACKAGING / "launcher.py")],
        pathex=[str(stage())],
        datas=data_files(),
        hiddenimports=hidden_imports(),
        hookspath=[str(PACKAGING / "hooks")],
        excludes=list(contents.EXCLUDED_MODULES),
        module_collection_mode=contents.SOURCES_NEEDED,
        noarchive=False,
    )
    found.pure = contents.kept_modules(found.pure)
    found.binaries = contents.kept(found.binaries)
    found.datas = contents.kept(found.datas)
    return found
