"""Trains the matcher's phrase tower: what people say against what controls are called, each the others' negatives.

It starts from the published weights of all-MiniLM-L6-v2 (``--published``: a folder with its ``model.safetensors`` and
``tokenizer.json``), whose sense of running text carries over to wordings that no table has, or goes on (``--go-on``).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import cast

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reticle_grounding.errors import BadInput
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import MAX_TOKENS, SentenceTower, Tokens, say
from reticle_grounding.matcher.store import load, save

from .agreement import agreement, akin, together
from .canvas import Element
from .concepts import by_icon, by_label, concepts, kin
from .harvested import Row, as_element, fitting_apps, harvested_rows
from .icon_library import IconLibrary
from .instructions import phrase, plain
from .looks import said, wrapped
from .spoken import Spoken, icon_words, lexicon, spoken_on, wordings_of_names

BATCH, CHUNK = 192, 48
SHARPNESS = 20.0
WARMUP = 50
SHOWN = 50
"""Steps between lines that tell the losses, means of so many."""
KEPT = 0.99
"""How much of the running average stays at each step."""
SHARES = {
    "concepts": 0.17,
    "places": 0.36,
    "drawn": 0.12,
    "names": 0.06,
    "spoken": 0.18,
    "forms": 0.06,
    "tips": 0.02,
    "tags": 0.03,
}
"""How much of a batch each source gives, about."""
TOGETHER = 8
"""Most instructions of one screen, or wordings of one place, that are drawn at once."""
BESIDE = 2
"""Other names of a screen that come along as wrong answers, for each of its instructions."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A wording, what it asks for, and the meaning they share."""

    said: str
    """Empty where nobody asks for the label: it is only there to be wrong."""
    label: str
    group: str
    place: int | None = None
    """Number of the place of software that it is of."""


@dataclass(frozen=True, slots=True)
class Told:
    """A captured screen and the instructions written for its elements."""

    elements: list[Element]
    spoken: list[tuple[Element, Spoken]]


def told_screens(folder: Path) -> list[Told]:
    """The screens of the training applications without the fitting ones."""
    rows = harvested_rows(folder)[0]
    kept_out, written = fitting_apps(rows), spoken_on(folder.resolve().name)
    screens = []
    for row in rows:
        if row["app"] in kept_out:
            continue
        found = [e for e in map(as_element, row["elements"]) if e is not None]
        by_box = {e.box: e for e in found}
        spoken = [(by_box[s.box], s) for s in written.get(row["image"], ()) if s.box in by_box]
        screens.append(Told(found, spoken))
    return screens


