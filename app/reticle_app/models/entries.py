"""What the models window lists: the model that ships, kept ones, cut-short downloads and known ones. No Qt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from reticle_app.kept import read_kept, write_kept
from reticle_grounding.errors import ReticleError

from .contents import CHANNEL, CONFIG, SINGLE, is_tied
from .headers import headers_of
from .listing import listing
from .memory import TYPES, predict
from .store import Store

Kind: TypeAlias = Literal["own", "folder", "kept", "unfinished", "unrecorded", "known"]
METHODS = {
    "gui_actor": "GUI-Actor", "gui_aima": "GUI-AIMA", "focusui": "FocusUI", "verifier": "verifier",
    "backbone": "no pointer",
}  # fmt: skip
OWN_NAME = "Reticle's own model"
SCALE, BOOK = ".scale", ".book"
"""Endings of the tensors that spell out 8-bit rows and coded tables."""


class Begun(BaseModel):
    """A download that was agreed to; with it a cut-short one goes on without being asked about again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str
    revision: str | None
    terms: dict[str, Any]
    """As they were when they were accepted."""


class Downloads(BaseModel):
    """Downloads that are not finished, by the name of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    begun: dict[str, Begun] = {}

    def with_one(self, name: str, begun: Begun) -> Downloads:
        return Downloads(begun={**self.begun, name: begun})

    def without(self, name: str) -> Downloads:
        return Downloads(begun={key: value for key, value in self.begun.items() if key != name})


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One row; what is not known is None or empty."""

    key: str
    kind: Kind
    title: str
    model: str
    """What opens it: a folder, empty for the model that ships; of no meaning while it is not kept."""
    name: str | None = None
    """In the folder of models."""
    repository: str | None = None
    method: str = ""
    parameters: str = ""
    licence: str = ""
    bases: tuple[tuple[str, str], ...] = ()
    commercial: Literal["yes", "no", "unknown"] = "unknown"
    note: str = ""
    size: int | None = None
    """Bytes on the disk."""
    memory: Mapping[str, int] | None = None
    """Type of number -> bytes for weights and cache."""
    problem: str = ""
    """Why it cannot be used as it is; empty when it can."""
    added: str = ""

    @property
    def usable(self) -> bool:
        return self.kind in ("own", "folder", "kept") and not self.problem and self.method != METHODS["verifier"]


def downloads_path(folder: Path) -> Path:
    return folder / "downloads.json"


def load_downloads(folder: Path) -> Downloads:
    return read_kept(downloads_path(folder), Downloads) or Downloads()


def keep_downloads(folder: Path, downloads: Downloads) -> None:
    """Raises BadInput when it cannot be written."""
    write_kept(downloads_path(folder), downloads)


def entries(store: Store, embedded: Path | None, begun: Downloads, in_use: str = "") -> list[ModelEntry]:
    """All rows, those on this machine first. Reads the disk; asks no network.

    Args:
        embedded: folder of the model that ships; None leaves it out.
        in_use: folder of the model in use; one outside the store gets a row of its own.
    """
    found = listing(store)
    rows = [_own(embedded)] if embedded is not None else []
    kept = [_kept(store, row) for row in found["models"]]
    rows += kept
    if in_use and in_use not in {row.model for row in kept}:
        rows.append(_folder(Path(in_use)))
    known = {row["repository"].rpartition("/")[2]: row for row in found["known"]}
    for name in found["unfinished"]:
        source = begun.begun.get(name)
        about = known.get(name)
        repository = source.repository if source else about["repository"] if about else None
        rows.append(_unfinished(store, name, repository, about))
    rows += [_unrecorded(store, name) for name in found["unrecorded"]]
    there = {row.repository for row in rows}
    rows += [_known(row) for row in found["known"] if row["repository"] not in there]
    return rows


