"""Trains the tower that tells icons apart, and writes down the icons of libraries by heart.

The tower sees each picture twice, drawn in other sizes, inks, grounds and company, and has to find it again among the
others of the batch (InfoNCE), many of them of the same theme, and among mirrored ones: left is not right.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import crops
from reticle_grounding.matcher.icons import IconTower, as_input, save
from reticle_grounding.matcher.icons import load as load_memory
from reticle_grounding.matcher.quantised import quantise
from reticle_grounding.matcher.sentences import Tokens, say
from reticle_grounding.matcher.store import load

from .concepts import by_icon, concepts
from .icon_library import IconLibrary
from .icon_uses import MEANING_PLACES, as_wording
from .icon_uses import write as write_uses
from .looks import COMMON_SOURCES, DrawnIcons, Ink
from .matcher_train import HELD_OUT_SOURCES
from .spoken import icon_uses, icon_words

BATCH, OF_ONE_SOURCE, MIRRORED = 192, 80, 3
"""Pictures of a batch; so many of them from one theme or pack; one in so many also mirrored."""
LR, WARMUP, AVERAGE, SHARPNESS = 1.5e-3, 100, 0.998, 20.0
DRAWN = 24
"""Side at which pictures without a size of their own are remembered."""
GROUNDS: tuple[tuple[Ink, Ink], ...] = (((250, 250, 250), (60, 60, 60)), ((45, 47, 50), (225, 225, 225)))
"""Ground and ink of the light and of the dark rendering."""
SAME_PICTURE = 0.97
"""Likeness of two renderings of one name, of which one is enough."""
PLACES = 24
"""Bytes for a remembered picture."""
LABELS = 4
"""Labels of a concept that its icons' names may be called."""
Number = tuple[int, int]
Canvas = tuple[npt.NDArray[np.uint8], Rect]


def plainly(library: IconLibrary, number: int, ground: int) -> Canvas:
    """A picture in the middle of a plain ground, and the rectangle of its ink."""
    picture, mono = library.picture(number)
    side = library.entries[number]["side"]
    side = side if side < 48 else DRAWN
    back, ink = GROUNDS[ground]
    if mono:
        mask, image = Image.fromarray(picture), Image.new("RGB", (picture.shape[1], picture.shape[0]), ink)
    else:
        rgba = Image.fromarray(picture)
        mask, image = rgba.getchannel("A"), rgba.convert("RGB")
    if mask.width != side:
        mask, image = (part.resize((side, side), Image.Resampling.LANCZOS) for part in (mask, image))
    pad = side // 2 + 10
    canvas = Image.new("RGB", (side + 2 * pad,) * 2, back)
    canvas.paste(image, (pad, pad), mask)
    left, top, right, bottom = mask.point([0] * 60 + [255] * 196).getbbox() or (0, 0, side, side)
    return np.asarray(canvas), Rect(pad + left, pad + top, pad + right, pad + bottom)


def mirrored(canvas: Canvas) -> Canvas | None:
    """The picture with left and right exchanged; None where that hardly changes it."""
    pixels, ink = canvas
    flipped = pixels[:, ::-1]
    rows = slice(int(ink.top), int(ink.bottom))
    if np.abs(flipped[rows].astype(np.int16) - pixels[rows]).max(axis=2).mean() <= 12:
        return None
    width = pixels.shape[1]
    return np.ascontiguousarray(flipped), Rect(width - ink.right, ink.top, width - ink.left, ink.bottom)


class Batches:
    """Pictures drawn freely, and the same ones plainly."""

    def __init__(self, drawn: DrawnIcons, held_out: Sequence[str], seed: int) -> None:
        self._drawn, self._rng = drawn, Random(seed)
        self._pool: dict[str, list[Number]] = defaultdict(list)
        for at, library in enumerate(drawn.libraries):
            for number, entry in enumerate(library.entries):
                if entry["source"] not in held_out:
                    self._pool[entry["source"]].append((at, number))
        self._sources = list(self._pool)
        self._weights = [len(self._pool[s]) * COMMON_SOURCES.get(s, 1.0) for s in self._sources]

    def next(self) -> tuple[crops.Crops, int, Tensor]:
        """Crops (freely drawn, plain, mirrored), how many are freely drawn, and [n, n]: which share a name."""
        rng = self._rng
        one = self._pool[rng.choices(self._sources, self._weights)[0]]
        chosen = rng.sample(one, min(OF_ONE_SOURCE, len(one)))
        others = rng.choices(self._sources, self._weights, k=BATCH - len(chosen))
        chosen += [rng.choice(self._pool[source]) for source in others]
        free, plain, turned = [], [], []
        for place, number in enumerate(chosen):
            free.append(self._drawn.picture(rng, number))
            canvas = plainly(self._drawn.libraries[number[0]], number[1], rng.randrange(len(GROUNDS)))
            plain.append(crops.cut(canvas[0], [canvas[1]])[0])
            other = mirrored(canvas) if place % MIRRORED == 0 else None
            turned += [crops.cut(other[0], [other[1]])[0]] if other is not None else []
        names = [self._drawn.libraries[at].entries[number]["name"] for at, number in chosen]
        numbers = {name: i for i, name in enumerate(names)}
        group = torch.tensor([numbers[name] for name in names])
        return np.stack([*free, *plain, *turned]), len(chosen), group[:, None] == group[None, :]


def loss_of(tower: IconTower, drawn: crops.Crops, count: int, same: Tensor) -> tuple[Tensor, float]:
    """InfoNCE both ways; other pictures of the same name are neither right nor wrong. Also the share found."""
    vectors = tower(as_input(drawn))
    scores = vectors[:count] @ vectors[count:].T * SHARPNESS
    own = torch.arange(count)
    neutral = torch.zeros_like(scores, dtype=torch.bool)
    neutral[:, :count] = same
    neutral[own, own] = False
    scores = scores.masked_fill(neutral, -1e4)
    loss = F.cross_entropy(scores, own) + F.cross_entropy(scores[:, :count].T, own)
    return loss, (scores.argmax(1) == own).float().mean().item()


