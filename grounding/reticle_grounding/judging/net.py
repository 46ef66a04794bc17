"""The verifier's network and its weights on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from reticle_grounding.errors import CheckpointError

from .inputs import DIM, GEOMETRY, OWN, SCORES, SORTS, TOLD, Items, Marked, Question

FILE = "verifier.safetensors"
WIDTH, LAYERS, HEADS, INNER, COMMON = 96, 2, 4, 192, 48
FORGET = 0.5
"""How often training hides the vectors themselves, so that agreement, not acquaintance, is learned."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B places of any number of instructions, with M items each."""

    vectors: Tensor
    """[B, M, DIM]."""
    facts: Tensor
    """[B, M, len(SORTS) + GEOMETRY + SCORES]."""
    missing: Tensor
    """[B, M] true where there is no item."""
    own: Tensor
    """[B, OWN]."""
    looks: Tensor
    """[B, 2, DIM]."""
    said: Tensor
    """[B, DIM]."""
    looked: Tensor
    """[B, DIM]."""
    told: Tensor
    """[B, TOLD]."""


def batch_of(parts: Sequence[tuple[Items, Question, Marked]]) -> Batch:
    """Joins the places of several instructions, in their order."""
    made = [_one(*part) for part in parts]
    return Batch(*(torch.from_numpy(np.concatenate(column)) for column in zip(*made, strict=True)))


def _one(items: Items, question: Question, places: Marked) -> tuple[np.ndarray, ...]:
    count = len(places.own)
    if len(items.rects):
        at = places.near.clip(min=0)
        vectors, scores = items.vectors[at], question.scores[at]
        sorts = np.eye(len(SORTS), dtype=np.float32)[items.sorts[at]]
    else:
        shape = places.near.shape
        vectors, scores = np.zeros((*shape, DIM), np.float32), np.zeros((*shape, SCORES), np.float32)
        sorts = np.zeros((*shape, len(SORTS)), np.float32)
    facts = np.concatenate([sorts, places.geometry, scores], axis=-1)
    spread = [np.repeat(row[None], count, axis=0) for row in (question.said, question.looked, question.told)]
    return vectors.astype(np.float32), facts, places.near < 0, places.own, places.looks.astype(np.float32), *spread


class VerifierNet(nn.Module):
    """Places -> one number each, the log-odds that the place is what the instruction means."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = nn.Linear(len(SORTS) + GEOMETRY + SCORES, WIDTH)
        self.vectors = nn.Linear(DIM, WIDTH, bias=False)
        self.item_side = nn.Linear(DIM, COMMON, bias=False)
        self.asked_side = nn.Linear(DIM, COMMON, bias=False)
        self.agreement = nn.Linear(COMMON, WIDTH, bias=False)
        self.own = nn.Linear(OWN + 4, WIDTH)
        self.looks = nn.Linear(2 * DIM, WIDTH, bias=False)
        self.said = nn.Linear(DIM, WIDTH, bias=False)
        self.told = nn.Linear(TOLD, WIDTH)
        block = nn.TransformerEncoderLayer(
            WIDTH, HEADS, INNER, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, LAYERS, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 1))

    def forward(self, batch: Batch) -> Tensor:
        """[B] log-odds."""
        heard = self._heard(batch)
        common = self.item_side(batch.vectors) * self.asked_side(batch.said)[:, None] * COMMON**0.5
        items = self.facts(batch.facts) + self.agreement(common)
        items = items + heard * self.vectors(batch.vectors)
        # How place and surroundings agree with the looks and the meaning of what is asked for.
        agreed = torch.cat([(batch.looks * asked[:, None]).sum(-1) for asked in (batch.looked, batch.said)], dim=1)
        place = self.own(torch.cat([batch.own, agreed], dim=1)) + heard[:, 0] * self.looks(batch.looks.flatten(1))
        asked = self.told(batch.told) + heard[:, 0] * self.said(batch.said)
        rows = torch.cat([place[:, None], asked[:, None], items], dim=1)
        hidden = nn.functional.pad(batch.missing, (2, 0), value=False)
        states = self.blocks(rows, src_key_padding_mask=hidden)[:, 0]
        return cast(Tensor, self.out(states))[:, 0]

    def _heard(self, batch: Batch) -> Tensor:
        """[B, 1, 1] 1, or in training 0 for some places."""
        ones = torch.ones(batch.own.shape[0], 1, 1)
        return (torch.rand_like(ones) >= FORGET).float() if self.training else ones


def save(net: VerifierNet, folder: Path, meta: dict[str, str]) -> Path:
    """Writes the weights in bfloat16 with ``meta`` in the header."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    weights = {k: v.detach().to(torch.bfloat16).contiguous() for k, v in net.state_dict().items()}
    save_file(weights, path, metadata={"reticle": json.dumps({**meta, "part": "verifier"}, sort_keys=True)})
    return path


def load(folder: Path) -> VerifierNet:
    """Reads the weights. Raises CheckpointError naming the file and what does not fit."""
    path, net = folder / FILE, VerifierNet()
    try:
        with safe_open(str(path), framework="pt") as file:
            stored = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the verifier's weights {path}: {error}") from error
    wanted = net.state_dict()
    odd = sorted(set(wanted) ^ set(stored)) or [k for k in wanted if wanted[k].shape != stored[k].shape]
    if odd:
        raise CheckpointError(f"{path} holds no verifier of this version: {', '.join(odd[:4])}")
    if not all(bool(torch.isfinite(value).all()) for value in stored.values()):
        raise CheckpointError(f"{path} holds values that are no numbers")
    net.load_state_dict(stored)
    return net.eval()
