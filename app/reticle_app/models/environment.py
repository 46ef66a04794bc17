"""The hub as the environment names it. For entry points alone: nothing below them reads the environment."""

from __future__ import annotations

from collections.abc import Mapping

from .hub import Hub

HUB = "https://huggingface.co"
_TRUE = frozenset({"1", "ON", "YES", "TRUE"})
"""What the hub's own library takes for yes."""


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user wants nothing asked over the network."""
    said = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in _TRUE


def hub_of(environ: Mapping[str, str]) -> Hub:
    return Hub(environ.get("HF_ENDPOINT") or HUB, offline=is_offline(environ))
