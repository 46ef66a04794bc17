"""What a model would cost and allow, known before its weights are fetched or copied."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .contents import Selection, is_tied, method_of
from .headers import TensorHeader
from .memory import TYPES, Memory, predict
from .store import FileRecord, Record
from .terms import Terms, terms_of


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from."""

    repository: str | None
    revision: str | None
    origin: str
    """The hub's address, or a folder."""
    licence: str | None = None
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A model that can be taken, once its terms are accepted."""

    name: str
    source: Source
    selection: Selection
    size: int
    """Bytes of all files to keep."""
    method: str
    terms: Terms
    memory: Memory

    def record(self, files: list[FileRecord]) -> Record:
        """What is written down when every file is there and checked."""
        return Record(
            name=self.name,
            repository=self.source.repository,
            revision=self.source.revision,
            origin=self.source.origin,
            added=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            method=self.method,
            licence=self.terms.licence,
            bases=self.terms.bases,
            commercial_use=self.terms.commercial,
            parameters=self.memory.parameters,
            memory={kind: self.memory.total(kind) for kind in TYPES},
            files=tuple(files),
        )


def make_plan(
    name: str,
    source: Source,
    selection: Selection,
    size: int,
    config: dict[str, object],
    headers: list[TensorHeader],
) -> Plan:
    """Raises BadInput for a model of a family this program does not open."""
    where = source.repository or source.origin
    return Plan(
        name=name,
        source=source,
        selection=selection,
        size=size,
        method=method_of(where, config),
        terms=terms_of(source.repository, source.licence, source.bases, config),
        memory=predict(headers, tied=is_tied(config)),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A model that was added."""

    record: Record
    folder: Path
    fetched: int
    """Bytes that came in this call."""


def plan_document(plan: Plan, missing: int) -> dict[str, Any]:
    """The JSON form of what would be taken; sizes are bytes, ``missing`` of them still to come."""
    memory = plan.memory
    return {
        "name": plan.name,
        "repository": plan.source.repository,
        "revision": plan.source.revision,
        "origin": plan.source.origin,
        "method": plan.method,
        "size": plan.size,
        "missing": missing,
        "files": list(plan.selection.names),
        "left_out": list(plan.selection.left_out),
        "terms": plan.terms.as_dict(),
        "parameters": memory.parameters,
        "memory": {
            kind: {
                "weights": memory.weights[kind],
                "cache": memory.cache[kind],
                "total": memory.total(kind),
                "opening": memory.opening(kind),
            }
            for kind in memory.weights
        },
    }
