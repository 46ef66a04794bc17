"""Trains the matcher: crops against phrases, and wordings against labels, each the other's negatives.

One process per core; they share gradients. Resumable only by starting from stored weights.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, distributed
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import crops
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.phrases import vocabulary
from reticle_grounding.matcher.store import load, save

from .canvas import Element
from .concepts import concepts, kin
from .harvested import fitting_apps, harvested_rows, harvested_scenes
from .instructions import phrase, plain
from .looks import CapturedLooks, DrawnIcons, Look, drawing, said
from .scenes import SceneFile
from .words import label as some_label

HELD_OUT_SOURCES = ("Faenza", "feather", "eva", "elementary-xfce")
"""Icon sets that are never drawn in training."""
UNSEEN_SOURCES = ("feather", "eva")
"""Those of them that no captured screen shows either; validation draws these."""
BATCH, WORDINGS = 128, 224
WARMUP, AVERAGE = 100, 0.998
UNSPELLED = 0.4
"""Share of the phrases of a batch whose spelling is hidden."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Text pairs: wordings and labels of one meaning."""

    said: list[str]
    label: list[str]
    group: list[str]


class Sampler:
    """Batches of looks and of text pairs."""

    def __init__(self, drawn: DrawnIcons, real: Sequence[CapturedLooks], seed: str) -> None:
        self.drawn, self.real, self.rng = drawn, [r for r in real if r.icons], Random(seed)
        self.named = [e for r in self.real for _, e in r.icons if e.says]

    def looks(self, count: int) -> list[Look]:
        return [self._look() for _ in range(count)]

    def _look(self) -> Look:
        draw = self.rng.random()
        if self.real and draw < 0.42:
            part = self.rng.choice(self.real)
            return part.draw_other(self.rng) if draw < 0.08 and part.others else part.draw(self.rng)
        return self.drawn.draw(self.rng)

    def pairs(self, count: int) -> Pairs:
        """Concepts' wordings with their labels; labels said as instructions; tooltips with names."""
        rng, made = self.rng, Pairs([], [], [])
        for _ in range(count):
            draw = rng.random()
            if draw < 0.65:
                concept = rng.choice(concepts())
                row = said(rng, concept), rng.choice(concept.labels), concept.name
            elif draw < 0.75 and self.named:
                element = rng.choice(self.named)
                row = rng.choice(element.says), element.label, plain(element.label)
            else:
                name = some_label(rng, rng.choice(("buttons", "fields", "checks", "tabs", "links", "sections")), 0.5)
                row = phrase(rng, Element("button", (0, 0, 0, 0), name, "text"))[0], name, plain(name)
            for kept, value in zip((made.said, made.label, made.group), row, strict=True):
                kept.append(value)
        return made


