"""Names as bags of character n-grams: what makes "Save" and "save as" alike before anything is learned."""

from __future__ import annotations

import zlib
from functools import lru_cache

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .instructions import plain

GRAMS = 2048
"""Buckets that character n-grams of names are hashed to."""
TOKEN_RMS = 0.5
"""Size of initial token embeddings, about that of what the layers add to them."""


def gram_vectors(width: int) -> Tensor:
    """[GRAMS, width] fixed random directions, standard normal."""
    return torch.randn(GRAMS, width, generator=torch.Generator().manual_seed(1))


def spelled_embeddings(tokenizer: Tokenizer, width: int) -> Tensor:
    """[vocabulary, width]: every token starts as the sum of its n-grams' vectors, control tokens at random.

    Tokens that differ in case or a leading blank then share most of their vector, and so do related words.
    """
    vectors = gram_vectors(width)
    table = torch.randn(tokenizer.get_vocab_size(), width, generator=torch.Generator().manual_seed(2)) * 0.3
    for token, index in tokenizer.get_vocab().items():
        text = "" if token.startswith("<|") else tokenizer.decode([index])
        buckets = _grams(f" {plain(text)}" if text.startswith(" ") else plain(text))
        if buckets:
            table[index] += vectors[list(buckets)].sum(0)
    return table / table.pow(2).mean(-1, keepdim=True).sqrt() * TOKEN_RMS


@lru_cache(maxsize=65536)
def grams_of(name: str) -> tuple[int, ...]:
    """Buckets of the 1- and 2-grams of a plain name, word boundaries included."""
    return _grams(f" {plain(name)} ")


def _grams(text: str) -> tuple[int, ...]:
    found = [text[i : i + n] for n in (1, 2) for i in range(len(text) - n + 1)]
    return tuple(zlib.crc32(gram.encode()) % GRAMS for gram in found if gram.strip())


def gram_shares(names: list[str]) -> Tensor:
    """[N, GRAMS] rows that sum to 1 (0 for a name without letters)."""
    out = torch.zeros(len(names), GRAMS)
    for row, name in enumerate(names):
        buckets = grams_of(name)
        if buckets:
            out[row].index_add_(0, torch.tensor(buckets), torch.full((len(buckets),), 1.0 / len(buckets)))
    return out
