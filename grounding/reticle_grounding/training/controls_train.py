"""Trains what tells kinds of controls: which place of a screen may be what, and which kind an instruction means.

Screens come from :mod:`.controls_data`. What is not in a screen's list may still be a control, so "none" counts less
than the rest; painted screens list all they show.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.controls.kinds import BUTTON, DRAWN_BUTTON, KINDS, NONE, TEXT
from reticle_grounding.controls.net import BothNets, ControlNet, load, pairs_of, save
from reticle_grounding.controls.places import PLACED
from reticle_grounding.errors import BadInput
from reticle_grounding.matcher.matcher import Matcher, open_matcher

from .controls_data import PAINTED, KnownScreen, kind_of, open_stored, rows_of
from .harvested import as_element
from .instructions import targets_of
from .optim import Average, rate
from .spoken import spoken_targets

BATCH, MOST = 5, 260
"""Screens of one step, and most of their places that count at a time, texts first."""
MOST_TEXTS = 180
LEAST = 6
"""Screens with fewer places teach nothing."""
PAINTED_SHARE = 0.2
RATE, DECAY, WARMUP, KEPT = 2e-3, 0.05, 50, 0.995
SMOOTHED = 0.05
COVER_WEIGHT = 0.3
RARER, NONE_WEIGHT, OTHER_WEIGHT = 0.4, 0.8, 0.2
"""Weights of kinds fall with this power of their number; and how the two that are no kinds count."""
MADE, MADE_WEIGHT = 6, 0.5
"""Instructions made for each screen beside the written ones, and their weight."""
WISH_STEPS, WISH_BATCH, WISH_RATE, WISH_DECAY = 1200, 512, 2e-3, 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Screens as tensors."""

    counts: list[int]
    """Places of each screen; n in all, m at most."""
    crops: Tensor
    """[n, 2, height, width, 3] uint8."""
    vectors: Tensor
    """[n, DIM]."""
    about: Tensor
    """[n, PLACED + SAID]."""
    sorts: Tensor
    """[n]."""
    paired: Tensor
    """[screens, m, m, PAIRED]."""
    real: Tensor
    """[screens, m] where places are."""
    kinds: Tensor
    """[n]."""
    covers: Tensor
    """[n] IoU with the control, 0..1."""


class Screens:
    """Draws screens, each application about as often as the root of its number says, and some painted ones."""

    def __init__(self, screens: Sequence[KnownScreen], rng: Random) -> None:
        """Raises BadInput when there is nothing to draw."""
        usable = [s for s in screens if len(s.kinds) >= LEAST]
        by_app: dict[str, list[KnownScreen]] = defaultdict(list)
        for screen in usable:
            by_app[screen.app].append(screen)
        self._painted, self._by_app, self._rng = by_app.pop(PAINTED, []), by_app, rng
        if not by_app:
            raise BadInput("there are no captured screens to learn from; store some with controls_data")
        self._apps = list(by_app)
        self._often = [len(by_app[a]) ** 0.5 for a in self._apps]
        counts = np.bincount(np.concatenate([s.kinds for s in usable]), minlength=len(KINDS))
        weights = (counts.sum() / np.maximum(counts, 50)) ** RARER
        weights /= weights.mean()
        weights[NONE] *= NONE_WEIGHT
        weights[DRAWN_BUTTON] = OTHER_WEIGHT
        self.weights = torch.tensor(weights, dtype=torch.float32)

    def batch(self) -> Batch:
        drawn = [self._one() for _ in range(BATCH)]
        counts = [len(d[0]) for d in drawn]
        most = max(counts)
        paired = [F.pad(d[6], (0, 0, 0, most - n, 0, most - n)) for d, n in zip(drawn, counts, strict=True)]
        crops, vectors, about, sorts, kinds, covers = (torch.cat([d[i] for d in drawn]) for i in range(6))
        real = torch.arange(most)[None] < torch.tensor(counts)[:, None]
        return Batch(counts, crops, vectors, about, sorts, torch.stack(paired), real, kinds, covers)

    def _one(self) -> tuple[Tensor, ...]:
        rng = self._rng
        if self._painted and rng.random() < PAINTED_SHARE:
            screen = rng.choice(self._painted)
        else:
            screen = rng.choice(self._by_app[rng.choices(self._apps, self._often)[0]])
        places = screen.places
        at = torch.from_numpy(_some(places.sorts, rng))
        about = torch.from_numpy(places.about)[at]
        if rng.random() < 0.3:  # what a place is must not hang on where it stands
            about[:, 2:PLACED] = 0
        line = places.line * (0.9 + 0.2 * rng.random())
        parts = (places.vectors, about, places.sorts, screen.kinds, screen.covers)
        vectors, _, sorts, kinds, covers = (p if isinstance(p, Tensor) else torch.from_numpy(p)[at] for p in parts)
        crops = _recoloured(torch.from_numpy(places.crops)[at], rng)
        return crops, vectors, about, sorts, kinds, covers, pairs_of(torch.from_numpy(places.rects)[at], line)


