"""Product quantisation: each vector as a few bytes, each byte the nearest of 256 typical parts (Jegou et al., 2011)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CENTRES, ROUNDS, SAMPLE = 256, 12, 20_000
"""Typical parts per place; k-means rounds; vectors they are found on."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """[n, d] vectors; ``d`` is places times the length of a part."""

    codes: Tensor
    """[n, places] uint8."""
    book: Tensor
    """[places, CENTRES, part]."""

    def vectors(self) -> Tensor:
        """[n, d] float32, each row brought back to norm 1."""
        parts = [book[codes.long()] for book, codes in zip(self.book.float(), self.codes.T, strict=True)]
        return torch.nn.functional.normalize(torch.cat(parts, dim=1), dim=1)


def quantise(vectors: Tensor, places: int, seed: int = 0) -> Quantised:
    """[n, d] -> codes and their book. Raises ValueError where ``d`` is no multiple of ``places``."""
    count, width = vectors.shape
    if width % places:
        raise ValueError(f"vectors of {width} numbers do not fall into {places} equal parts")
    draw = torch.Generator().manual_seed(seed)
    codes, books = [], []
    for part in torch.split(vectors.float(), width // places, dim=1):
        sample = part[torch.randperm(count, generator=draw)[:SAMPLE]]
        book = _centres(sample, draw)
        books.append(book)
        codes.append(
            torch.cat([torch.cdist(rows, book).argmin(1) for rows in torch.split(part, SAMPLE)]).to(torch.uint8)
        )
    return Quantised(torch.stack(codes, dim=1), torch.stack(books).to(torch.bfloat16))


def _centres(sample: Tensor, draw: torch.Generator) -> Tensor:
    """K-means; a centre that nothing is near to moves to a random row."""
    book = sample[torch.randint(len(sample), (CENTRES,), generator=draw)].clone()
    for _ in range(ROUNDS):
        nearest = torch.cdist(sample, book).argmin(1)
        held = torch.bincount(nearest, minlength=CENTRES)
        sums = torch.zeros_like(book).index_add_(0, nearest, sample)
        book = sums / held.clamp(min=1)[:, None]
        empty = held == 0
        book[empty] = sample[torch.randint(len(sample), (int(empty.sum()),), generator=draw)]
    return book