class PairSource:
    """Draws pairs of texts from all sources there are."""

    def __init__(
        self, captured: Sequence[Path], icons: Sequence[Path], seed: str, shares: Mapping[str, float] = SHARES
    ) -> None:
        self.rng = Random(seed)
        screens = [screen for folder in captured for screen in told_screens(folder)]
        self.elements = [e for screen in screens for e in screen.elements]
        self.told = [screen for screen in screens if screen.spoken]
        self.tips = [e for e in self.elements if e.says]
        self.names = list(wordings_of_names().items())
        self.places = lexicon()
        self.drawn = list(icon_words().items())
        self.tagged = [e for folder in icons for e in IconLibrary(folder).entries if e["words"]]
        there = {
            "places": self.places,
            "spoken": self.told,
            "forms": self.elements,
            "tips": self.tips,
            "tags": self.tagged,
        }
        self._sources = [name for name in shares if there.get(name, True)]
        weights = [shares[name] / (TOGETHER if name in ("places", "spoken") else 1) for name in self._sources]
        self._weights = weights

    def draw(self, count: int) -> list[Pair]:
        """``count`` pairs or a few more, and the wrong answers that come with them."""
        pairs: list[Pair] = []
        asked = 0
        while asked < count:
            made = self.drawn_from(self.rng.choices(self._sources, self._weights)[0])
            pairs += made
            asked += sum(bool(p.said) for p in made)
        return pairs

    def drawn_from(self, source: str) -> list[Pair]:
        """One pair of a source (a key of :data:`SHARES`), or those of one place or screen."""
        rng = self.rng
        if source == "concepts":
            concept = rng.choice(concepts())
            return [Pair(said(rng, concept), rng.choice(concept.labels), concept.name)]
        if source == "names":
            return [self._worded(*rng.choice(self.names))]
        if source == "drawn":
            icon, known = rng.choice(self.drawn)
            label = icon if rng.random() < 0.6 else known.label
            concept_names = {concepts()[n].name for n in by_icon().get(icon, ())}
            group = concept_names.pop() if len(concept_names) == 1 else icon
            words = rng.choice((*known.does, *known.shows))
            return [Pair(wrapped(rng, words) if rng.random() < 0.3 else words, label, group)]
        if source == "places":
            number = rng.randrange(len(self.places))
            place = self.places[number]
            names = rng.sample(list(place), min(TOGETHER, len(place)))
            return [replace(self._worded(name, place[name]), place=number) for name in names]
        if source == "spoken":
            return self.of_screen(rng.choices(self.told, [len(t.spoken) for t in self.told])[0])
        if source == "tags":
            entry = rng.choice(self.tagged)
            words = " ".join(rng.sample(entry["words"], min(len(entry["words"]), rng.randint(1, 2))))
            return [Pair(words, entry["name"], entry["name"])]
        element = rng.choice(self.elements if source == "forms" else self.tips)
        words = phrase(rng, element)[0] if source == "forms" else rng.choice(element.says)
        return [Pair(words, element.label, group_of(element.label))]

    def _worded(self, name: str, wordings: Sequence[str]) -> Pair:
        words = self.rng.choice(wordings)
        return Pair(wrapped(self.rng, words) if self.rng.random() < 0.3 else words, name, group_of(name))

    def of_screen(self, told: Told) -> list[Pair]:
        """Some of a screen's instructions, and names of other elements of it."""
        chosen = self.rng.sample(told.spoken, min(TOGETHER, len(told.spoken)))
        pairs = [Pair(spoken.instruction, element.label, group_of(element.label)) for element, spoken in chosen]
        taken = {p.group for p in pairs}
        others = {group_of(e.label): e.label for e in told.elements if group_of(e.label) not in taken}
        beside = self.rng.sample(sorted(others), min(BESIDE * len(pairs), len(others)))
        return [*pairs, *(Pair("", others[group], group) for group in beside)]


def group_of(name: str) -> str:
    """The concept of a name, or the plain name."""
    number = by_label().get(plain(name))
    return concepts()[number].name if number is not None else plain(name)


def published(folder: Path) -> tuple[SentenceTower, Tokens]:
    """The tower with the published weights. Raises BadInput when the folder does not hold them."""
    try:
        weights = load_file(folder / "model.safetensors")
        tokens = Tokens(Tokenizer.from_file(str(folder / "tokenizer.json")))
    except Exception as error:
        raise BadInput(
            f"{folder} must hold model.safetensors and tokenizer.json of all-MiniLM-L6-v2: {error}"
        ) from error
    tower = SentenceTower()
    places = "embeddings.position_embeddings.weight"
    kept = {k.removeprefix("bert."): v for k, v in weights.items() if "pooler" not in k and "position_ids" not in k}
    kept[places] = kept[places][:MAX_TOKENS]
    tower.encoder.load_state_dict(kept)
    return tower, tokens


def stored(folder: Path) -> tuple[SentenceTower, Tokens]:
    """The tower that a run of this module left in ``folder``, with all of its words."""
    return load(folder).words, Tokens.of(folder)