def _some(sorts: npt.NDArray[np.int64], rng: Random) -> npt.NDArray[np.int64]:
    """Numbers of at most :data:`MOST` places."""
    texts, others = ([int(i) for i in np.flatnonzero(which)] for which in (sorts == TEXT, sorts != TEXT))
    kept = rng.sample(texts, min(len(texts), MOST_TEXTS if len(others) else MOST))
    return np.sort(np.array([*kept, *rng.sample(others, min(len(others), MOST - len(kept)))]))


def _recoloured(crops: Tensor, rng: Random) -> Tensor:
    """One screen's small pictures inverted, with channels exchanged, brighter or darker, each at times."""
    if rng.random() < 0.25:
        crops = 255 - crops
    if rng.random() < 0.4:
        crops = crops[..., torch.tensor(rng.sample(range(3), 3))]
    if rng.random() < 0.5:
        contrast, shift = 0.7 + 0.5 * rng.random(), 50 * (rng.random() - 0.5)
        crops = ((crops.float() - 128) * contrast + 128 + shift).clamp(0, 255).to(torch.uint8)
    return crops


def loss_of(net: ControlNet, batch: Batch, weights: Tensor, bf16: bool) -> Tensor:
    """Cross-entropy of the kinds, and of how much each place covers of its control."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        flat = net.embed(batch.crops, batch.vectors, batch.about, batch.sorts).float()
    most = batch.real.shape[1]
    embedded = torch.stack([F.pad(part, (0, 0, 0, most - len(part))) for part in torch.split(flat, batch.counts)])
    found = net(embedded, batch.paired, batch.real)[batch.real]
    kinds = F.cross_entropy(found[:, : len(KINDS)], batch.kinds, weight=weights, label_smoothing=SMOOTHED)
    covers = F.binary_cross_entropy_with_logits(found[:, -1], batch.covers.clamp(0, 1))
    return kinds + COVER_WEIGHT * covers


@torch.inference_mode()
def measured(net: ControlNet, screens: Sequence[KnownScreen]) -> dict[str, float]:
    """Shares of texts whose kind is told right (of all; of controls, among the kinds but "none"), and how well controls
    are told from the rest (area under the curve)."""
    net.eval()
    found, truth = [], []
    for screen in screens:
        texts = screen.places.sorts == TEXT
        if texts.any():
            told = net.told(screen.places)[:, : len(KINDS)].softmax(1).numpy()
            found.append(told[texts])
            truth.append(screen.kinds[texts])
    if not found:
        return {}
    shares, kinds = np.concatenate(found), np.concatenate(truth)
    listed = kinds != NONE
    right = shares.argmax(1) == kinds
    named = shares[listed][:, NONE + 1 :].argmax(1) + NONE + 1 == kinds[listed]
    ranks = np.argsort(np.argsort(shares[:, NONE]))
    pairs = max(1, int(listed.sum()) * int((~listed).sum()))
    apart = float((ranks[~listed].sum() - (~listed).sum() * ((~listed).sum() - 1) / 2) / pairs)
    return {"texts": float(right.mean()), "of_controls": float(named.mean()), "apart": apart}


def train(
    net: ControlNet,
    screens: Screens,
    minutes: float,
    bf16: bool,
    report: Callable[[int, float], None],
    every: float = 120.0,
    steps: int = 1_000_000,
) -> None:
    """Trains for so long by the clock, or so many steps, and leaves the running average in ``net``, where ``report``
    (steps, loss) finds it every so many seconds, too."""
    average = Average(net, KEPT)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    begun = told = time.monotonic()
    step, seen = 0, 0.0
    while (now := time.monotonic()) - begun < minutes * 60 and step < steps:
        progress = max((now - begun) / (minutes * 60), step / steps)
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate(step, WARMUP, progress, 0.005)
        net.train()
        loss = loss_of(net, screens.batch(), screens.weights, bf16)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        average.update(net)
        step += 1
        own = float(loss.detach())
        seen = own if step == 1 else 0.97 * seen + 0.03 * own
        if now - told > every:
            told = now
            average.swap(net)
            report(step, seen)
            average.swap(net)
    average.swap(net)
    report(step, seen)


def wishes(folder: Path, made: int) -> list[tuple[str, int, float]]:
    """Instructions for a folder's training screens, the kind of control each means, and its weight."""
    rng = Random(3)
    found = []
    for row in rows_of(folder, "training"):
        listed = {e.box: (e, kind_of(r.get("role", ""))) for r in row["elements"] if (e := as_element(r)) is not None}
        elements = [e for e, _ in listed.values()]
        drawn = targets_of(rng, elements, 0)
        told = [(t, 1.0) for t in spoken_targets(folder, row["image"], elements)]
        told += [(t, MADE_WEIGHT) for t in rng.sample(drawn, min(len(drawn), made))]
        for target, weight in told:
            element, kind = listed[cast("tuple[int, int, int, int]", target.bbox)]
            if kind == BUTTON and element.kind == "icon":
                kind = DRAWN_BUTTON
            elif kind == DRAWN_BUTTON:
                continue
            found.append((target.instruction, kind, weight))
    return found