def train(tower: IconTower, batches: Batches, minutes: float, bf16: bool) -> IconTower:
    """Trains for so long and returns the tower with averaged weights."""
    optimizer = torch.optim.AdamW(tower.parameters(), lr=LR, weight_decay=0.02)
    average = {k: v.clone() for k, v in tower.state_dict().items()}
    begun, step, found = time.monotonic(), 0, 0.0
    tower.train()
    while (over := (time.monotonic() - begun) / 60 / max(minutes, 1e-9)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = LR * min(1.0, (step + 1) / WARMUP) * (0.5 + 0.5 * math.cos(math.pi * over))
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, share = loss_of(tower, *batches.next())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 5.0)
        optimizer.step()
        step += 1
        found = share if step == 1 else 0.98 * found + 0.02 * share
        keep = min(AVERAGE, step / (step + 10))
        for k, v in tower.state_dict().items():
            average[k] = average[k] * keep + v * (1 - keep) if v.is_floating_point() else v.clone()
        if step % 100 == 0:
            _say(f"step {step}, {over:.1%} of the time, loss {loss.item():.3f}, found {found:.3f}")
    tower.load_state_dict(average)
    return tower.eval()


@torch.inference_mode()
def remember(tower: IconTower, libraries: Sequence[IconLibrary], held_out: Sequence[str]) -> tuple[Tensor, list[str]]:
    """[n, CODE] vectors of every picture, light and dark, and its name; repetitions under one name are left out."""
    vectors: dict[str, list[Tensor]] = defaultdict(list)
    waiting: list[npt.NDArray[np.uint8]] = []
    names: list[str] = []

    def flush() -> None:
        for name, vector in zip(names, tower(as_input(np.stack(waiting))), strict=True):
            if not any(float(vector @ known) > SAME_PICTURE for known in vectors[name]):
                vectors[name].append(vector)
        waiting.clear()
        names.clear()

    for library in libraries:
        for number, entry in enumerate(library.entries):
            if entry["source"] in held_out:
                continue
            for ground in range(len(GROUNDS)):
                pixels, ink = plainly(library, number, ground)
                waiting.append(crops.cut(pixels, [ink])[0])
                names.append(entry["name"])
            if len(waiting) >= 1024:
                flush()
    if waiting:
        flush()
    kept = [(name, vector) for name, found in sorted(vectors.items()) for vector in found]
    return torch.stack([vector for _, vector in kept]), [name for name, _ in kept]


def wordings(names: Sequence[str]) -> tuple[list[str], Tensor]:
    """Wordings, and [w, 2] pairs (number of a name, of a wording): the name, labels of what it stands for, and how
    people ask for it."""
    known, numbers, pairs = by_icon(), dict[str, int](), []
    for at, name in enumerate(names):
        labels = [label for concept in known.get(name, ()) for label in concepts()[concept].labels[:LABELS]]
        asked = icon_words()[name].all() if name in icon_words() else ()
        said = dict.fromkeys([as_wording(name), *labels, *asked])
        pairs += [(at, numbers.setdefault(words, len(numbers))) for words in said]
    return list(numbers), torch.tensor(pairs, dtype=torch.int32)


def build(chosen: argparse.Namespace) -> Path:
    """Trains (or takes the tower of ``--tower``), remembers, writes; returns the file."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    if chosen.tower is not None:
        return write(load_memory(chosen.tower).tower, [IconLibrary(folder) for folder in chosen.icons], chosen)
    matcher = load(chosen.start)
    tower = IconTower()
    drawn = DrawnIcons(chosen.icons, HELD_OUT_SOURCES)
    tower.body.load_state_dict(matcher.looks.body.state_dict())
    tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train(tower, Batches(drawn, HELD_OUT_SOURCES, seed=5), chosen.minutes, chosen.bf16)
    return write(tower.eval(), drawn.libraries, chosen)


def write(tower: IconTower, libraries: Sequence[IconLibrary], chosen: argparse.Namespace) -> Path:
    """Remembers the libraries' pictures with a trained tower and writes the file."""
    matcher, tokens = load(chosen.start), Tokens.of(chosen.start)
    pictures, names = remember(tower, libraries, HELD_OUT_SOURCES)
    unique = sorted(set(names))
    number = {name: i for i, name in enumerate(unique)}
    said, words = wordings(unique)
    with torch.inference_mode():
        meanings = say(matcher.words, tokens, said)
    small, meant = quantise(pictures, PLACES), quantise(meanings, MEANING_PLACES)
    kept = {
        "pictures": small.codes,
        "pictures.book": small.book,
        "named": torch.tensor([number[name] for name in names], dtype=torch.int32),
        "meanings": meant.codes,
        "meanings.book": meant.book,
        "words": words,
    }
    about = {"pictures": len(names), "names": len(unique), "wordings": len(said), "minutes": chosen.minutes}
    _say(json.dumps(about))
    path = save(chosen.out, tower, kept, {k: str(v) for k, v in about.items()})
    if not icon_uses().keys().isdisjoint(number):
        write_uses(chosen.out, matcher.words, tokens, number)
    return path


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Trains the tower and remembers the icons of libraries."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True, help="folder of a trained matcher")
    parser.add_argument("--icons", type=Path, action="append", required=True, help="icon library folder")
    parser.add_argument("--tower", type=Path, default=None, help="folder of remembered icons whose tower is kept")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the processor is fast at it")
    build(parser.parse_args())


if __name__ == "__main__":
    main()
