"""Many instructions on one picture in one sequence: [prefix][segment]..., a segment sees the prefix and itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reticle_grounding.model.families import PointerModelModule
from reticle_grounding.model.prompts import IMAGE_PAD, PromptProfile

MAX_WORDS = 22
"""Tokens of an instruction; the rest of a longer one is cut in training."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of pictures with up to K instructions each."""

    ids: Tensor
    """[B, prefix + K * segment]."""
    positions: Tensor
    """[3, B, L]."""
    mask: Tensor
    """[B, 1, L, L] true where attention is allowed."""
    queries: Tensor
    """[B, K] index of the pointer token in the sequence; 0 where there is no instruction."""
    present: Tensor
    """[B, K] whether there is an instruction."""


class Packer:
    """Turns instructions into packed sequences for one prompt profile."""

    def __init__(self, model: PointerModelModule, encode: Callable[[str], list[int]], profile: PromptProfile) -> None:
        self.model, self.encode, self.profile = model, encode, profile
        self.tail = encode(profile.answer_start)
        self.pad = encode("<|endoftext|>")[0]

    def prefix(self, cells: int) -> list[int]:
        """Ids of the system turn and the picture."""
        pad = self.encode(IMAGE_PAD)[0]
        return [i for token in self.encode(self.profile.prefix) for i in ([token] * cells if token == pad else [token])]

    def pack(self, instructions: list[list[str]], grid: tuple[int, int], device: torch.device) -> Packed:
        """``instructions[b]`` belong to picture b; ``grid`` is rows and columns of merged patches of every picture."""
        prefix = self.prefix(grid[0] * grid[1])
        segments = [[self.encode(text)[:MAX_WORDS] + self.tail for text in texts] for texts in instructions]
        count = max(1, max(len(s) for s in segments))
        length = max((len(ids) for s in segments for ids in s), default=len(self.tail))
        batch, start = len(instructions), len(prefix)
        ids = torch.full((batch, start + count * length), self.pad)
        ids[:, :start] = torch.tensor(prefix)
        queries = torch.zeros(batch, count, dtype=torch.long)
        for b, parts in enumerate(segments):
            for k, part in enumerate(parts):
                at = start + k * length
                ids[b, at : at + len(part)] = torch.tensor(part)
                queries[b, k] = at + len(part) - 1
        positions = self._positions(prefix, grid, count, length).expand(3, batch, -1)
        mask = segment_mask(start, count, length).expand(batch, 1, -1, -1)
        parts_on = (ids, positions, mask, queries, queries > 0)
        return Packed(*(t.to(device) for t in parts_on))

    def _positions(self, prefix: list[int], grid: tuple[int, int], count: int, length: int) -> Tensor:
        """[3, 1, L]: the prefix as at inference, every segment going on after it."""
        shape = torch.tensor([[1, grid[0] * self.model.merge_size, grid[1] * self.model.merge_size]])
        device = next(self.model.parameters()).device
        head = self.model.positions(torch.tensor([prefix], device=device), shape.to(device)).cpu()
        after = int(head.max()) + 1 + torch.arange(length)
        return torch.cat([head, after.repeat(count).expand(3, 1, -1)], dim=-1)


def segment_mask(prefix: int, count: int, length: int) -> Tensor:
    """[1, 1, L, L]: causal, and segments do not see each other."""
    owner = torch.cat([torch.zeros(prefix, dtype=torch.long), torch.arange(1, count + 1).repeat_interleave(length)])
    total = owner.shape[0]
    causal = torch.ones(total, total, dtype=torch.bool).tril()
    allowed = (owner[None, :] == 0) | (owner[:, None] == owner[None, :])
    return (causal & allowed)[None, None]
