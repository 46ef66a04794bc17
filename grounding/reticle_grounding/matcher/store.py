"""The matcher's weights on disk: safetensors files, the phrase tower in 8-bit rows, everything else in bfloat16."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from reticle_grounding.errors import CheckpointError

from .net import MatcherNet
from .sentences import VOCABULARY

FILE = "matcher.safetensors"
"""The look tower and what describes the whole."""
WORDS = "matcher-words-{}.safetensors"
"""The phrase tower, in as many files as it takes."""
MAX_BYTES = 14 << 20
EMBEDDING = "words.encoder.embeddings.word_embeddings.weight"
"""Its rows say how many tokens there are."""
SCALE = ".scale"
"""Ending of the name of a table of row scales; ``weight = rows * scale``."""


def save(net: MatcherNet, folder: Path, meta: dict[str, str]) -> list[Path]:
    """Writes the weights with ``meta`` in the first file's header; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(WORDS.format("*")):
        old.unlink()
    first: dict[str, Tensor] = {}
    parts: list[dict[str, Tensor]] = [{}]
    for name, value in net.state_dict().items():
        if not name.startswith("words."):
            first[name] = _small(value)
            continue
        stored = _rows(name, value) if value.ndim == 2 else {name: _small(value)}
        if parts[-1] and _bytes(parts[-1]) + _bytes(stored) > MAX_BYTES:
            parts.append({})
        parts[-1] |= stored
    header = {"reticle": json.dumps({**meta, "words": str(len(parts))}, sort_keys=True)}
    paths = [folder / FILE, *(folder / WORDS.format(i) for i in range(1, len(parts) + 1))]
    for path, tensors in zip(paths, [first, *parts], strict=True):
        save_file(tensors, path, metadata=header if path.name == FILE else None)
    return paths


def _small(value: Tensor) -> Tensor:
    return (value.to(torch.bfloat16) if value.is_floating_point() else value).contiguous()


def _rows(name: str, value: Tensor) -> dict[str, Tensor]:
    """[n, d] as 8-bit rows with a scale each; the error is at most 1/254 of a row's largest weight."""
    scale = (value.float().abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
    return {name: torch.round(value.float() / scale).to(torch.int8), name + SCALE: scale}


def _bytes(tensors: dict[str, Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors.values())


def load(folder: Path) -> MatcherNet:
    """Reads the weights. Raises CheckpointError naming the file and what is missing or does not fit."""
    stored = dict(_tensors(folder / FILE))
    files = sorted(folder.glob(WORDS.format("*")))
    for path in files:
        stored |= dict(_tensors(path))
    weights = {k: v for k, v in stored.items() if not k.endswith(SCALE)}
    for name in [k for k in stored if k.endswith(SCALE)]:
        own = name.removesuffix(SCALE)
        if own in weights:
            weights[own] = weights[own].float() * stored[name]
    net = MatcherNet(len(weights[EMBEDDING]) if EMBEDDING in weights else VOCABULARY)
    wanted = net.state_dict()
    odd = sorted(set(wanted) ^ set(weights)) or [k for k in wanted if wanted[k].shape != weights[k].shape]
    if odd:
        named = ", ".join(p.name for p in (folder / FILE, *files))
        raise CheckpointError(f"{folder} ({named}) does not fit this version: {', '.join(odd[:4])}")
    net.load_state_dict({k: v.to(wanted[k].dtype) for k, v in weights.items()})
    return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def header(folder: Path) -> dict[str, str]:
    """What :func:`save` was told beside the weights. Raises CheckpointError for a file that is none of ours."""
    path = folder / FILE
    try:
        with safe_open(str(path), framework="pt") as file:
            return {str(k): str(v) for k, v in json.loads(file.metadata()["reticle"]).items()}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"cannot read what {path} says of itself: {error}") from error


def _tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                yield name, file.get_tensor(name)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the matcher's weights {path}: {error}") from error