def loss_of(tower: SentenceTower, tokens: Tokens, pairs: Sequence[Pair], held: Tensor | None = None) -> Tensor:
    """Each wording against all labels, each label that was asked for against all wordings; a number with gradients.

    ``held`` [pairs, DIM]: vectors of the labels that stay as they are; without it the tower says them, too.
    """
    spoken = [p for p in pairs if p.said]
    asked_groups, groups = [p.group for p in spoken], [p.group for p in pairs]
    near = akin([kin().get(g, frozenset()) for g in asked_groups], groups)
    asked = said_by(tower, tokens, [p.said for p in spoken])
    labels = said_by(tower, tokens, [p.label for p in pairs]) if held is None else held.to(asked.device)
    same = together(asked_groups, groups).to(asked.device)
    return agreement(asked, labels, same, near.to(asked.device), torch.tensor(SHARPNESS))


def said_by(tower: SentenceTower, tokens: Tokens, phrases: Sequence[str]) -> Tensor:
    """[n, DIM] with gradients, in chunks of like length."""
    order = sorted(range(len(phrases)), key=lambda i: len(phrases[i]))
    chunks = [order[at : at + CHUNK] for at in range(0, len(order), CHUNK)]
    device = next(tower.parameters()).device
    found = torch.cat([tower(*(t.to(device) for t in tokens([phrases[i] for i in chunk]))) for chunk in chunks])
    return found[torch.argsort(torch.tensor(order)).to(device)]


def at_hand(tower: SentenceTower) -> SentenceTower:
    """The tower on the processor, ready to be measured."""
    return (tower if next(tower.parameters()).device.type == "cpu" else copy.deepcopy(tower).cpu()).eval()


@torch.inference_mode()
def validate(tower: SentenceTower, tokens: Tokens, captured: Sequence[Path]) -> dict[str, float]:
    """Share of the kept wordings nearest to a label of their concept, and of the instructions written for held-out
    applications (direct and indirect ones) nearest to their element's name among all names of the screen."""
    labels = [(label, concept.name) for concept in concepts() for label in concept.labels]
    asked = [(words, concept.name) for concept in concepts() for words in concept.unheard]
    scores = say(tower, tokens, [a for a, _ in asked]) @ say(tower, tokens, [t for t, _ in labels]).T
    best = scores.argmax(1).tolist()
    right = sum(labels[b][1] in kin()[name] for b, (_, name) in zip(best, asked, strict=True))
    shares = written_shares(tower, tokens, ((folder, harvested_rows(folder)[1]) for folder in captured))
    return {"wordings": round(right / max(1, len(asked)), 4), **shares}


def written_shares(
    tower: SentenceTower, tokens: Tokens, screens: Iterable[tuple[Path, Sequence[Row]]]
) -> dict[str, float]:
    """Share of the instructions written for rows of folders of captured screens whose element's name is the nearest of
    all names of the screen: of those that say the name ("direct"), and of the others."""
    found: dict[bool, list[bool]] = {False: [], True: []}
    for folder, rows in screens:
        written = spoken_on(folder.resolve().name)
        for row in rows:
            by_box = {e.box: e for e in map(as_element, row["elements"]) if e is not None}
            told = [s for s in written.get(row["image"], ()) if s.box in by_box]
            if not told:
                continue
            names = list(dict.fromkeys(e.label for e in by_box.values()))
            near = say(tower, tokens, [s.instruction for s in told]) @ say(tower, tokens, names).T
            for spoken, number in zip(told, near.argmax(1).tolist(), strict=True):
                found[spoken.indirect].append(plain(names[number]) == plain(by_box[spoken.box].label))
    return {
        name: round(sum(v) / max(1, len(v)), 4) for name, v in (("direct", found[False]), ("indirect", found[True]))
    }