def learn_wishes(nets: BothNets, told: Sequence[tuple[str, int, float]], matcher: Matcher, steps: int) -> None:
    """Trains the net that tells which kind an instruction means, and counts how often each is meant."""
    vectors = torch.from_numpy(np.asarray(matcher.say([words for words, _, _ in told])))
    kinds, weights = torch.tensor([k for _, k, _ in told]), torch.tensor([w for _, _, w in told])
    nets.usual.copy_(torch.bincount(kinds, minlength=len(KINDS)).float() / len(kinds))
    optimizer = torch.optim.AdamW(nets.wish.parameters(), lr=WISH_RATE, weight_decay=WISH_DECAY)
    nets.wish.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = WISH_RATE * (1 - step / steps)
        at = torch.randint(0, len(vectors), (WISH_BATCH,))
        each = F.cross_entropy(nets.wish(vectors[at]), kinds[at], reduction="none", label_smoothing=SMOOTHED)
        optimizer.zero_grad()
        (each * weights[at]).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    nets.wish.eval()


def main() -> None:
    """Trains both nets on stored screens and writes them beside a matcher."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--screens", type=Path, required=True, help="folder of screens stored by controls_data")
    parser.add_argument("--validation", type=Path, default=None, help="another one, to measure on")
    parser.add_argument("--captured", type=Path, action="append", required=True, help="whose instructions tell kinds")
    parser.add_argument("--matcher", type=Path, required=True, help="folder with the matcher whose vectors count")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--start", type=Path, default=None, help="folder to go on from")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the processor is fast at it")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    screens = Screens([open_stored(p) for p in sorted(chosen.screens.glob("*.safetensors"))], Random(chosen.seed))
    held = [open_stored(p) for p in sorted(chosen.validation.glob("*.safetensors"))] if chosen.validation else []
    nets = load(chosen.start) if chosen.start else BothNets()
    told = [w for folder in chosen.captured for w in wishes(folder, MADE)]
    learn_wishes(nets, told, open_matcher(chosen.matcher), WISH_STEPS)

    def report(step: int, loss: float) -> None:
        figures = {k: round(v, 3) for k, v in measured(nets.screen, held).items()}
        save(nets, chosen.out, {"steps": str(step), "seed": str(chosen.seed)})
        sys.stdout.write(json.dumps({"step": step, "loss": round(loss, 3), **figures}) + "\n")
        sys.stdout.flush()

    train(nets.screen, screens, chosen.minutes, chosen.bf16, report)


if __name__ == "__main__":
    main()