def agreement(left: Tensor, right: Tensor, same: Tensor, unsure: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross-entropy over all pairs with every pair of one meaning as a right answer.

    ``left`` [n, d], ``right`` [m, d], ``same`` [n, m] true where they belong together, ``unsure`` where they may (such
    pairs count neither way); rows without any right answer are left out.
    """
    logits = (scale * left @ right.T).masked_fill(unsure & ~same, -1e4)
    return (_towards(logits, same) + _towards(logits.T, same.T)) / 2


def _towards(logits: Tensor, same: Tensor) -> Tensor:
    rows = same.any(dim=1)
    truth = same[rows].float()
    return -(F.log_softmax(logits[rows], dim=1) * truth / truth.sum(dim=1, keepdim=True)).sum(dim=1).mean()


def together(groups_a: Sequence[str], groups_b: Sequence[str]) -> Tensor:
    """[n, m] true where the groups are equal; an empty group is equal to none."""
    number = {g: i for i, g in enumerate(dict.fromkeys((*groups_a, *groups_b)))}
    a = torch.tensor([number[g] if g else -1 for g in groups_a])
    b = torch.tensor([number[g] if g else -2 for g in groups_b])
    return a[:, None] == b[None, :]


def akin(groups_a: Sequence[frozenset[str]], groups_b: Sequence[str]) -> Tensor:
    """[n, m] true where the second is among the first."""
    rows = {groups: torch.tensor([g in groups for g in groups_b]) for groups in set(groups_a)}
    return torch.stack([rows[groups] for groups in groups_a])


def loss_of(net: MatcherNet, looks: Sequence[Look], pairs: Pairs) -> tuple[Tensor, dict[str, float]]:
    """Both losses on one batch."""
    seen = net.see(np.stack([look.crop for look in looks]))
    asked = [look for look in looks if look.phrase]
    spoken = net.say([look.phrase for look in asked], _spelled(net, len(asked)))
    same = together([look.group for look in looks], [look.group for look in asked])
    unsure = akin([look.also for look in looks], [look.group for look in asked])
    visual = agreement(seen, spoken, same, unsure, net.scale)
    wording, label = (net.say(texts, _spelled(net, len(texts))) for texts in (pairs.said, pairs.label))
    near = akin([kin().get(g, frozenset()) for g in pairs.group], pairs.group)
    verbal = agreement(wording, label, together(pairs.group, pairs.group), near, net.scale)
    with torch.no_grad():
        hit = same.gather(0, (spoken @ seen.T).argmax(1)[None]).float().mean()
    return visual + 0.5 * verbal, {"visual": visual.item(), "verbal": verbal.item(), "hit": hit.item()}


def _spelled(net: MatcherNet, count: int) -> Tensor | None:
    """In training, some phrases must be understood by the senses of their words alone."""
    return (torch.rand(count) > UNSPELLED).float() if net.training else None


@torch.inference_mode()
def validate(net: MatcherNet, files: Sequence[SceneFile], seed: int = 3) -> dict[str, float]:
    """Share of a screen's icons that a phrase picks out among all its icons, by real pictures and true boxes."""
    rng = Random(seed)
    right = total = chance = 0.0
    for file in files:
        scene = file.open()
        icons = [e for e in scene.elements if e.kind == "icon" and max(_sides(e)) <= 110]
        if len(icons) < 3:
            continue
        rects = [drawing(scene.pixels, Rect(*map(float, e.box))) for e in icons]
        seen, spoken = net.see(crops.cut(scene.pixels, rects)), net.say([phrase(rng, e)[0] for e in icons])
        for i, best in enumerate((spoken @ seen.T).argmax(1).tolist()):
            right += plain(icons[best].label) == plain(icons[i].label)
        total, chance = total + len(icons), chance + 1
    return {
        "icons": total,
        "hit": round(right / max(1, total), 4),
        "chance": round(chance / max(1, total), 4),
        "wordings": wording_hits(net),
    }


def wording_hits(net: MatcherNet) -> float:
    """Share of wordings kept from training that are nearest to a label of their own concept, among all labels."""
    labels = [(label, concept.name) for concept in concepts() for label in concept.labels]
    asked = [(words, concept.name) for concept in concepts() for words in concept.unheard]
    best = (net.say([a for a, _ in asked]) @ net.say([t for t, _ in labels]).T).argmax(1).tolist()
    return round(sum(labels[b][1] in kin()[name] for b, (_, name) in zip(best, asked, strict=True)) / len(asked), 4)


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
        self.validation = harvests[0].validation if harvests else []
        real = [CapturedLooks(_seen(folder, h.training)) for folder, h in zip(chosen.captured, harvests, strict=True)]
        for part in real:
            part.load(Random(f"looks {chosen.rank}"))
        drawn = DrawnIcons(chosen.icons, HELD_OUT_SOURCES)
        self.sampler = Sampler(drawn, real, f"batches {chosen.rank} {chosen.seed}")
        net = started(chosen.start, chosen.senses)
        self.net = net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        tables = [p for n, p in self.net.named_parameters() if "table" in n or "gate" in n]
        rest = [p for n, p in self.net.named_parameters() if "table" not in n and "gate" not in n]
        groups = [{"params": rest, "weight_decay": 0.02}, {"params": tables, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=chosen.lr)
        self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
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
        loss, log = loss_of(self.net, self.sampler.looks(BATCH), self.sampler.pairs(WORDINGS))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.chosen.workers > 1:
            _share(self.net)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.done += 1
        keep = min(AVERAGE, self.done / (self.done + 10))
        for k, v in self.net.state_dict().items():
            self.average[k] = self.average[k] * keep + v * (1 - keep) if v.is_floating_point() else v.clone()
        for k, value in log.items():
            self._sums.setdefault(k, []).append(value)

    def report(self, over: float) -> None:
        means = {k: round(float(np.mean(v)), 4) for k, v in self._sums.items()}
        _say({"step": self.done, "over": round(over, 3), "scale": round(self.net.scale.item(), 2), **means})
        self._sums = {}

    def store(self) -> None:
        """Validates and writes the averaged weights."""
        net = MatcherNet()
        net.load_state_dict(self.average)
        net.eval()
        held, rng = DrawnIcons(self.chosen.icons, UNSEEN_SOURCES, only=True), Random(11)
        looks = [held.draw(rng, 1.0) for _ in range(400)] if held.concepts else []
        found = validate(net, self.validation)
        if looks:
            with torch.inference_mode():
                found["held_out_icons"] = round(loss_of(net, looks, Pairs(["a"], ["a"], ["a"]))[1]["hit"], 4)
        _say({"step": self.done, "validation": found})
        save(net, self.chosen.out, {"steps": str(self.done), "validation": json.dumps(found)})


def started(start: Path | None, folder: Path | None) -> MatcherNet:
    """A new net, or that of a folder of weights; ``folder`` holds the vectors that become its senses.

    Raises BadInput when the vectors are not those of the shipped list of words.
    """
    net = load(start) if start else MatcherNet()
    if folder is not None:
        words = (folder / "words.txt").read_text("utf-8").split()
        if list(vocabulary()) != words:
            raise BadInput(f"{folder / 'words.txt'} is not the list data/sense_words.txt; copy it there first")
        table = np.load(folder / "vectors.npy").astype(np.float32)
        senses = torch.from_numpy(np.clip(np.rint(table * 64 * table.shape[1] ** 0.5 / 4), -127, 127).astype(np.int8))
        net.phrases.senses[1 : 1 + len(senses)] = senses
    return net


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


def _share(net: MatcherNet) -> None:
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in net.parameters()]
    flat = torch.cat([g.flatten() for g in grads])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    at = 0
    for p in net.parameters():
        p.grad = flat[at : at + p.numel()].view_as(p).clone()
        at += p.numel()


def main() -> None:
    """Trains from icon libraries and captured screens."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--icons", type=Path, action="append", required=True, help="icon library folder")
    parser.add_argument("--captured", type=Path, action="append", default=[], help="folder of captured screens")
    parser.add_argument("--start", type=Path, default=None, help="folder with weights to start from")
    parser.add_argument("--senses", type=Path, default=None, help="folder of word vectors")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=500)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
