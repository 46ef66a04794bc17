"""A small transformer over the places of a screen: each sees what stands around it and where.

Beside it a smaller net tells which kind of control an instruction means.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.errors import CheckpointError
from reticle_grounding.matcher.sentences import DIM

from .kinds import DRAWING, KINDS, TEXT
from .places import PAIRED, PLACED, SAID, Places

FILE = "controls.safetensors"
WIDTH, HEADS, LAYERS = 96, 6, 3
HIDDEN = 64
LOUD = 8.0
"""Vectors of norm 1 have small numbers; times this they weigh as much as the rest."""
MASKED = -1e4


class CropNet(nn.Module):
    """[n, 3, height, width] in -1..1 -> [n, WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for before, after, kernel, stride in ((3, 24, 5, 2), (24, 40, 3, 2), (40, 56, 3, 2), (56, 56, 3, 1)):
            parts += [nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)]
            parts += [nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*parts)
        self.out = nn.Linear(56 * 6, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.out(F.adaptive_avg_pool2d(self.body(x), (2, 3)).flatten(1)))


class Layer(nn.Module):
    """Attention with a bias for each pair of places, then two linear maps; both added to what was there."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_first, self.norm_second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.inner = nn.Sequential(nn.Linear(WIDTH, 3 * WIDTH), nn.GELU(), nn.Dropout(0.1), nn.Linear(3 * WIDTH, WIDTH))
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, count, width = x.shape
        q, k, v = self.qkv(self.norm_first(x)).view(batch, count, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / (width // HEADS) ** 0.5 + bias).softmax(-1)
        x = x + self.drop(self.joined((weights @ v).transpose(1, 2).reshape(batch, count, width)))
        return x + cast(Tensor, self.drop(self.inner(self.norm_second(x))))


class ControlNet(nn.Module):
    """Places of screens -> kinds of controls."""

    def __init__(self) -> None:
        super().__init__()
        self.close, self.around = CropNet(), CropNet()
        self.words, self.looks = nn.Linear(DIM, WIDTH), nn.Linear(DIM, WIDTH)
        self.about = nn.Sequential(nn.Linear(PLACED + SAID, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.sort = nn.Embedding(3, WIDTH)
        self.pairs = nn.Sequential(nn.Linear(PAIRED, 32), nn.GELU(), nn.Linear(32, HEADS * LAYERS))
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, len(KINDS) + 1)
        self.forget = nn.Dropout(0.3)

    def embed(self, crops: Tensor, vectors: Tensor, about: Tensor, sorts: Tensor) -> Tensor:
        """Places of any number of screens, one after another -> [n, WIDTH]; ``crops`` are uint8."""
        pictures = (crops.permute(0, 1, 4, 2, 3).float() / 255 - 0.5) * 2
        shown = self.close(pictures[:, 0]) + self.around(pictures[:, 1])
        vectors = self.forget(vectors * LOUD)
        told = self.words(vectors) * (sorts == TEXT)[:, None] + self.looks(vectors) * (sorts == DRAWING)[:, None]
        return cast(Tensor, shown + told + self.about(about) + self.sort(sorts))

    def forward(self, embedded: Tensor, paired: Tensor, real: Tensor) -> Tensor:
        """[b, n, WIDTH], [b, n, n, PAIRED], [b, n] where places are -> logits [b, n, kinds + 1]; the last is for
        ``whole``."""
        bias = self.pairs(paired).permute(0, 3, 1, 2).masked_fill(~real[:, None, None, :], MASKED)
        for number, layer in enumerate(self.layers):
            embedded = layer(embedded, bias[:, number * HEADS : (number + 1) * HEADS])
        return cast(Tensor, self.out(self.norm(embedded)))

    def told(self, places: Places) -> Tensor:
        """Logits [places, kinds + 1] of one screen with any places."""
        arrays = (places.crops, places.vectors, places.about, places.sorts)
        embedded = self.embed(*(torch.from_numpy(a) for a in arrays))
        real = torch.ones(1, len(places.rects), dtype=torch.bool)
        paired = pairs_of(torch.from_numpy(places.rects), places.line)
        return cast(Tensor, self(embedded[None], paired[None], real)[0])


class WishNet(nn.Module):
    """Vector of an instruction [n, DIM] -> logits [n, kinds] of the kind of control it means."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, len(KINDS))
        self.forget = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.out(self.forget(F.gelu(self.hidden(self.forget(x * LOUD))))))


class BothNets(nn.Module):
    """What one file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.screen, self.wish = ControlNet(), WishNet()
        self.register_buffer("usual", torch.full((len(KINDS),), 1 / len(KINDS)))
        self.usual: Tensor
        """How often each kind is meant, whatever is said."""


def pairs_of(rects: Tensor, line: float) -> Tensor:
    """[n, 4] capture pixels -> [n, n, PAIRED]: how the second place stands to the first, in lines of text."""
    left, top, right, bottom = (rects / line).T
    across, down = (left + right) / 2, (top + bottom) / 2
    wide, high = right - left, bottom - top

    def off(values: Tensor) -> Tensor:
        return values[None, :] - values[:, None]

    over = torch.minimum(right[None], right[:, None]) - torch.maximum(left[None], left[:, None])
    level = torch.minimum(bottom[None], bottom[:, None]) - torch.maximum(top[None], top[:, None])
    holds = (left[:, None] - 0.3 <= left[None]) & (right[None] <= right[:, None] + 0.3)
    holds &= (top[:, None] - 0.3 <= top[None]) & (bottom[None] <= bottom[:, None] + 0.3)
    dx, dy, tanh = off(across), off(down), torch.tanh
    parts = (
        tanh(dx / 2),
        tanh(dy / 1.5),
        tanh(dx / 12),
        tanh(dy / 8),
        tanh(dx.abs() / 40),
        tanh(dy.abs() / 25),
        tanh(off(left) * 1.5),
        tanh(over / 2),
        tanh(level * 1.5),
        holds.float(),
        holds.T.float(),
        tanh(off(high)),
        tanh(off(wide) / 4),
        torch.exp(-off(left).abs() * 3),
        torch.exp(-off(down).abs() * 3),
    )
    return torch.stack(parts, dim=-1)


def save(nets: BothNets, folder: Path, meta: dict[str, str]) -> Path:
    """Writes the weights (bfloat16) with ``meta`` in the header; returns the path."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        k: (v.to(torch.bfloat16) if v.is_floating_point() else v).contiguous() for k, v in nets.state_dict().items()
    }
    save_file(weights, folder / FILE, metadata={"reticle": json.dumps(meta, sort_keys=True)})
    return folder / FILE


def load(folder: Path) -> BothNets:
    """Reads the weights. Raises CheckpointError naming the file and what is missing or does not fit."""
    path = folder / FILE
    try:
        with safe_open(str(path), framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the weights for kinds of controls {path}: {error}") from error
    nets = BothNets()
    wanted = nets.state_dict()
    odd = sorted(set(wanted) ^ set(weights)) or [k for k in wanted if wanted[k].shape != weights[k].shape]
    if odd:
        raise CheckpointError(f"{path} does not fit this version: {', '.join(odd[:4])}")
    nets.load_state_dict({k: v.to(wanted[k].dtype) for k, v in weights.items()})
    return nets.eval()
