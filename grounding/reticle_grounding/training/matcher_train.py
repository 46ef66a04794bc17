"""Trains the matcher's look tower: crops of controls against what the phrase tower makes of the words for them.

The phrase tower (:mod:`.words_train`) stays as it is, so a phrase is turned into a vector once and kept. One process
per core; they share gradients. Resumable only by starting from stored weights.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, distributed

from reticle_grounding.geometry import Rect
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import DIM, Tokens
from reticle_grounding.matcher.store import load, save

from .agreement import agreement, akin, together
from .canvas import Element
from .harvested import fitting_apps, harvested_rows, harvested_scenes
from .instructions import phrase, plain
from .looks import CapturedLooks, DrawnIcons, Look, drawing
from .scenes import SceneFile
from .spoken import spoken_on

HELD_OUT_SOURCES = ("Faenza", "feather", "eva", "elementary-xfce")
"""Icon sets that are never drawn in training."""
UNSEEN_SOURCES = ("feather", "eva")
"""Those of them that no captured screen shows either; validation draws these."""
BATCH, OTHERS = 128, 256
"""Crops of a batch, and further phrases that none of them means."""
WARMUP, AVERAGE = 100, 0.998


class Phrases:
    """Vectors of phrases, made once each."""

    def __init__(self, net: MatcherNet, tokens: Tokens) -> None:
        self._net, self._tokens = net, tokens
        self._kept: dict[str, Tensor] = {}

    def __call__(self, phrases: Sequence[str]) -> Tensor:
        """[n, DIM], without gradients."""
        new = list(dict.fromkeys(p for p in phrases if p not in self._kept))
        if new:
            with torch.no_grad():
                self._kept |= dict(zip(new, self._net.say(self._tokens, new).to(torch.float16), strict=True))
        if not phrases:
            return torch.zeros(0, DIM)
        with torch.autocast("cpu", enabled=False):
            return torch.stack([self._kept[p] for p in phrases]).float()


class Sampler:
    """Batches of looks."""

    def __init__(self, drawn: DrawnIcons, real: Sequence[CapturedLooks], seed: str) -> None:
        self.drawn, self.real, self.rng = drawn, [r for r in real if r.icons], Random(seed)
        self._past: list[Look] = []

    def looks(self, count: int) -> list[Look]:
        return [self._look() for _ in range(count)]

    def others(self, fresh: Sequence[Look], count: int) -> list[Look]:
        """Looks of earlier batches, whose phrases serve as further wrong answers; remembers the fresh ones."""
        past = self.rng.sample(self._past, min(count, len(self._past)))
        self._past = [*self._past, *(look for look in fresh if look.phrase)][-16 * OTHERS :]
        return past

    def _look(self) -> Look:
        draw = self.rng.random()
        if self.real and draw < 0.45:
            part = self.rng.choice(self.real)
            return part.draw_other(self.rng) if draw < 0.08 and part.others else part.draw(self.rng)
        return self.drawn.draw(self.rng)


def loss_of(
    net: MatcherNet, phrases: Phrases, looks: Sequence[Look], others: Sequence[Look] = ()
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch, and the share of its phrases that find their own crop."""
    seen = net.see(np.stack([look.crop for look in looks]))
    asked = [look for look in looks if look.phrase]
    spoken = phrases([look.phrase for look in (*asked, *others)])
    groups = [look.group for look in (*asked, *others)]
    same = together([look.group for look in looks], groups)
    unsure = akin([look.also for look in looks], groups)
    spoken = net.ask(spoken)
    loss = agreement(seen, spoken, same, unsure, net.scale)
    with torch.no_grad():
        hit = same.gather(0, (spoken @ seen.T).argmax(1)[None])[0, : len(asked)].float().mean()
    return loss, {"loss": loss.item(), "hit": hit.item()}


@torch.inference_mode()
def validate(net: MatcherNet, phrases: Phrases, files: Sequence[SceneFile], seed: int = 3) -> dict[str, float]:
    """Share of a screen's icons that a phrase picks out among all its icons, by real pictures and true boxes."""
    rng = Random(seed)
    right = total = chance = 0.0
    for file in files:
        scene = file.open()
        icons = [e for e in scene.elements if e.kind == "icon" and max(_sides(e)) <= 110]
        if len(icons) < 3:
            continue
        rects = [drawing(scene.pixels, Rect(*map(float, e.box))) for e in icons]
        seen = net.look_at(scene.pixels, rects)
        spoken = net.ask(phrases([phrase(rng, e)[0] for e in icons]))
        for i, best in enumerate((spoken @ seen.T).argmax(1).tolist()):
            right += plain(icons[best].label) == plain(icons[i].label)
        total, chance = total + len(icons), chance + 1
    return {
        "icons": total,
        "hit": round(right / max(1, total), 4),
        "chance": round(chance / max(1, total), 4),
    }


def _sides(element: Element) -> tuple[int, int]:
    left, top, right, bottom = element.box
    return right - left, bottom - top


