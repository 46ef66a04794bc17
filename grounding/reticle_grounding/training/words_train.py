"""Trains the matcher's phrase tower: what people say against what controls are called, each the others' negatives.

It starts from the published weights of all-MiniLM-L6-v2 (``--published``: a folder with its ``model.safetensors`` and
``tokenizer.json``), whose sense of running text carries over to wordings that no table has.
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

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import MAX_TOKENS, SentenceTower, Tokens, say
from reticle_grounding.matcher.store import save

from .agreement import agreement, akin, together
from .canvas import Element
from .concepts import by_label, concepts, kin
from .harvested import as_element, fitting_apps, harvested_rows
from .icon_library import IconLibrary
from .instructions import phrase, plain
from .looks import said, wrapped
from .spoken import Spoken, spoken_on, wordings_of_names

BATCH, CHUNK = 192, 48
SHARPNESS = 20.0
WARMUP = 50
SHARES = (("concepts", 0.40), ("names", 0.20), ("spoken", 0.18), ("forms", 0.14), ("tips", 0.03), ("tags", 0.05))
"""How often a pair of texts is drawn from each source."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A wording, what it asks for, and the meaning they share."""

    said: str
    label: str
    group: str


def named_elements(folder: Path) -> tuple[list[Element], list[tuple[Element, Spoken]]]:
    """Elements of the training applications without the fitting ones, and the instructions written for them."""
    rows = harvested_rows(folder)[0]
    kept_out, written = fitting_apps(rows), spoken_on(folder.resolve().name)
    elements: list[Element] = []
    spoken: list[tuple[Element, Spoken]] = []
    for row in rows:
        if row["app"] in kept_out:
            continue
        found = [e for e in map(as_element, row["elements"]) if e is not None]
        by_box = {e.box: e for e in found}
        elements += found
        spoken += [(by_box[s.box], s) for s in written.get(row["image"], ()) if s.box in by_box]
    return elements, spoken


class PairSource:
    """Draws pairs of texts from all sources there are."""

    def __init__(self, captured: Sequence[Path], icons: Sequence[Path], seed: str) -> None:
        self.rng = Random(seed)
        parts = [named_elements(folder) for folder in captured]
        self.elements = [e for elements, _ in parts for e in elements]
        self.spoken = [pair for _, spoken in parts for pair in spoken]
        self.tips = [e for e in self.elements if e.says]
        self.names = list(wordings_of_names().items())
        self.tagged = [e for folder in icons for e in IconLibrary(folder).entries if e["words"]]
        there = {"spoken": self.spoken, "forms": self.elements, "tips": self.tips, "tags": self.tagged}
        self._sources = [name for name, _ in SHARES if there.get(name, True)]
        self._shares = [share for name, share in SHARES if name in self._sources]

    def draw(self, count: int) -> list[Pair]:
        return [self._one(self.rng.choices(self._sources, self._shares)[0]) for _ in range(count)]

    def _one(self, source: str) -> Pair:
        rng = self.rng
        if source == "concepts":
            concept = rng.choice(concepts())
            return Pair(said(rng, concept), rng.choice(concept.labels), concept.name)
        if source == "names":
            name, wordings = rng.choice(self.names)
            words = rng.choice(wordings)
            return Pair(wrapped(rng, words) if rng.random() < 0.3 else words, name, _group(name))
        if source == "spoken":
            element, spoken = rng.choice(self.spoken)
            return Pair(spoken.instruction, element.label, _group(element.label))
        if source == "tags":
            entry = rng.choice(self.tagged)
            words = " ".join(rng.sample(entry["words"], min(len(entry["words"]), rng.randint(1, 2))))
            return Pair(words, entry["name"], entry["name"])
        element = rng.choice(self.elements if source == "forms" else self.tips)
        words = phrase(rng, element)[0] if source == "forms" else rng.choice(element.says)
        return Pair(words, element.label, _group(element.label))


def _group(name: str) -> str:
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


def loss_of(tower: SentenceTower, tokens: Tokens, pairs: Sequence[Pair]) -> Tensor:
    groups = [p.group for p in pairs]
    near = akin([kin().get(g, frozenset()) for g in groups], groups)
    asked, labels = (_said(tower, tokens, texts) for texts in ([p.said for p in pairs], [p.label for p in pairs]))
    return agreement(asked, labels, together(groups, groups), near, torch.tensor(SHARPNESS))


