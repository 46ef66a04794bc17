"""The judge: reads an instruction and a candidate's caption together and says how well they fit.

It is the phrase tower with low-rank changes to its weights (LoRA, arXiv 2106.09685) and a small head, so that it costs
little on disk. Captions come from :mod:`reticle_grounding.captions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import BertConfig, BertModel

from reticle_grounding.errors import CheckpointError

from .sentences import DIM, HEADS, INNER, LAYERS, TOKENIZER_FILE, VOCABULARY, SentenceTower, by_length

FILE = "judge.safetensors"
MAX_PAIR = 64
"""Tokens of instruction and caption together."""
RANK = 16
HIDDEN = 64
_POSITIONS = "embeddings.position_embeddings.weight"


class Change(nn.Module):
    """A linear layer's weight as the phrase tower has it, kept, plus a trained product of low rank."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return cast(Tensor, self.layer(x) + F.linear(F.linear(x, self.down), self.up))

    def merged(self) -> nn.Linear:
        with torch.no_grad():
            self.layer.weight += self.up @ self.down
        return self.layer


class JudgeNet(nn.Module):
    """Token numbers, their kind (0 instruction, 1 caption) and mask, each [n, length] -> [n] log-odds."""

    def __init__(self, attention: str = "sdpa") -> None:
        """``attention``: as transformers calls it; "eager" trains several times faster on a CPU."""
        super().__init__()
        config = BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=DIM,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=INNER,
            max_position_embeddings=MAX_PAIR,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation=attention,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.hidden, self.out = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, 1)

    def begin(self, tower: SentenceTower) -> None:
        """Takes the phrase tower's weights; positions it does not have begin as those it has."""
        weights = dict(tower.encoder.state_dict())
        own = weights[_POSITIONS]
        weights[_POSITIONS] = torch.cat([own, own[: MAX_PAIR - len(own)]])
        self.encoder.load_state_dict(weights)

    def change(self) -> None:
        """Puts low-rank changes around the encoder's layers; only these, the positions and the head are trained."""
        self.encoder.requires_grad_(False)
        for owner, name, layer in list(_layers(self.encoder)):
            setattr(owner, name, Change(layer))
        self.encoder.get_parameter(_POSITIONS).requires_grad_(True)

    def lighten(self) -> None:
        """Keeps what is not trained in bfloat16, so that bfloat16 arithmetic need not convert it at every step."""
        for module in self.encoder.modules():
            if isinstance(module, Change):
                module.layer.to(torch.bfloat16)

    def merge(self) -> None:
        """Plain layers again, with the changes in their weights."""
        for module in list(self.encoder.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, Change):
                    setattr(module, name, child.merged())

    def forward(self, ids: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
        states = self.encoder(input_ids=ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state
        kept = mask[..., None].to(states.dtype)
        return cast(Tensor, self.out(F.gelu(self.hidden((states * kept).sum(1) / kept.sum(1))))[:, 0].float())


def _layers(encoder: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for module in encoder.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                yield module, name, child


class Pairs:
    """Instructions with captions -> token numbers."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(MAX_PAIR)
        self._tokenizer.enable_padding()

    @classmethod
    def of(cls, folder: Path) -> Pairs:
        return cls(Tokenizer.from_file(str(folder / TOKENIZER_FILE)))

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers, kinds and mask, each [n, length]."""
        encoded = self._tokenizer.encode_batch(list(pairs))
        fields = ("ids", "type_ids", "attention_mask")
        ids, kinds, mask = (torch.tensor([list(getattr(e, name)) for e in encoded]) for name in fields)
        return ids, kinds, mask


class Judge:
    """The judge at work."""

    def __init__(self, net: JudgeNet, pairs: Pairs) -> None:
        self._net, self._pairs = net.eval(), pairs

    def __call__(self, instruction: str, captions: Sequence[str], size: int = 16) -> list[float]:
        """Log-odds that each caption is what the instruction means, in the order of the captions."""
        scores = torch.zeros(len(captions))
        with torch.inference_mode():
            for batch in by_length(captions, size):
                tokens = self._pairs([(instruction, captions[i]) for i in batch])
                scores[torch.tensor(batch)] = self._net(*tokens)
        return [float(v) for v in scores]


def save(net: JudgeNet, folder: Path, meta: dict[str, str]) -> Path:
    """Writes what differs from the phrase tower, in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {k: v.detach().to(torch.bfloat16).contiguous() for k, v in net.state_dict().items() if _own(k)}
    save_file(kept, folder / FILE, metadata={"reticle": json.dumps(meta, sort_keys=True)})
    return folder / FILE


def _own(name: str) -> bool:
    return name.endswith((".down", ".up", _POSITIONS)) or not name.startswith("encoder.")


def stored(folder: Path) -> dict[str, Tensor]:
    """What :func:`save` wrote, in float32. Raises CheckpointError naming the file."""
    path = folder / FILE
    try:
        with safe_open(str(path), framework="pt") as file:
            found = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the judge's weights {path}: {error}") from error
    return found


def load(folder: Path, tower: SentenceTower) -> Judge:
    """Reads the changes and merges them into a copy of the tower. Raises CheckpointError naming what does not fit."""
    net = JudgeNet()
    net.begin(tower)
    net.change()
    found = stored(folder)
    wanted = {k: v for k, v in net.state_dict().items() if _own(k)}
    odd = sorted(set(wanted) ^ set(found)) or [k for k in wanted if wanted[k].shape != found[k].shape]
    if odd:
        raise CheckpointError(f"{folder / FILE} does not fit this version: {', '.join(odd[:4])}")
    net.load_state_dict(found, strict=False)
    net.merge()
    return Judge(net, Pairs.of(folder))
