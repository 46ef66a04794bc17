"""Everything there is to say about models without asking the network."""

from __future__ import annotations

from typing import Any

from .errors import StoreError
from .known import KNOWN, base_named
from .store import Store
from .terms import terms_of
from .verify import at_a_glance


def listing(store: Store) -> dict[str, Any]:
    """Kept models with their state at a glance, cut-short downloads, folders without a record, and known models."""
    return {
        "folder": str(store.root),
        "models": [_kept(store, name) for name in store.names()],
        "unfinished": store.unfinished(),
        "unrecorded": store.unrecorded(),
        "known": [_known(store, index) for index in range(len(KNOWN))],
    }


def _kept(store: Store, name: str) -> dict[str, Any]:
    try:
        record = store.record(name)
    except StoreError as error:
        return {"name": name, "state": "damaged", "detail": str(error)}
    problems = at_a_glance(store.folder(name), record)
    return {
        "name": name,
        "state": "damaged" if problems else "whole",
        "detail": str(problems[0]) if problems else "",
        "folder": str(store.folder(name)),
        "size": record.size,
        **record.model_dump(exclude={"version", "name", "files"}),
    }


def _known(store: Store, index: int) -> dict[str, Any]:
    entry = KNOWN[index]
    terms = terms_of(entry.repository, None, (), {})
    base = base_named(entry.base)
    return {
        "repository": entry.repository,
        "method": entry.method,
        "parameters": entry.size,
        "licence": terms.licence,
        "base": entry.base,
        "base_licence": (base.licence if base else None) or "unknown",
        "commercial_use": terms.commercial,
        "note": entry.note,
        "kept": store.named(entry.repository) is not None,
    }
