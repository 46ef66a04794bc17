"""Phrases as vectors: a small BERT encoder of the shape of all-MiniLM-L6-v2, whose published weights it started from.

What a phrase means is the mean of its tokens' last states. Names in the weight file are those of ``BertModel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

DIM = 384
"""Length of the vectors; all have norm 1."""
MAX_TOKENS = 32
VOCABULARY, LAYERS, HEADS, INNER = 30_522, 6, 12, 1_536
TOKENIZER_FILE = "matcher-tokenizer.json"


class SentenceTower(nn.Module):
    """Token numbers and their mask, both [n, length], -> [n, DIM]."""

    def __init__(self, vocabulary: int = VOCABULARY) -> None:
        from transformers import BertConfig, BertModel

        super().__init__()
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=DIM,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=INNER,
            max_position_embeddings=MAX_TOKENS,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask[..., None].to(states.dtype)
        return F.normalize(((states * kept).sum(1) / kept.sum(1)).float(), dim=-1)


class Tokens:
    """Phrases -> token numbers, all of one length."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()

    @classmethod
    def of(cls, folder: Path) -> Tokens:
        return cls(Tokenizer.from_file(str(folder / TOKENIZER_FILE)))

    def __call__(self, phrases: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Numbers and mask, both [n, length]."""
        encoded = self.tokenizer.encode_batch([p.strip() or "?" for p in phrases])
        ids, mask = ([list(getattr(e, name)) for e in encoded] for name in ("ids", "attention_mask"))
        return torch.tensor(ids), torch.tensor(mask)

    def save(self, folder: Path) -> None:
        self.tokenizer.save(str(folder / TOKENIZER_FILE))


def by_length(phrases: Sequence[str], size: int) -> list[list[int]]:
    """Numbers of the phrases in batches of ``size`` of about the same length, so that little is padding."""
    order = sorted(range(len(phrases)), key=lambda i: len(phrases[i]))
    return [order[at : at + size] for at in range(0, len(order), size)]


def say(tower: SentenceTower, tokens: Tokens, phrases: Sequence[str], size: int = 64) -> Tensor:
    """Phrases -> [n, DIM], in their order."""
    out = torch.zeros(len(phrases), DIM)
    for batch in by_length(phrases, size):
        out[torch.tensor(batch)] = cast(Tensor, tower(*tokens([phrases[i] for i in batch])))
    return out
