"""What looking at less of a screenshot costs and saves: every selection at every keep ratio, side by side in one run.

    python benchmarks/selection.py TARGETS.jsonl [TARGETS.jsonl ...] --out FOLDER [--screens 8] [--targets 8]
                                   [--model DIR] [--kept-reading FOLDER] [--size WxH] [--at-least 1] [--sum-up]
                                   [--attention] [--only NAME,NAME] [--ratios 0.5,0.3]

Each targets file is a set. Of each set so many screens are taken, evenly spread over those of the most frequent size,
and of each the first so many targets that are on the screen. Screens are taken in turns from all sets, and every row
is written at once, so a run that was stopped goes on where it was, or is summed up as it is. Times are processor
seconds of one thread. Memory is that of the model's own tensors up to the first answer, above what was there before, on
the first screen of each set. For the two that re-use a capture, the last capture is the same picture with a menu-sized
part of another screen on it.

``--attention`` asks the model alone, for the best region of its map: no text, no drawings. That is a small part of the
work, for many screens. ``--only`` and ``--ratios`` leave cases out; ``whole`` is always there. Slashes in ``--only``
make groups, each of which is measured on all screens before the next. With ``--sum-up`` they choose among the rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.profiler import ProfilerActivity, profile

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import load_calibration
from reticle_grounding.controls.controls import open_controls
from reticle_grounding.evaluation.targets import Target, by_image, read_targets
from reticle_grounding.fitting import KeptReader
from reticle_grounding.geometry import Space
from reticle_grounding.images import load_image
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.model.channel import load_channel
from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.patch_scorer import load_scorer
from reticle_grounding.model.pointer_model import EncodedScreen, PointerModel
from reticle_grounding.model.processor import Patches
from reticle_grounding.model.selection import SelectionRule
from reticle_grounding.model.towers import Seen, Tower
from reticle_grounding.ocr import Reader, TextReader
from reticle_grounding.predictor import Grounder, Observation
from reticle_grounding.reading import Reading
from reticle_grounding.regions import find_regions
from reticle_grounding.sources import Look, Say
from reticle_grounding.strategies import STRATEGIES, strategy_named
from reticle_grounding.types import FloatMap

RATIOS = (0.75, 0.5, 0.3, 0.2, 0.1)
DROPPING = ("before", "graph", "graph-pospad", "graph-renumbered", "even", "hiprune", "instruction")
CASES = [(n, 1.0) for n in ("whole", "share", "reuse", "reuse-states", "merge")] + [
    (name, keep) for name in DROPPING for keep in RATIOS
]
"""Keeping all is the same for all that drop: ``whole``."""
MENU = (320, 240)
"""Width and height of what the last capture shows elsewhere."""
Row = dict[str, Any]


@dataclass
class KeptTower:
    """A tower whose result for a picture is remembered, with what it took; several cases share one tower."""

    tower: Tower
    seen: Seen | None = None
    seconds: float = 0.0
    peak: int = 0

    def __call__(self, patches: Patches, pixels: torch.Tensor, grid: torch.Tensor) -> Seen:
        if self.seen is None:
            start = time.process_time()
            self.seen = self.tower(patches, pixels, grid)
            self.seconds = time.process_time() - start
        return self.seen

    def forget(self) -> None:
        self.seen = None


@dataclass
class Switched:
    """A source of attention for one screen at a time; which model answers can be changed under the grounder."""

    takes_reading: bool
    name: str = "benchmark"
    reading: Reading | None = None
    say: Say | None = None
    seconds: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    """Of the patches, those with attention; a dropped one has none."""
    known: dict[Path, tuple[Reading | None, Say | None]] = field(default_factory=dict)
    model: PointerModel | None = None
    screen: EncodedScreen | None = None

    def look(self, image: Image.Image) -> Look:
        return self._look()

    def look_with(self, image: Image.Image, reading: Reading, say: Say) -> Look:
        self.reading, self.say = reading, say
        return self._look()

    def judge(self, crop: Image.Image, instruction: str) -> float:
        return 0.5

    def _look(self) -> Look:
        return SwitchedLook(self)

    def read(self, observation: Observation, targets: Sequence[Target]) -> None:
        """What is on a screen and what its instructions mean is found once, instead of once for each selection."""
        picture = targets[0].image
        if picture not in self.known:
            observation._look()
            vectors = {} if self.say is None else {t.instruction: self.say([t.instruction]) for t in targets}
            self.known[picture] = self.reading, (lambda words: vectors[words[0]]) if vectors else None
        self.reading, self.say = self.known[picture]

    def use(self, model: PointerModel, screen: EncodedScreen) -> None:
        self.model, self.screen, self.seconds, self.shares = model, screen, [], []


@dataclass
class SwitchedLook:
    source: Switched

    @property
    def region_rank(self) -> Any:
        return self.source.model.region_rank

    @property
    def transform(self) -> Any:
        return self.source.screen.transform

    @property
    def timings_ms(self) -> Mapping[str, float]:
        return self.source.screen.timings_ms

    def attend(self, instruction: str) -> FloatMap:
        vector = self.source.say([instruction]) if self.source.say else None
        start = time.process_time()
        attention = self.source.model.attend(self.source.screen, instruction, vector)
        self.source.seconds.append(time.process_time() - start)
        self.source.shares.append(float((attention > 0).mean()))
        return attention


def cases(only: str | None, ratios: str | None) -> list[list[tuple[str, float]]]:
    """The cases that are asked for, by group."""
    groups = [None] if only is None else [{"whole", *names.split(",")} for names in only.split("/")]
    shares = None if ratios is None else {1.0, *map(float, ratios.split(","))}
    return [
        [(n, k) for n, k in CASES if (names is None or n in names) and (shares is None or k in shares)]
        for names in groups
    ]


def models(directory: Path, wanted: Sequence[tuple[str, float]]) -> dict[tuple[str, float], PointerModel]:
    """One checkpoint, opened in every way; cases whose tower computes the same share its result.

    A choice by the words is left out where no scorer lies beside the checkpoint."""
    checkpoint = load_checkpoint(directory)
    channel = load_channel(directory, checkpoint.model.hidden_size)
    scorer = load_scorer(directory, checkpoint.model.hidden_size)
    made, shared = {}, {}
    for name, keep in wanted:
        strategy = strategy_named(name, keep)
        if strategy.ranking == "instruction" and scorer is None:
            continue
        rule = SelectionRule(keep, gaps=strategy.gaps)
        model = made[name, keep] = PointerModel(checkpoint, None, rule, channel, strategy, scorer)
        kind = type(model.runner.tower).__name__
        if kind in {"WholeTower", "WatchingTower"}:
            shared.setdefault(kind, KeptTower(model.runner.tower))
            model.runner.tower = shared[kind]
    return made


def peak_bytes(work: Callable[[], object]) -> int:
    """The most that tensors made inside took at once."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    events = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    live = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most