def _beside(folder: Path) -> tuple[int, int]:
    """Parameters, and bytes in memory, of what stands beside the pointer of the shipped model.

    It is float32 whatever the number type: rows of 8 bits with a scale each are spelled out, and so are coded tables
    [rows, parts] with a book [parts, codes, width].
    """
    parameters = held = 0
    for path in sorted(folder.glob("*.safetensors")):
        if path.name in (SINGLE, CHANNEL):
            continue
        tensors = {h.name: h for h in headers_of(path)}
        for name, header in tensors.items():
            book = tensors.get(f"{name}{BOOK}")
            if book is not None:
                held += 4 * header.shape[0] * book.shape[0] * book.shape[2]
            elif (header.floating and not name.endswith((SCALE, BOOK))) or f"{name}{SCALE}" in tensors:
                parameters += header.numbers
                held += 4 * header.numbers
    return parameters, held


def _own(folder: Path) -> ModelEntry:
    memory: dict[str, int] | None = None
    problem = words = ""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        headers = [h for name in (SINGLE, CHANNEL) if (folder / name).is_file() for h in headers_of(folder / name)]
        told = predict(headers, tied=is_tied(config))
        parameters, held = _beside(folder)
        memory = {kind: told.total(kind) + held for kind in TYPES}
        words = f"{(told.parameters + parameters) / 1e6:.1f} million"
    except (OSError, ValueError, ReticleError) as error:
        problem = str(error)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return ModelEntry(
        "own", "own", OWN_NAME, "", method="GUI-Actor", parameters=words, licence="apache-2.0", commercial="yes",
        note="ships with the program; small, and fast on a processor", size=size, memory=memory, problem=problem,
    )  # fmt: skip


def _kept(store: Store, row: Mapping[str, Any]) -> ModelEntry:
    name = str(row["name"])
    if "size" not in row:
        return ModelEntry(f"kept {name}", "kept", name, str(store.folder(name)), name=name, problem=str(row["detail"]))
    return ModelEntry(
        f"kept {name}",
        "kept",
        name,
        str(row["folder"]),
        name=name,
        repository=row["repository"],
        method=METHODS.get(row["method"], row["method"]),
        parameters=_count(row["parameters"]),
        licence=row["licence"],
        bases=tuple((base, licence) for base, licence in row["bases"]),
        commercial=row["commercial_use"],
        size=row["size"],
        memory=row["memory"],
        problem=row["detail"] if row["state"] != "whole" else "",
        added=row["added"],
    )


def _folder(folder: Path) -> ModelEntry:
    problem = "" if (folder / CONFIG).is_file() else "there is no model in this folder"
    return ModelEntry(
        f"folder {folder}", "folder", folder.name or str(folder), str(folder), note="named in the settings",
        licence="unknown", problem=problem,
    )  # fmt: skip


def _unfinished(store: Store, name: str, repository: str | None, about: Mapping[str, Any] | None) -> ModelEntry:
    there = sum(path.stat().st_size for path in store.partial(name).iterdir() if path.is_file())
    row = _known(about) if about is not None else ModelEntry("", "known", name, "")
    return ModelEntry(
        f"unfinished {name}", "unfinished", name, "", name=name, repository=repository, method=row.method,
        parameters=row.parameters, licence=row.licence, bases=row.bases, commercial=row.commercial, note=row.note,
        size=there,
    )  # fmt: skip


def _unrecorded(store: Store, name: str) -> ModelEntry:
    return ModelEntry(
        f"unrecorded {name}", "unrecorded", name, str(store.root / name), name=name,
        problem="this folder was put here by hand and has no record; import it from elsewhere, or remove it",
    )  # fmt: skip


def _known(row: Mapping[str, Any]) -> ModelEntry:
    repository = str(row["repository"])
    return ModelEntry(
        f"known {repository}",
        "known",
        repository.rpartition("/")[2],
        "",
        repository=repository,
        method=METHODS.get(row["method"], row["method"]),
        parameters=row["parameters"].replace("B", " billion"),
        licence=row["licence"],
        bases=((row["base"], row["base_licence"]),),
        commercial=row["commercial_use"],
        note=row["note"],
    )


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} billion" if parameters >= 1e9 else f"{parameters / 1e6:.1f} million"
