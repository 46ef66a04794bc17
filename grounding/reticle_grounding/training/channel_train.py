"""Trains the reading channel with the language model and the pointer head on prepared screens (:mod:`.prepared`).

The vision tower stays as it is, its output is stored; many instructions share one picture (:mod:`.packing`).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from reticle_grounding.assets import EMBEDDED_NAME
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size
from reticle_grounding.matcher.matcher import Matcher, open_matcher
from reticle_grounding.model.channel import ReadingChannel, load_channel, save_channel
from reticle_grounding.model.checkpoint import load_model, save_checkpoint
from reticle_grounding.model.families import PointerModelModule
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.prompts import PROFILES

from .build import processor
from .crops import CELL, soft_labels
from .instructions import Target, targets_of
from .optim import Average, rate
from .packing import Packer
from .prepared import Prepared, open_prepared

PROFILE = "embedded"
WARMUP, AVERAGE, CLIP = 40, 0.997, 1.0
QUIET = 0.1
"""Factor on what the language model's layers add, at the start of a new channel."""
SPOKEN_SHARE = 0.6
"""How often an instruction that was written for an element is asked beside the made ones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An instruction and the box it means, in model pixels."""

    instruction: str
    box: tuple[float, float, float, float]
    kind: str


def asked_of(screen: Prepared, rng: Random, count: int, *, spoken_only: bool = False) -> list[Asked]:
    """At most ``count`` instructions about a screen: written ones, and made ones with kinds in even shares."""
    scale_x = screen.shape[1] * CELL / screen.size.width
    scale_y = screen.shape[0] * CELL / screen.size.height
    kinds = {e.box: e.kind for e in screen.elements}
    chosen: list[Target] = [
        Target(s.instruction, s.box, kinds.get(s.box, "text"))
        for s in screen.spoken
        if spoken_only or rng.random() < SPOKEN_SHARE
    ]
    if not spoken_only:
        pools: dict[str, list[Target]] = defaultdict(list)
        made = targets_of(rng, screen.elements, 0)
        for target in rng.sample(made, len(made)):
            pools[target.kind].append(target)
        while len(chosen) < count and any(pools.values()):
            for kind in ("text", "icon", "field", "text"):
                if pools[kind] and len(chosen) < count:
                    chosen.append(pools[kind].pop())
    chosen = rng.sample(chosen, min(count, len(chosen)))
    boxed = [(t, t.bbox) for t in chosen if t.bbox is not None]
    return [
        Asked(t.instruction, (b[0] * scale_x, b[1] * scale_y, b[2] * scale_x, b[3] * scale_y), t.kind) for t, b in boxed
    ]


def fresh_channel(model: PointerModelModule) -> ReadingChannel:
    """A new channel, and a pointer head and language model for it.

    Query and key side of the head begin alike and the language model adds little to what it is given, so that equal
    vectors agree from the first step on.
    """
    head = model.head
    head.reset_parameters()
    for layer in head.projection_enc:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=1.4 * layer.in_features**-0.5)
    head.projection_dec.load_state_dict(head.projection_enc.state_dict())
    language = model.backbone.model.language_model
    for block in language.layers:
        block.self_attn.o_proj.weight.data.mul_(QUIET)
        block.mlp.down_proj.weight.data.mul_(QUIET)
    language.norm.weight.data.fill_(1.0)
    return ReadingChannel(model.hidden_size)


