"""Trains a shipped phrase tower further while what it says of labels is held where it is.

All else of the model was trained on its vectors: looks, remembered icons, kinds of controls, the reading channel. Here
wordings are moved towards the labels as the shipped tower has them, against all labels of their place and many others,
which then cost nothing; and labels are kept where they were, also as OCR reads them ("Label...", "Label 12"). So only
wordings move, and the parts around need no training of their own.
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
from typing import cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reticle_grounding.matcher.sentences import SentenceTower, Tokens, say
from reticle_grounding.matcher.store import header, load, save

from .agreement import agreement, akin, together
from .concepts import concepts, kin
from .harvested import fitting_apps, harvested_rows
from .spoken import Place, icon_words, kept_places, spoken_on
from .words_train import KEPT, SHARPNESS, WARMUP, Pair, PairSource, at_hand, group_of, said_by, told_row, validate

BATCH = 224
"""Wordings of a step."""
OTHERS = 320
"""Labels of anywhere that stand against them, beside those of their places and screens."""
HELD = 56
"""Labels of a step that are held."""
SHARES = {
    "places": 0.5,
    "spoken": 0.19,
    "concepts": 0.12,
    "drawn": 0.08,
    "forms": 0.04,
    "names": 0.04,
    "tips": 0.01,
    "tags": 0.02,
}
"""As those of :mod:`.words_train`, with more places."""
HOLD = 12.0
"""Weight of what a held label's cosine lacks to 1."""
SIGNS = ("{}...", "{}…", "{}:", "{} 12", "{} (3)", "+{}", "Q{}", "{}√", "{} Ctrl+S", "{}v", "{} >", "• {}", "{} *")
"""How OCR reads labels with what stands around them."""


class Labels:
    """All labels that may be asked for, and their vectors by the tower that training begins with."""

    def __init__(self, source: PairSource, tower: SentenceTower, tokens: Tokens) -> None:
        texts = [name for place in source.places for name in place]
        texts += [label for concept in concepts() for label in concept.labels]
        texts += [text for name, known in icon_words().items() for text in (name, known.label)]
        texts += [name for name, _ in source.names] + [e.label for e in source.elements]
        texts += [entry["name"] for entry in source.tagged]
        self.texts = list(dict.fromkeys(texts))
        self.groups = [group_of(text) for text in self.texts]
        with torch.inference_mode():
            self._vectors = say(tower, tokens, self.texts)
        self._number = {text: i for i, text in enumerate(self.texts)}

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """[n, DIM]."""
        return self._vectors[torch.tensor([self._number[text] for text in texts])].clone()


def with_company(source: PairSource, labels: Labels, rng: Random) -> list[Pair]:
    """A batch: wordings with what they ask for, all further controls of their places, and labels of anywhere."""
    pairs = source.draw(BATCH)
    there = {pair.label for pair in pairs}
    for number in [pair.place for pair in pairs if pair.place is not None]:
        for other in source.places[number]:
            if other not in there:
                there.add(other)
                pairs.append(Pair("", other, group_of(other)))
    for number in rng.sample(range(len(labels.texts)), OTHERS):
        if labels.texts[number] not in there:
            pairs.append(Pair("", labels.texts[number], labels.groups[number]))
    return pairs


def wordings_loss(tower: SentenceTower, tokens: Tokens, pairs: Sequence[Pair], labels: Labels) -> Tensor:
    """Each wording against all labels of the batch, and each label that was asked for against all wordings."""
    spoken = [p for p in pairs if p.said]
    asked_groups, groups = [p.group for p in spoken], [p.group for p in pairs]
    near = akin([kin().get(g, frozenset()) for g in asked_groups], groups)
    asked = said_by(tower, tokens, [p.said for p in spoken])
    held = labels.vectors([p.label for p in pairs]).to(asked.device)
    same = together(asked_groups, groups).to(asked.device)
    return agreement(asked, held, same, near.to(asked.device), torch.tensor(SHARPNESS))


def holding_loss(tower: SentenceTower, tokens: Tokens, labels: Labels, rng: Random) -> Tensor:
    """What labels, half of them as OCR may read them, lack to where they were."""
    texts = rng.sample(labels.texts, HELD)
    read = [rng.choice(SIGNS).format(t) if rng.random() < 0.5 else t for t in texts]
    found = said_by(tower, tokens, read)
    return (1 - (found * labels.vectors(texts).to(found.device)).sum(dim=1)).mean()


