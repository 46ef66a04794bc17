"""Carries a reading channel over to a matcher that was trained further, without training the channel again.

Both matchers put vectors to the same texts and drawings. The linear map that leads best from the new vectors to the
old ones (ridge regression) is multiplied into the channel's four maps, which so
receive about what they were trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher.matcher import Matcher, Vectors, open_matcher
from reticle_grounding.model.channel import ReadingChannel, load_channel, save_channel

from .harvested import harvested_scenes
from .looks import framed
from .words_train import told_screens

RIDGE = 1e-3
"""Penalty on the map, relative to the mean square of the vectors."""
HELD_OUT = 10
"""One vector in so many only measures."""
PHRASES, CROPS = 12_000, 9_000


def leading(new: Vectors, old: Vectors) -> tuple[Vectors, float]:
    """[d, d] map with ``old`` about ``new @ map`` (rows of both belong together), and the mean cosine it reaches on
    rows it was not fitted on.

    Raises BadInput when there are fewer rows than columns.
    """
    kept = np.arange(len(new)) % HELD_OUT != 0
    if kept.sum() < new.shape[1]:
        raise BadInput(f"{len(new)} vectors are too few for a map of {new.shape[1]} x {new.shape[1]}")
    x, y = new[kept].astype(np.float64), old[kept].astype(np.float64)
    square = x.T @ x
    square += RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    found = np.linalg.solve(square, x.T @ y).astype(np.float32)
    told, wanted = new[~kept] @ found, old[~kept]
    norms = np.linalg.norm(told, axis=1) * np.linalg.norm(wanted, axis=1)
    return found, float(((told * wanted).sum(axis=1) / np.maximum(norms, 1e-9)).mean())


def carried(channel: ReadingChannel, words: Vectors, looks: Vectors) -> ReadingChannel:
    """The channel (changed in place) for vectors that ``words`` and ``looks`` lead back to those it knows."""
    with torch.no_grad():
        for layer, leads in (
            (channel.said, words),
            (channel.named, words),
            (channel.asked, words),
            (channel.looks, looks),
        ):
            layer.weight.copy_(layer.weight @ torch.from_numpy(leads).T)
    return channel


def phrases_of(folders: Sequence[Path], count: int, seed: int = 0) -> list[str]:
    """Names and written instructions of the training applications."""
    screens = [screen for folder in folders for screen in told_screens(folder)]
    names = [e.label for screen in screens for e in screen.elements]
    asked = [spoken.instruction for screen in screens for _, spoken in screen.spoken]
    both = sorted({*names, *asked})
    return Random(seed).sample(both, min(count, len(both)))


def crops_seen(folders: Sequence[Path], matchers: Sequence[Matcher], count: int, seed: int = 0) -> list[Vectors]:
    """[n, d] of each matcher: drawings and other elements of captured screens."""
    rng = Random(seed)
    files = [file for folder in folders for file in harvested_scenes(folder).training]
    seen: list[list[Vectors]] = [[] for _ in matchers]
    total = 0
    for file in rng.sample(files, len(files)):
        scene = file.open()
        boxes = [Rect(*map(float, e.box)) for e in scene.elements]
        small = [b for b in boxes if max(b.width, b.height) <= 110]
        rects = [framed(rng, scene.pixels, b) for b in rng.sample(small, min(40, len(small)))]
        if not rects:
            continue
        for matcher, kept in zip(matchers, seen, strict=True):
            kept.append(matcher.see(scene.pixels, rects))
        total += len(rects)
        if total >= count:
            break
    return [np.concatenate(kept) for kept in seen]


def main() -> None:
    """Writes the channel of --channel for the matcher of --new into OUT."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channel", type=Path, required=True, help="folder with the channel, and the matcher it knows")
    parser.add_argument("--new", type=Path, required=True, help="folder with the new matcher")
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    width = json.loads((chosen.channel / "config.json").read_text("utf-8"))["text_config"]["hidden_size"]
    channel = load_channel(chosen.channel, width)
    if channel is None:
        raise BadInput(f"{chosen.channel} holds no reading channel")
    matchers = [open_matcher(chosen.new), open_matcher(chosen.channel)]
    phrases = phrases_of(chosen.captured, PHRASES)
    words, word_fit = leading(*(matcher.say(phrases) for matcher in matchers))
    looks, look_fit = leading(*crops_seen(chosen.captured, matchers, CROPS))
    chosen.out.mkdir(parents=True, exist_ok=True)
    save_channel(carried(channel, words, looks), chosen.out)
    sys.stdout.write(json.dumps({"phrases": round(word_fit, 4), "looks": round(look_fit, 4)}) + "\n")


if __name__ == "__main__":
    main()
