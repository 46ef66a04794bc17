"""Trains the verifier of the embedded model on marked places (:mod:`.verifier_data`).

Counted in steps on one thread, so that the same seed and the same screens give the same weights.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import load_calibration
from reticle_grounding.controls.controls import open_controls
from reticle_grounding.errors import BadInput
from reticle_grounding.fitting import KeptReader
from reticle_grounding.judging.net import VerifierNet, batch_of, save
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.ocr import Reader, TextReader
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import EvenAttention

from .optim import Average, rate
from .verifier_data import WHY, Case, Judged, ToJudge, captured_screens, collect, open_judged, painted_screens

PAINTED_SEEDS = 12_000_000
WARMUP, AVERAGE, CLIP, DECAY = 60, 0.998, 1.0, 0.05
BATCH = 8
"""Instructions per step."""
TRUTH = 0.5
"""Weight of true or false by itself beside the choice among the places of one instruction."""
REPORT = 50


@dataclass(frozen=True, slots=True)
class VerifierConfig:
    """One training run; ``out`` holds everything it writes."""

    out: Path
    captured: tuple[Path, ...]
    """Folders of captured screens."""
    texts: Path
    """Folder that keeps what was read on each screen."""
    matcher: Path | None = None
    """Folder of the matcher; that of the embedded model when None."""
    generated: int = 24
    """Painted screens beside the captured ones."""
    steps: int = 2500
    lr: float = 1e-3
    seed: int = 0
    limit: int | None = None
    """Train on so many screens only, drawn by the seed."""
    known_only: bool = False
    """Leave out screens that were not read before."""


Sample = tuple[Judged, Case]


def loss_of(odds: Tensor, cases: Sequence[Case]) -> Tensor:
    """Choosing a right place of each instruction, or none where none is right, and true or false of each place."""
    total, at = torch.zeros(()), 0
    for case in cases:
        right = torch.from_numpy(case.right)
        own = odds[at : at + len(right)]
        at += len(right)
        none = own.new_zeros(1)
        good = own[right] if bool(right.any()) else none
        total = total + torch.logsumexp(torch.cat([own, none]), 0) - torch.logsumexp(good, 0)
        total = total + TRUTH * functional.binary_cross_entropy_with_logits(own, right.float())
    return total / len(cases)


@torch.inference_mode()
def validate(net: VerifierNet, samples: Sequence[Sample]) -> dict[str, float]:
    """How often the best place is right, how often each is told true or false, and both of the near misses."""
    net.eval()
    best: list[bool] = []
    told: list[bool] = []
    rejected: list[bool] = []
    fooled: dict[str, list[bool]] = {name: [] for name in WHY}
    for at in range(0, len(samples), 16):
        part = samples[at : at + 16]
        odds = net(batch_of([(s.items, c.question, c.places) for s, c in part])).numpy()
        start = 0
        for _, case in part:
            own = odds[start : start + len(case.right)]
            start += len(case.right)
            told += ((own > 0) == case.right).tolist()
            if case.right.any():
                best.append(bool(case.right[own.argmax()]))
                top = own[case.right].max()
                for value, right, why in zip(own, case.right, case.sort, strict=True):
                    if not right:
                        fooled[WHY[why]].append(bool(value > top))
            else:
                rejected.append(bool(own.max() < 0))
    rows = {"best right": best, "true or false": told, "absent rejected": rejected}
    rows |= {f"above the right one: {name}": values for name, values in fooled.items()}
    return {name: round(float(np.mean(values)), 4) for name, values in rows.items() if values}


def examples_grounder(matcher: Path, reader: Reader) -> Grounder:
    """What proposes places: all of the grounder but attention."""
    config = GroundingConfig(attention=False)
    return Grounder(
        EvenAttention(), reader, load_calibration(), config, open_matcher(matcher), None, open_controls(matcher)
    )


def screens_for(chosen: VerifierConfig, reader: KeptReader) -> tuple[list[ToJudge], list[ToJudge]]:
    """Screens to train on, and those of the fitting applications, on which it is only measured. Raises BadInput."""
    from reticle_grounding.images import load_image

    training = [s for folder in chosen.captured for s in captured_screens(folder, "training")]
    held_out = [s for folder in chosen.captured for s in captured_screens(folder, "fitting")]
    rng = Random(f"verifier screens {chosen.seed}")
    parts = []
    for part, share in ((training, 1.0), (held_out, 0.15)):
        room = None if chosen.limit is None else max(1, round(chosen.limit * share))
        drawn: list[ToJudge] = []
        for screen in rng.sample(part, len(part)):
            if room is not None and len(drawn) == room:
                break
            image = screen.screen.image if screen.screen is not None else None
            if chosen.known_only and image is not None and not reader.knows(np.asarray(load_image(image))):
                continue
            drawn.append(screen)
        parts.append(drawn)
    if not parts[0]:
        raise BadInput(f"no screens to train on in {', '.join(map(str, chosen.captured))}")
    return [*parts[0], *painted_screens(PAINTED_SEEDS + 1000 * chosen.seed, chosen.generated)], parts[1]


def train(chosen: VerifierConfig, progress: Callable[[int, int], None] | None = None) -> Path:
    """The whole run: collects places, learns, measures; returns the file of the weights.

    ``progress`` is called with (done, all) over screens and steps. Raises BadInput when there is nothing to train on.
    """
    torch.set_num_threads(1)
    torch.manual_seed(chosen.seed)
    reader = KeptReader(TextReader(1), chosen.texts)
    grounder = examples_grounder(chosen.matcher or embedded_model_dir(), reader)
    training, held_out = screens_for(chosen, reader)
    every = len(training) + len(held_out) + chosen.steps

    def done(before: int) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda number, _all: progress(before + number, every)

    folder = chosen.out / "places"
    files = collect(grounder, training, folder, done(0))
    samples = samples_of(files)
    measured = samples_of(collect(grounder, held_out, folder, done(len(training))))
    places = sum(len(c.right) for _, c in samples)
    _say({"screens": len(files), "instructions": len(samples), "places": places, "held out": len(measured)})
    if not samples:
        raise BadInput("none of the screens has anything to ask for")
    net = VerifierNet()
    learn(net, samples, chosen, done(len(training) + len(held_out)))
    found = validate(net, measured)
    _say({"fitting applications": found})
    meta = {"steps": str(chosen.steps), "seed": str(chosen.seed), "instructions": str(len(samples))}
    return save(net, chosen.out, meta | {"measured": json.dumps(found)})


def samples_of(files: Sequence[Path]) -> list[Sample]:
    judged = [open_judged(path) for path in files]
    return [(screen, case) for screen in judged for case in screen.cases]


def learn(
    net: VerifierNet,
    samples: Sequence[Sample],
    chosen: VerifierConfig,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """All steps; leaves the running average of the weights in ``net``."""
    rng = Random(f"verifier {chosen.seed}")
    optimizer = torch.optim.AdamW(net.parameters(), lr=chosen.lr, betas=(0.9, 0.98), weight_decay=DECAY)
    average, begun = Average(net, AVERAGE), time.monotonic()
    net.train()
    losses: list[float] = []
    queue: list[Sample] = []
    chosen.out.mkdir(parents=True, exist_ok=True)
    with (chosen.out / "verifier-curve.csv").open("w", newline="", encoding="utf-8") as file:
        curve = csv.writer(file)
        curve.writerow(("step", "seconds", "loss"))
        for step in range(chosen.steps):
            if len(queue) < BATCH:
                queue = rng.sample(samples, len(samples))
            part, queue = queue[-BATCH:], queue[:-BATCH]
            for group in optimizer.param_groups:
                group["lr"] = chosen.lr * rate(step, WARMUP, step / chosen.steps)
            odds = net(batch_of([(s.items, c.question, c.places) for s, c in part]))
            loss = loss_of(odds, [c for _, c in part])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimizer.step()
            average.update(net)
            losses.append(loss.item())
            if (step + 1) % REPORT == 0 or step + 1 == chosen.steps:
                row = (step + 1, round(time.monotonic() - begun), round(float(np.mean(losses)), 4))
                curve.writerow(row)
                file.flush()
                _say(dict(zip(("step", "seconds", "loss"), row, strict=True)))
                losses.clear()
            if progress is not None:
                progress(step + 1, chosen.steps)
    average.swap(net)
    net.eval()


def _say(row: Mapping[str, object]) -> None:
    sys.stderr.write(json.dumps(row) + "\n")
    sys.stderr.flush()


def main() -> None:
    """Trains from captured and generated screens."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    parser.add_argument("--texts", type=Path, required=True, help="folder that keeps what was read on each screen")
    parser.add_argument("--matcher", type=Path, default=None, help="folder of the matcher; the embedded one by default")
    parser.add_argument("--generated", type=int, default=24, help="painted screens beside the captured ones")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="train on so many captured screens only")
    parser.add_argument("--known-only", action="store_true", help="leave out screens that were not read before")
    chosen = vars(parser.parse_args())
    captured = tuple(chosen.pop("captured"))
    train(VerifierConfig(**chosen, captured=captured))


if __name__ == "__main__":
    main()