@torch.inference_mode()
def measured(tower: SentenceTower, tokens: Tokens, captured: Sequence[Path], labels: Labels) -> dict[str, float]:
    """:func:`~.words_train.validate`, the same for the fitting applications, wordings of kept places by
    the place's nearest control, and labels' mean cosine to before."""
    found: dict[str, float] = dict(validate(tower, tokens, captured))
    right: dict[bool, list[bool]] = {False: [], True: []}
    for folder in captured:
        rows, written = harvested_rows(folder)[0], spoken_on(folder.resolve().name)
        apps = fitting_apps(rows)
        for row in rows:
            if row["app"] in apps:
                for indirect, hit in told_row(tower, tokens, row, written):
                    right[indirect].append(hit)
    for name, hits in (("fitting direct", right[False]), ("fitting indirect", right[True])):
        found[name] = round(sum(hits) / max(1, len(hits)), 4)
    hits = [hit for place in kept_places() for hit in told_place(tower, tokens, place)]
    found["places"] = round(sum(hits) / len(hits), 4)
    some = Random("drift").sample(labels.texts, min(1000, len(labels.texts)))
    found["labels"] = round(float((say(tower, tokens, some) * labels.vectors(some)).sum(dim=1).mean()), 4)
    return found


def blended(former: SentenceTower, trained: SentenceTower, share: float) -> SentenceTower:
    """The trained tower with weights that are to ``share`` those of the former one, which keeps some of what training
    on other wordings takes away."""
    before = former.state_dict()
    weights = {
        name: torch.lerp(value, before[name], share) if value.is_floating_point() else value
        for name, value in trained.state_dict().items()
    }
    trained.load_state_dict(weights)
    return trained.eval()


def told_place(tower: SentenceTower, tokens: Tokens, place: Place) -> list[bool]:
    """Of each wording of a place: whether its control is the nearest of that place."""
    names = list(place)
    asked = [(words, number) for number, name in enumerate(names) for words in place[name]]
    near = say(tower, tokens, [words for words, _ in asked]) @ say(tower, tokens, names).T
    return [best == number for best, (_, number) in zip(near.argmax(1).tolist(), asked, strict=True)]


def train(chosen: argparse.Namespace) -> None:
    """The whole run; stores the matcher with the running average of the tower's weights."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    rng = Random(f"held {chosen.seed}")
    source = PairSource(chosen.captured, chosen.icons, f"held {chosen.seed}", SHARES)
    tokens = Tokens.of(chosen.model)
    labels = Labels(source, load(chosen.model).words.eval(), tokens)
    net = load(chosen.go_on or chosen.model)
    tower = net.words
    tower.encoder.set_attn_implementation("eager")  # quicker at lengths of a few tokens
    for part in tower.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0  # a quarter of the time, and few wordings are drawn more than some times
    tower.to(chosen.device)
    averaged = AveragedModel(tower, multi_avg_fn=get_ema_multi_avg_fn(KEPT))  # type: ignore[no-untyped-call]
    average = cast(SentenceTower, averaged.module)
    optimizer = torch.optim.AdamW(tower.parameters(), lr=chosen.lr, weight_decay=0.01)
    _say({"step": 0, "validation": measured(at_hand(tower), tokens, chosen.captured, labels)})
    begun, steps, losses = time.monotonic(), 0, [(0.0, 0.0)]
    while (over := (time.monotonic() - begun) / 60 / chosen.minutes) < 1:
        tower.train()
        share = chosen.last + (1 - chosen.last) * (0.5 + 0.5 * math.cos(math.pi * over))
        for group in optimizer.param_groups:
            group["lr"] = chosen.lr * min(1.0, (steps + 1) / WARMUP) * share
        with torch.autocast(chosen.device.split(":")[0], torch.bfloat16, enabled=chosen.bf16):
            wordings = wordings_loss(tower, tokens, with_company(source, labels, rng), labels)
            holding = holding_loss(tower, tokens, labels, rng)
        optimizer.zero_grad(set_to_none=True)
        (wordings + HOLD * holding).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(tower)
        steps += 1
        losses.append((wordings.item(), holding.item()))
        if steps % 50 == 0:
            loss, held = (round(sum(column) / 50, 4) for column in zip(*losses[-50:], strict=True))
            _say({"step": steps, "over": round(over, 3), "loss": loss, "holding": held})
        if steps % chosen.measure == 0:
            _say({"step": steps, "validation": measured(at_hand(average), tokens, chosen.captured, labels)})
    net.words = blended(load(chosen.model).words, at_hand(average), chosen.former)
    found = measured(net.words, tokens, chosen.captured, labels)
    _say({"step": steps, "validation": found})
    save(net, chosen.out, header(chosen.model) | {"words held": json.dumps({"steps": steps, **found})})
    tokens.save(chosen.out)


def _say(row: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Moves wordings towards labels that stay where they are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of the matcher whose labels are held")
    parser.add_argument("--go-on", type=Path, default=None, help="folder of an earlier run of this, trained further")
    parser.add_argument("--captured", type=Path, action="append", default=[], help="folder of captured screens")
    parser.add_argument("--icons", type=Path, action="append", default=[], help="icon library folder, for search words")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lr", type=float, default=1.5e-4)
    parser.add_argument("--former", type=float, default=0.25, help="share of the weights of --model in what is stored")
    parser.add_argument("--last", type=float, default=0.0, help="share of the learning rate at the end")
    parser.add_argument("--measure", type=int, default=400, help="steps between measurements")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the device is fast at it")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