def descend(
    tower: SentenceTower,
    chosen: argparse.Namespace,
    losses_of: Callable[[], Mapping[str, tuple[float, Tensor]]],
    measure: Callable[[SentenceTower], Mapping[str, float]],
) -> tuple[SentenceTower, int]:
    """Trains the tower for ``chosen.minutes``; returns the running average of its weights, on the processor and ready
    to be measured, and the number of steps.

    Args:
        losses_of: name -> weight and loss of a new batch; their weighted sum is followed, each is printed as it is.
        measure: what is printed of the average before, and every ``chosen.measure`` steps.
    """
    tower.encoder.set_attn_implementation("eager")  # quicker at lengths of a few tokens
    tower.to(chosen.device)
    averaged = AveragedModel(tower, multi_avg_fn=get_ema_multi_avg_fn(KEPT))  # type: ignore[no-untyped-call]
    average = cast(SentenceTower, averaged.module)
    optimizer = torch.optim.AdamW(tower.parameters(), lr=chosen.lr, weight_decay=0.01)
    tell({"step": 0, "validation": measure(at_hand(average))})
    begun, steps, recent = time.monotonic(), 0, deque[dict[str, float]](maxlen=SHOWN)
    while (over := (time.monotonic() - begun) / 60 / chosen.minutes) < 1:
        tower.train()
        share = chosen.last + (1 - chosen.last) * (0.5 + 0.5 * math.cos(math.pi * over))
        for group in optimizer.param_groups:
            group["lr"] = chosen.lr * min(1.0, (steps + 1) / WARMUP) * share
        with torch.autocast(chosen.device.split(":")[0], torch.bfloat16, enabled=chosen.bf16):
            losses = losses_of()
        optimizer.zero_grad(set_to_none=True)
        sum((weight * loss for weight, loss in losses.values()), torch.tensor(0.0)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(tower)
        steps += 1
        recent.append({name: loss.item() for name, (_, loss) in losses.items()})
        if steps % SHOWN == 0:
            means = {name: round(sum(row[name] for row in recent) / SHOWN, 4) for name in losses}
            tell({"step": steps, "over": round(over, 3), **means})
        if steps % chosen.measure == 0:
            tell({"step": steps, "validation": measure(at_hand(average))})
    return average.cpu().eval(), steps


def train(chosen: argparse.Namespace) -> None:
    """The whole run; stores the running average of the weights, and what it reached."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    tower, tokens = published(chosen.published) if chosen.go_on is None else stored(chosen.go_on)
    source = PairSource(chosen.captured, chosen.icons, f"pairs {chosen.seed}")
    average, steps = descend(
        tower,
        chosen,
        lambda: {"loss": (1.0, loss_of(tower, tokens, source.draw(BATCH)))},
        lambda at: validate(at, tokens, chosen.captured),
    )
    net = MatcherNet() if chosen.looks is None else load(chosen.looks)
    net.words = average
    found = validate(net.words, tokens, chosen.captured)
    tell({"step": steps, "validation": found})
    save(net, chosen.out, {"words": json.dumps({"steps": steps, **found})})
    tokens.save(chosen.out)


def tell(row: Mapping[str, object]) -> None:
    """Prints one line of what a run tells of itself."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def add_options(parser: argparse.ArgumentParser, lr: float, measure: int) -> None:
    """What runs of :func:`descend` over a :class:`PairSource` have in common."""
    parser.add_argument("--captured", type=Path, action="append", default=[], help="folder of captured screens")
    parser.add_argument("--icons", type=Path, action="append", default=[], help="icon library folder, for search words")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--last", type=float, default=0.0, help="share of the learning rate at the end")
    parser.add_argument("--measure", type=int, default=measure, help="steps between measurements")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the device is fast at it")
    parser.add_argument("--seed", type=int, default=0)


def main() -> None:
    """Trains from tables, captured screens and icon libraries."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    begin = parser.add_mutually_exclusive_group(required=True)
    begin.add_argument("--published", type=Path, help="folder with the weights of all-MiniLM-L6-v2")
    begin.add_argument("--go-on", type=Path, help="folder of an earlier run, trained further")
    parser.add_argument("--looks", type=Path, default=None, help="folder of a matcher whose look tower is kept")
    add_options(parser, lr=1.6e-4, measure=300)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