def answer_memory(model: PointerModel, image: Image.Image, source: Switched, words: str) -> int:
    """The most that tensors take from a picture to the first answer about it."""

    def answer() -> None:
        model.attend(model.encode(image, source.reading), words, vector)

    vector = source.say([words]) if source.say else None
    tower = model.runner.tower
    if not isinstance(tower, KeptTower):
        return peak_bytes(answer)
    if not tower.peak:
        model.runner.tower = tower.tower
        tower.peak = peak_bytes(lambda: model.runner.view(image, model.processor, {}, source.reading))
        model.runner.tower = tower
    held = tower.seen.sight.merged.nbytes if tower.seen else 0
    return max(tower.peak, held + peak_bytes(answer))


def before(image: Image.Image, other: Image.Image) -> Image.Image:
    """The capture before: a part of another screen where a menu may have been."""
    width, height = MENU
    left, top = (image.width - width) // 2, (image.height - height) // 3
    made = image.copy()
    made.paste(other.resize(image.size).crop((left, top, left + width, top + height)), (left, top))
    return made


@torch.inference_mode()
def measure_screen(
    opened: Mapping[tuple[str, float], PointerModel],
    grounder: Grounder,
    source: Switched,
    image: Image.Image,
    other: Image.Image,
    targets: Sequence[Target],
    memory: bool,
    done: set[tuple[str, float]],
    attention: bool = False,
) -> Iterator[Row]:
    """One row for each case that is not done."""
    if done.issuperset(opened):
        return
    forget_pictures(opened)
    observation = grounder.observe(image)
    whole = opened["whole", 1.0]
    if attention:
        source.read(observation, targets)
    else:
        source.use(whole, whole.encode(image))
        observation.explain(targets[0].instruction)  # reads the screen, and warms up
        forget_pictures(opened)
    for case, model in opened.items():
        if case in done:
            continue
        strategy = STRATEGIES[case[0]]
        if strategy.encoding in {"reuse", "states"}:
            model.encode(before(image, other), source.reading)
        tower = model.runner.tower
        known = isinstance(tower, KeptTower) and tower.seen is not None
        start = time.process_time()
        screen = model.encode(image, source.reading)
        seconds = time.process_time() - start + (tower.seconds if known else 0.0)
        source.use(model, screen)
        answers, attended = [], []
        # The answers of exact ways are those of the whole computation; a test proves it.
        asked = targets[:2] if strategy.exact and case[0] != "whole" else targets
        for target in asked:
            if attention:
                attended.append(best_region_hits(source, target))
                continue
            explained = observation.explain(target.instruction)
            best = explained.grounding.candidates[:1]
            answers.append(bool(best) and target.holds(best[0].point))
            attended.append(target.holds(explained.by_attention()))
        kept, most = getattr(screen, "kept", None), None
        share = 1.0 if kept is None else float(kept.float().mean())
        if strategy.ranking == "instruction":  # chosen anew for each
            share = float(np.mean(source.shares))
        if memory:
            if strategy.encoding in {"reuse", "states"}:
                model.encode(before(image, other), source.reading)
            most = answer_memory(model, image, source, targets[0].instruction)
        yield {
            "select": case[0],
            "keep": case[1],
            "kept": round(share, 4),
            "prefix_tokens": screen.prefix_length,
            "encode_s": round(seconds, 4),
            "phases_ms": {k: round(v, 1) for k, v in screen.timings_ms.items()},
            "tower_s": round(tower.seconds, 4) if isinstance(tower, KeptTower) else None,
            "further_s": round(float(np.mean(source.seconds)), 5),
            "answers": answers,
            "attended": attended,
            "kinds": [t.kind for t in asked],
            "peak_bytes": most,
        }


