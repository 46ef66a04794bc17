"""Trains a shipped phrase tower further while what it says of labels is held where it is.

All else of the model was trained on its vectors: looks, remembered icons, kinds of controls, the reading channel. Here
wordings are moved towards the labels as the shipped tower has them, against all labels of their place and many others,
which then cost nothing; and labels are kept where they were, also as OCR reads them ("Label...", "Label 12"). So only
wordings move, and the parts around need no training of their own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from torch import Tensor

from reticle_grounding.matcher.sentences import SentenceTower, Tokens, say
from reticle_grounding.matcher.store import header, load, save

from .concepts import concepts
from .harvested import fitting_apps, harvested_rows
from .spoken import Place, icon_words, kept_places
from .words_train import (
    Pair,
    PairSource,
    add_options,
    descend,
    group_of,
    loss_of,
    said_by,
    tell,
    validate,
    written_shares,
)

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
    screens = [(folder, harvested_rows(folder)[0]) for folder in captured]
    fitting = [(folder, [r for r in rows if r["app"] in fitting_apps(rows)]) for folder, rows in screens]
    found |= {f"fitting {name}": share for name, share in written_shares(tower, tokens, fitting).items()}
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
    former, tokens = load(chosen.model).words, Tokens.of(chosen.model)
    labels = Labels(source, former, tokens)
    net = load(chosen.go_on or chosen.model)
    tower = net.words
    for part in tower.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0  # a quarter of the time, and few wordings are drawn more than some times

    def losses() -> dict[str, tuple[float, Tensor]]:
        pairs = with_company(source, labels, rng)
        wordings = loss_of(tower, tokens, pairs, labels.vectors([p.label for p in pairs]))
        return {"loss": (1.0, wordings), "holding": (HOLD, holding_loss(tower, tokens, labels, rng))}

    average, steps = descend(tower, chosen, losses, lambda at: measured(at, tokens, chosen.captured, labels))
    net.words = blended(former, average, chosen.former)
    found = measured(net.words, tokens, chosen.captured, labels)
    tell({"step": steps, "validation": found})
    save(net, chosen.out, header(chosen.model) | {"words held": json.dumps({"steps": steps, **found})})
    tokens.save(chosen.out)


def main() -> None:
    """Moves wordings towards labels that stay where they are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of the matcher whose labels are held")
    parser.add_argument("--go-on", type=Path, default=None, help="folder of an earlier run of this, trained further")
    parser.add_argument("--former", type=float, default=0.25, help="share of the weights of --model in what is stored")
    add_options(parser, lr=1.5e-4, measure=400)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
