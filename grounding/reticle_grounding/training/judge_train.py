"""Trains the judge: among the candidates of an instruction, or none of them, which one is meant."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.matcher.judge import JudgeNet, Pairs, save, stored
from reticle_grounding.matcher.sentences import by_length
from reticle_grounding.matcher.store import load

from .judge_samples import JudgeSample, read

BATCH, CHUNK = 8, 48
"""Instructions of a step; pairs of a forward pass."""
FIRST, MISSED, OTHERS = 8, 2, 1
"""Candidates of an instruction: the best screened ones, right ones among the rest, wrong ones among the rest."""
WARMUP = 50
ALONE = 0.1
"""Weight of telling each candidate right or wrong by itself."""


def chosen_candidates(rng: Random, sample: JudgeSample) -> list[int]:
    """Numbers of the candidates that a step shows."""
    rest = range(FIRST, len(sample.captions))
    right, wrong = ([i for i in rest if sample.right[i] is truth] for truth in (True, False))
    first = list(range(min(FIRST, len(sample.captions))))
    return [*first, *right[:MISSED], *rng.sample(wrong, min(OTHERS, len(wrong)))]


def loss_of(
    net: JudgeNet, pairs: Pairs, samples: Sequence[JudgeSample], chosen: Sequence[Sequence[int]]
) -> tuple[Tensor, float]:
    """The mean loss of some instructions, and the share of those with a right candidate whose best one is right."""
    asked = [(s.instruction, s.captions[i]) for s, kept in zip(samples, chosen, strict=True) for i in kept]
    batches = by_length([instruction + caption for instruction, caption in asked], CHUNK)
    found = torch.cat([net(*pairs([asked[i] for i in batch])) for batch in batches])
    scores = found[torch.argsort(torch.tensor([i for batch in batches for i in batch]))]
    losses, hits, at = [], [], 0
    for sample, kept in zip(samples, chosen, strict=True):
        own = scores[at : at + len(kept)]
        at += len(kept)
        truth = torch.tensor([float(sample.right[i]) for i in kept])
        good = torch.logsumexp(own[truth > 0], 0) if truth.any() else torch.zeros(())
        every = torch.logsumexp(torch.cat([own, torch.zeros(1)]), 0)
        losses.append(every - good + ALONE * F.binary_cross_entropy_with_logits(own, truth))
        if truth.any():
            hits.append(float(truth[own.argmax()]))
    return torch.stack(losses).mean(), sum(hits) / max(1, len(hits))


@torch.inference_mode()
def validate(net: JudgeNet, pairs: Pairs, samples: Sequence[JudgeSample]) -> dict[str, float]:
    """Shares whose best candidate is right, of those with any: as screened, and as judged among the first."""
    kinds: dict[str, list[tuple[bool, bool]]] = {}
    for sample in samples:
        if not any(sample.right):
            continue
        scores = net(*pairs([(sample.instruction, c) for c in sample.captions[:FIRST]]))
        hit = sample.right[0], sample.right[int(scores.argmax())]
        for kind in ("all", sample.kind, "spoken" if sample.spoken else "made"):
            kinds.setdefault(kind, []).append(hit)
    rows = {}
    for kind, hits in sorted(kinds.items()):
        rows[f"{kind} screened"], rows[f"{kind} judged"] = (
            round(sum(h[i] for h in hits) / len(hits), 4) for i in (0, 1)
        )
    return rows


def train(chosen: argparse.Namespace) -> None:
    """The whole run; what it reached goes into the stored file."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    rng = Random(f"judge {chosen.seed}")
    samples = [s for path in chosen.samples for s in read(path) if s.captions]
    held = read(chosen.validation) if chosen.validation else []
    net, pairs = JudgeNet("eager"), Pairs.of(chosen.start)
    net.begin(load(chosen.start).words)
    net.change()
    if chosen.more is not None:
        net.load_state_dict({**net.state_dict(), **stored(chosen.more)})
    if chosen.bf16:
        net.lighten()
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=chosen.lr, weight_decay=0.01)

    def checked(some: Sequence[JudgeSample]) -> dict[str, float]:
        with torch.autocast(chosen.device, torch.bfloat16, enabled=chosen.bf16):
            return validate(net, pairs, some)

    begun, steps, log = time.monotonic(), 0, [(0.0, 0.0)]
    while (over := (time.monotonic() - begun) / 60 / chosen.minutes) < 1:
        for group in optimizer.param_groups:
            group["lr"] = chosen.lr * min(1.0, (steps + 1) / WARMUP) * (0.5 + 0.5 * math.cos(math.pi * over))
        batch = [rng.choice(samples) for _ in range(BATCH)]
        with torch.autocast(chosen.device, torch.bfloat16, enabled=chosen.bf16):
            loss, hit = loss_of(net, pairs, batch, [chosen_candidates(rng, s) for s in batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        steps += 1
        log.append((loss.item(), hit))
        if steps % 50 == 0:
            means = [round(sum(row[i] for row in log[-50:]) / 50, 4) for i in (0, 1)]
            _say({"step": steps, "over": round(over, 3), "loss": means[0], "hit": means[1]})
        if steps % chosen.check_every == 0:
            few = checked(held[:: max(1, len(held) // 400)]) if held else {}
            _say({"step": steps, "validation": few})
            save(net, chosen.out, {"steps": str(steps), "validation": json.dumps(few)})
    found = checked(held) if held else {}
    _say({"step": steps, "validation": found})
    save(net, chosen.out, {"steps": str(steps), "validation": json.dumps(found)})


def _say(row: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Trains from collected samples (:mod:`.judge_samples`)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True, help="folder with a trained matcher")
    parser.add_argument("--samples", type=Path, action="append", required=True)
    parser.add_argument("--more", type=Path, default=None, help="folder with a judge to train further")
    parser.add_argument("--validation", type=Path, default=None, help="samples of applications never trained on")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the device is fast at it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check-every", type=int, default=600)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