class Pointing(nn.Module):
    """Model and channel together; calling it with a screen and instructions gives logits over its patches."""

    def __init__(self, model: PointerModelModule, channel: ReadingChannel, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.model, self.channel = model, channel
        self.model.backbone.model.visual.requires_grad_(False)
        self.model.head.self_attention.dropout = 0.0  # dropout of attention takes a path four times as slow

        def encode(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        self.packer = Packer(model, encode, PROFILES[PROFILE])

    def forward(self, screen: Prepared, instructions: Sequence[str], vectors: Tensor) -> Tensor:
        """``vectors`` [K, SENSE] of the instructions -> logits [K, V]."""
        model, device = self.model, next(self.model.parameters()).device
        merged = self.channel(screen.merged.to(device).float(), screen.on_patches(CELL).to(device))
        packed = self.packer.pack([list(instructions)], screen.shape, merged.device)
        embeds = model.embed(packed.ids, merged)
        at = packed.queries[0, : len(instructions)]
        told = torch.zeros_like(embeds[0]).index_copy(0, at, self.channel.asked(vectors.to(device)).to(embeds))
        states = model.decode(embeds + told[None], packed.positions, packed.mask)[0, at]
        logits: Tensor = model.head.scores(states, model.head.keys(merged))
        return logits


def labels_of(screen: Prepared, asked: Sequence[Asked]) -> Tensor:
    """[K, V] soft labels."""
    size = Size(screen.shape[1] * CELL, screen.shape[0] * CELL)
    return torch.from_numpy(np.stack([soft_labels(a.box, size) for a in asked]))


def best_points(logits: Tensor, shape: tuple[int, int]) -> list[Point]:
    """Centres of the best patches in model pixels."""
    best = logits.argmax(-1).tolist()
    return [Point((b % shape[1] + 0.5) * CELL, (b // shape[1] + 0.5) * CELL) for b in best]


@torch.inference_mode()
def validate(net: Pointing, matcher: Matcher, screens: Sequence[Prepared], spoken_only: bool) -> dict[str, float]:
    """Share of instructions whose best patch's centre lies within the box or touches it, by kind."""
    hits: defaultdict[str, list[bool]] = defaultdict(list)
    for screen in screens:
        asked = asked_of(screen, Random(screen.name), 24, spoken_only=spoken_only)
        if not asked:
            continue
        words = [a.instruction for a in asked]
        logits = net(screen, words, torch.from_numpy(matcher.say(words)))
        for a, point in zip(asked, best_points(logits, screen.shape), strict=True):
            box = Rect(*a.box)
            small = min(box.width, box.height) < CELL
            hit = (box.grown(CELL / 2) if small else box).contains(point)
            hits[a.kind].append(hit)
            hits["all"].append(hit)
    return {kind: round(sum(v) / len(v), 4) for kind, v in sorted(hits.items())} | {"n": len(hits["all"])}


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One training run; ``out`` holds everything it writes."""

    out: Path
    prepared: tuple[Path, ...]
    """Folders of prepared screens."""
    start: Path
    """Folder of the pointer to start from, with or without a channel."""
    matcher: Path
    """Folder of the matcher whose vectors the prepared screens hold."""
    parts: tuple[str, ...] = ("training",)
    """Which screens are trained on; those of ``validation`` are only measured."""
    minutes: float = 30.0
    instructions: int = 24
    """At most so many per screen."""
    batch: int = 2
    """Screens per step."""
    lr: float = 1e-3
    threads: int = 2
    device: str = "cpu"
    bf16: bool = False
    """bfloat16 arithmetic, where the processor is fast at it."""
    seed: int = 0
    save_minutes: float = 6.0


class Run:
    """A training run in memory. Raises BadInput when there is nothing to train on."""

    def __init__(self, chosen: ChannelConfig) -> None:
        torch.set_num_threads(chosen.threads)
        torch.manual_seed(chosen.seed)
        self.chosen, self.rng = chosen, Random(f"channel {chosen.seed}")
        self.tokenizer = Tokenizer.from_file(str(chosen.start / "tokenizer.json"))
        self.matcher = open_matcher(chosen.matcher)
        model = load_model(chosen.start)
        channel = load_channel(chosen.start, model.hidden_size) or fresh_channel(model)
        self.net = Pointing(model, channel.train(), self.tokenizer).to(chosen.device)
        files = sorted(p for folder in chosen.prepared for p in folder.glob("*.safetensors"))
        screens = [open_prepared(p) for p in files]
        self.training = [s for s in screens if s.part in chosen.parts and s.elements]
        self.validation = [s for s in screens if s.part == "validation"]
        if not self.training:
            raise BadInput(
                f"no screens to train on ({', '.join(chosen.parts)}) in {', '.join(map(str, chosen.prepared))}"
            )
        fresh = [
            p for n, p in self.net.named_parameters() if p.requires_grad and n.startswith(("channel", "model.multi"))
        ]
        known = {id(p) for p in fresh}
        rest = [p for p in self.net.parameters() if p.requires_grad and id(p) not in known]
        self.optimizer = torch.optim.AdamW(
            [{"params": fresh, "share": 1.0}, {"params": rest, "share": 0.6}],
            lr=chosen.lr,
            betas=(0.9, 0.98),
            weight_decay=0.02,
        )
        self.average = Average(self.net, AVERAGE)
        self.said: dict[str, Tensor] = {}
        self.done = 0
        self._begun = time.monotonic()
        self._rows: list[dict[str, float]] = []

    @property
    def over(self) -> float:
        minutes: float = self.chosen.minutes
        return (time.monotonic() - self._begun) / 60 / minutes

    def vectors(self, words: Sequence[str]) -> Tensor:
        """[K, SENSE]; every instruction is turned into a vector once."""
        new = [w for w in dict.fromkeys(words) if w not in self.said]
        if new:
            self.said |= dict(zip(new, torch.from_numpy(self.matcher.say(new)).half(), strict=True))
        return torch.stack([self.said[w] for w in words]).float()

    def screens(self) -> Iterator[Prepared]:
        while True:
            yield from self.rng.sample(self.training, len(self.training))

    def learn(self, screens: Iterator[Prepared]) -> Mapping[str, float]:
        """One optimiser step over a few screens."""
        factor = rate(self.done, WARMUP, min(1.0, self.over))
        for group in self.optimizer.param_groups:
            group["lr"] = self.chosen.lr * factor * group["share"]
        sums: defaultdict[str, float] = defaultdict(float)
        for _ in range(self.chosen.batch):
            screen = next(screens)
            asked = asked_of(screen, self.rng, self.chosen.instructions)
            if not asked:
                continue
            words = [a.instruction for a in asked]
            vectors = self.vectors(words)
            with torch.autocast(self.chosen.device.split(":")[0], torch.bfloat16, enabled=self.chosen.bf16):
                logits = self.net(screen, words, vectors)
            labels = labels_of(screen, asked).to(logits.device)
            loss = pointer_loss(logits.float(), labels)
            (loss / self.chosen.batch).backward()  # type: ignore[no-untyped-call]
            hit = labels.gather(1, logits.argmax(-1, keepdim=True)).gt(0.05).float().mean()
            sums["loss"] += loss.item() / self.chosen.batch
            sums["hit"] += hit.item() / self.chosen.batch
        nn.utils.clip_grad_norm_([p for p in self.net.parameters() if p.grad is not None], CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.net)
        self.done += 1
        return sums

    def log(self, values: Mapping[str, float]) -> None:
        self._rows.append(dict(values))
        if self.done % 25 == 0:
            means = {k: float(np.mean([r[k] for r in self._rows])) for k in values}
            self._rows.clear()
            _say({"step": self.done, "over": round(self.over, 3), **{k: round(v, 4) for k, v in means.items()}})
            path = self.chosen.out / "curves.csv"
            new = not path.is_file()
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, ("step", "seconds", "loss", "hit"))
                if new:
                    writer.writeheader()
                writer.writerow({"step": self.done, "seconds": round(time.monotonic() - self._begun), **means})

    def store(self) -> None:
        """Validates and writes the averaged weights."""
        self.average.swap(self.net)
        self.net.eval()
        _say(
            {
                "step": self.done,
                "spoken": validate(self.net, self.matcher, self.validation, True),
                "made": validate(self.net, self.matcher, self.validation, False),
            }
        )
        save_checkpoint(
            self.net.model,
            self.tokenizer,
            self.chosen.out,
            name=EMBEDDED_NAME,
            prompt=PROFILE,
            processor=processor(),
        )
        save_channel(self.net.channel, self.chosen.out)
        self.net.train()
        self.average.swap(self.net)


def train(chosen: ChannelConfig, progress: Callable[[float], None] | None = None) -> Path:
    """The whole run; returns the folder of the checkpoint. ``progress`` is called with the share that is over.

    Raises BadInput when there is nothing to train on.
    """
    chosen.out.mkdir(parents=True, exist_ok=True)
    run = Run(chosen)
    run.net.train()
    _say({"screens": len(run.training), "validation": len(run.validation)})
    screens, saved = run.screens(), time.monotonic()
    while run.over < 1 and math.isfinite(run.over):
        run.log(run.learn(screens))
        if progress:
            progress(min(1.0, run.over))
        if time.monotonic() - saved > chosen.save_minutes * 60:
            run.store()
            saved = time.monotonic()
    run.store()
    return chosen.out


def _say(row: Mapping[str, object]) -> None:
    sys.stderr.write(json.dumps(row) + "\n")
    sys.stderr.flush()


def main() -> None:
    """Trains on prepared screens from a folder that holds pointer and matcher."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prepared", type=Path, action="append", required=True)
    parser.add_argument("--start", type=Path, required=True, help="folder with pointer and matcher")
    parser.add_argument("--matcher", type=Path, default=None, help="folder of the matcher; that of --start by default")
    parser.add_argument("--part", action="append", default=None, help="screens to train on; training by default")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--instructions", type=int, default=24)
    parser.add_argument("--batch", type=int, default=2, help="screens per step")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the processor is fast at it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-minutes", type=float, default=6.0)
    chosen = vars(parser.parse_args())
    matcher, parts = chosen.pop("matcher") or chosen["start"], tuple(chosen.pop("part") or ("training",))
    prepared = tuple(chosen.pop("prepared"))
    train(ChannelConfig(**chosen, prepared=prepared, matcher=matcher, parts=parts))


if __name__ == "__main__":
    main()