def _said(tower: SentenceTower, tokens: Tokens, phrases: Sequence[str]) -> Tensor:
    """[n, DIM] with gradients, in chunks of like length."""
    order = sorted(range(len(phrases)), key=lambda i: len(phrases[i]))
    chunks = [order[at : at + CHUNK] for at in range(0, len(order), CHUNK)]
    found = torch.cat([tower(*tokens([phrases[i] for i in chunk])) for chunk in chunks])
    return found[torch.argsort(torch.tensor(order))]


@torch.inference_mode()
def validate(tower: SentenceTower, tokens: Tokens, captured: Sequence[Path]) -> dict[str, float]:
    """Share of the kept wordings nearest to a label of their concept, and of the instructions written for held-out
    applications (direct and indirect ones) nearest to their element's name among all names of the screen."""
    labels = [(label, concept.name) for concept in concepts() for label in concept.labels]
    asked = [(words, concept.name) for concept in concepts() for words in concept.unheard]
    scores = say(tower, tokens, [a for a, _ in asked]) @ say(tower, tokens, [t for t, _ in labels]).T
    best = scores.argmax(1).tolist()
    right = sum(labels[b][1] in kin()[name] for b, (_, name) in zip(best, asked, strict=True))
    found: dict[bool, list[bool]] = {False: [], True: []}
    for folder in captured:
        written = spoken_on(folder.resolve().name)
        for row in harvested_rows(folder)[1]:
            by_box = {e.box: e for e in map(as_element, row["elements"]) if e is not None}
            told = [s for s in written.get(row["image"], ()) if s.box in by_box]
            if not told:
                continue
            names = list(dict.fromkeys(e.label for e in by_box.values()))
            near = say(tower, tokens, [s.instruction for s in told]) @ say(tower, tokens, names).T
            for spoken, number in zip(told, near.argmax(1).tolist(), strict=True):
                found[spoken.indirect].append(plain(names[number]) == plain(by_box[spoken.box].label))
    shares = {
        name: round(sum(v) / max(1, len(v)), 4) for name, v in (("direct", found[False]), ("indirect", found[True]))
    }
    return {"wordings": round(right / max(1, len(asked)), 4), **shares}


def train(chosen: argparse.Namespace) -> None:
    """The whole run; what it reached goes into the stored file."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    tower, tokens = published(chosen.published)
    source = PairSource(chosen.captured, chosen.icons, f"pairs {chosen.seed}")
    optimizer = torch.optim.AdamW(tower.parameters(), lr=chosen.lr, weight_decay=0.01)
    _say({"step": 0, "validation": validate(tower.eval(), tokens, chosen.captured)})
    begun, steps, losses = time.monotonic(), 0, [0.0]
    while (over := (time.monotonic() - begun) / 60 / chosen.minutes) < 1:
        tower.train()
        for group in optimizer.param_groups:
            group["lr"] = chosen.lr * min(1.0, (steps + 1) / WARMUP) * (0.5 + 0.5 * math.cos(math.pi * over))
        with torch.autocast(chosen.device, torch.bfloat16, enabled=chosen.bf16):
            loss = loss_of(tower, tokens, source.draw(BATCH))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        steps += 1
        losses.append(loss.item())
        if steps % 50 == 0:
            _say({"step": steps, "over": round(over, 3), "loss": round(sum(losses[-50:]) / 50, 4)})
    found = validate(tower.eval(), tokens, chosen.captured)
    _say({"step": steps, "validation": found})
    net = MatcherNet()
    net.words = tower
    save(net, chosen.out, {"words": json.dumps({"steps": steps, **found})})
    tokens.save(chosen.out)


def _say(row: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Trains from tables, captured screens and icon libraries."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--published", type=Path, required=True, help="folder with the weights of all-MiniLM-L6-v2")
    parser.add_argument("--captured", type=Path, action="append", default=[], help="folder of captured screens")
    parser.add_argument("--icons", type=Path, action="append", default=[], help="icon library folder, for search words")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--lr", type=float, default=6e-5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the device is fast at it")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