class Run:
    """A training run in memory; ``chosen`` is the command line."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.chosen = chosen
        if chosen.workers > 1:
            chosen.out.mkdir(parents=True, exist_ok=True)
            address = f"file://{(chosen.out / 'meeting').resolve()}"
            distributed.init_process_group("gloo", address, rank=chosen.rank, world_size=chosen.workers)
        harvests = [harvested_scenes(folder) for folder in chosen.captured]
        self.validation = [h.validation for h in harvests]
        real = [
            CapturedLooks(_seen(folder, h.training), spoken_on(folder.resolve().name))
            for folder, h in zip(chosen.captured, harvests, strict=True)
        ]
        for part in real:
            part.load(Random(f"looks {chosen.rank}"))
        drawn = DrawnIcons(chosen.icons, HELD_OUT_SOURCES)
        self.sampler = Sampler(drawn, real, f"batches {chosen.rank} {chosen.seed}")
        self.tokens = Tokens.of(chosen.start)
        self.net = load(chosen.start)
        self.net.words.requires_grad_(False)
        self.phrases = Phrases(self.net, self.tokens)
        self.trained = [p for p in self.net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=chosen.lr, weight_decay=0.02)
        self.learning = torch.nn.ModuleDict({"looks": self.net.looks, "look_words": self.net.look_words})
        self.average = {k: v.clone() for k, v in self.learning.state_dict().items()}
        self.done = 0
        self._begun = time.monotonic()
        self._sums: dict[str, list[float]] = {}

    def over(self) -> float:
        """Share of the time that has passed, by the first worker's clock."""
        spent = torch.tensor([(time.monotonic() - self._begun) / 60 / self.chosen.minutes])
        if self.chosen.workers > 1:
            distributed.broadcast(spent, 0)
        return float(spent)

    def step(self, over: float) -> None:
        """One optimiser step."""
        for group in self.optimizer.param_groups:
            rise = min(1.0, (self.done + 1) / WARMUP)
            group["lr"] = self.chosen.lr * rise * (0.5 + 0.5 * math.cos(math.pi * over))
        looks = self.sampler.looks(BATCH)
        self.net.looks.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.chosen.bf16):
            loss, log = loss_of(self.net, self.phrases, looks, self.sampler.others(looks, OTHERS))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.chosen.workers > 1:
            _share(self.trained)
        torch.nn.utils.clip_grad_norm_(self.trained, 5.0)
        self.optimizer.step()
        self.done += 1
        keep = min(AVERAGE, self.done / (self.done + 10))
        for k, v in self.learning.state_dict().items():
            self.average[k] = self.average[k] * keep + v * (1 - keep) if v.is_floating_point() else v.clone()
        for k, value in log.items():
            self._sums.setdefault(k, []).append(value)

    def report(self, over: float) -> None:
        means = {k: round(float(np.mean(v)), 4) for k, v in self._sums.items()}
        _say({"step": self.done, "over": round(over, 3), "scale": round(self.net.scale.item(), 2), **means})
        self._sums = {}

    def store(self) -> None:
        """Validates and writes the averaged weights."""
        own = {k: v.clone() for k, v in self.learning.state_dict().items()}
        self.learning.load_state_dict(self.average)
        self.net.looks.eval()
        found: dict[str, object] = {
            folder.resolve().name: validate(self.net, self.phrases, files)
            for folder, files in zip(self.chosen.captured, self.validation, strict=True)
        }
        for source in UNSEEN_SOURCES:
            held, rng = DrawnIcons(self.chosen.icons, (source,), only=True), Random(11)
            if held.concepts:
                with torch.inference_mode():
                    log = loss_of(self.net, self.phrases, [held.draw(rng, 1.0) for _ in range(200)])[1]
                found[source] = round(log["hit"], 4)
        _say({"step": self.done, "validation": found})
        save(self.net, self.chosen.out, {"steps": str(self.done), "validation": json.dumps(found)})
        self.tokens.save(self.chosen.out)
        self.learning.load_state_dict(own)


def train(chosen: argparse.Namespace) -> None:
    """The whole run; the first worker writes."""
    run = Run(chosen)
    while (over := run.over()) < 1:
        run.step(over)
        if chosen.rank == 0 and run.done % 50 == 0:
            run.report(over)
        if chosen.rank == 0 and run.done % chosen.save_every == 0:
            run.store()
    if chosen.rank == 0:
        run.store()


def _say(row: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _seen(folder: Path, files: Sequence[SceneFile]) -> list[SceneFile]:
    """The training screens without the applications that calibration is fitted on."""
    kept_out = fitting_apps(harvested_rows(folder)[0])
    return [f for f in files if f.name.split(":")[0] not in kept_out]


def _share(trained: Sequence[torch.nn.Parameter]) -> None:
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in trained]
    flat = torch.cat([g.flatten() for g in grads])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for p, part in zip(trained, torch.split(flat, [p.numel() for p in trained]), strict=True):
        p.grad = part.view_as(p).clone()


def main() -> None:
    """Trains from icon libraries and captured screens."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True, help="folder with the weights of a trained phrase tower")
    parser.add_argument("--icons", type=Path, action="append", required=True, help="icon library folder")
    parser.add_argument("--captured", type=Path, action="append", default=[], help="folder of captured screens")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the processor is fast at it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=500)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