def best_region_hits(source: Switched, target: Target) -> bool:
    """Whether the best region of the model's own map lies on the target."""
    look = SwitchedLook(source)
    found = find_regions(look.attend(target.instruction), rank=look.region_rank)
    return bool(found) and target.holds(found[0].mapped(look.transform, Space.CAPTURE).point)


def forget_pictures(opened: Mapping[tuple[str, float], PointerModel]) -> None:
    for model in opened.values():
        if isinstance(model.runner.tower, KeptTower):
            model.runner.tower.forget()
            model.runner.tower.peak = 0


def chosen(
    path: Path, screens: int, targets: int, size: tuple[int, int] | None, least: int
) -> list[tuple[Path, list[Target]]]:
    """Evenly spread screens of one size, the most frequent one when None, and the first targets that are on each.

    Screens with fewer targets than ``least`` are left out."""
    groups = [(p, [t for t in ts if t.box is not None][:targets]) for p, ts in by_image(read_targets(path))]
    sizes = {p: Image.open(p).size for p, _ in groups}
    size = size or Counter(sizes.values()).most_common(1)[0][0]
    fitting = [(p, ts) for p, ts in groups if sizes[p] == size and len(ts) >= least]
    picked = np.linspace(0, len(fitting) - 1, min(screens, len(fitting))).round().astype(int)
    return [fitting[i] for i in picked]


def in_turns(groups: Sequence[list[Any]]) -> Iterator[Any]:
    for row in zip_longest(*groups):
        yield from (item for item in row if item is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path, metavar="TARGETS.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl, selection.json, selection.md")
    parser.add_argument("--screens", type=int, default=8, help="of each set")
    parser.add_argument("--targets", type=int, default=8, help="of each screen")
    parser.add_argument("--model", type=Path, help="model folder; the embedded model when left out")
    parser.add_argument("--kept-reading", type=Path, help="folder that keeps what was read on the screens")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))), help="of the screens to take")
    parser.add_argument("--at-least", type=int, default=1, help="targets a screen must have to be taken")
    parser.add_argument("--attention", action="store_true", help="ask the model's attention alone")
    parser.add_argument("--only", help="names of selections, with commas; slashes between groups")
    parser.add_argument("--ratios", help="keep ratios, with commas")
    parser.add_argument("--sum-up", action="store_true", help="measure nothing, sum up the rows that are there")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    if given.sum_up:
        wanted = {case for group in cases(given.only, given.ratios) for case in group}
        rows = [r for r in rows if (r["select"], r["keep"]) in wanted]
    else:
        rows = run(given, file, rows)
    from selection_table import markdown, markdown_together, summed, together

    result, all_sets = summed(rows), together(rows)
    text = f"{markdown(result)}\n{markdown_together(all_sets)}"
    (given.out / "selection.json").write_text(json.dumps({**result, "together": all_sets}, indent=1) + "\n", "utf-8")
    (given.out / "selection.md").write_text(text, encoding="utf-8")
    print(text)


def run(given: argparse.Namespace, file: Path, rows: list[Row]) -> list[Row]:
    """Measures the screens of which there is no row yet."""
    reader: Reader = TextReader(1)
    if given.kept_reading:
        reader = KeptReader(reader, given.kept_reading)
    directory = given.model or embedded_model_dir()
    groups = cases(given.only, given.ratios)
    opened = models(directory, list(dict.fromkeys(case for group in groups for case in group)))
    source = Switched(opened["whole", 1.0].channel is not None)
    parts = (open_matcher(embedded_model_dir()), None, open_controls(embedded_model_dir()))
    grounder = Grounder(source, reader, load_calibration(), None, *parts)
    sets = {
        path.absolute().parent.name: chosen(path, given.screens, given.targets, given.size, given.at_least)
        for path in given.sets
    }
    whole, (shown, _) = opened["whole", 1.0], next(iter(sets.values()))[0]
    whole.encode(load_image(shown))  # warms up
    plan = list(in_turns([[(name, *screen) for screen in screens] for name, screens in sets.items()]))
    for group, (name, path, targets) in ((g, screen) for g in groups for screen in plan):
        asked = {case: opened[case] for case in group if case in opened}
        done = {(r["select"], r["keep"]) for r in rows if r["set"] == name and r["screen"] == path.name}
        others = [p for p, _ in sets[name] if p != path] or [path]
        image, other = load_image(path), load_image(others[0])
        memory = path == sets[name][0][0]
        for found in measure_screen(asked, grounder, source, image, other, targets, memory, done, given.attention):
            row = {"set": name, "screen": path.name, "size": list(image.size), **found}
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
