"""Trains the patch scorer that lies beside a checkpoint with a reading channel, on prepared screens (:mod:`.prepared`).

Everything else stays as it is: the scorer sees the merged patches as the language model does, after the channel, and
the instruction's vector in place of its words. Labels are those of FocusUI (arXiv 2601.03928, section 3.2):
the share of a patch that the target covers, fused with the weight of the patch in the UI graph. Counted in steps on one
thread, so that the same seed gives the same weights.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.images import load_image
from reticle_grounding.matcher.matcher import Matcher, open_matcher
from reticle_grounding.model.channel import load_channel
from reticle_grounding.model.checkpoint import load_model
from reticle_grounding.model.patch_scorer import PatchScorer, load_scorer, save_scorer
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.ui_graph import components, graph_weights
from reticle_grounding.types import FloatMap

from .channel_train import Asked, asked_of
from .crops import CELL
from .optim import Average, rate
from .prepared import Prepared, open_prepared, part_of, screens_of

BOX, GRAPH = 1.0, 0.5
"""Weights of the two parts of a label, as in the published code."""
TEMPERATURE = 0.2
"""Of scores and labels; at the published value of 1 four target patches among a thousand carry less than a hundredth of
the weight."""
WARMUP, AVERAGE, CLIP = 40, 0.998, 1.0
KEEPS = (0.5, 0.3, 0.1)
SHOWN = 640
"""Patches of a screen that a step looks at: those of the targets and others drawn by lot. The scorer compares patches
without regard to where they stand, so a part of a screen is to it a smaller screen, and costs less."""
COVERED = 0.25
"""A patch counts as the target's when the target covers so much of it; of smaller targets the patch it covers most."""


@dataclass(frozen=True, slots=True)
class ScoredScreen:
    """A prepared screen as the scorer needs it."""

    prepared: Prepared
    visual: Tensor
    """[V, d] merged patches after the channel, half precision."""
    graph: FloatMap
    """[V] weights of the UI graph."""


def fused_labels(covered: Tensor, graph: Tensor) -> Tensor:
    """Shares [K, V] that targets cover and graph weights [V] -> labels [K, V] in -1..1, as in the published code."""
    return (BOX * covered + GRAPH * graph).clamp(0, 1) * 2 - 1


def covered_shares(asked: Sequence[Asked], shape: tuple[int, int]) -> Tensor:
    """[K, V] share of each patch that each target covers."""
    rows, columns = shape

    def axis(low: float, high: float, count: int) -> Tensor:
        edges = torch.arange(count) * CELL
        return ((edges + CELL).clamp(max=high) - edges.clamp(min=low)).clamp(min=0) / CELL

    tables = [torch.outer(axis(a.box[1], a.box[3], rows), axis(a.box[0], a.box[2], columns)).flatten() for a in asked]
    return torch.stack(tables) if tables else torch.zeros(0, rows * columns)


def loss_of(scores: Tensor, labels: Tensor) -> Tensor:
    """KL of the softmax of scores [K, V] from that of the labels, both over :data:`TEMPERATURE`; mean over K."""
    target = (labels / TEMPERATURE).softmax(-1)
    return functional.kl_div((scores / TEMPERATURE).log_softmax(-1), target, reduction="batchmean")


def begun(scorer: PatchScorer) -> PatchScorer:
    """The scorer with both sides alike and close to what they are given, so that equal vectors agree from the start.

    The MLP begins as a projection ``P^T P`` onto half of the dimensions, since ``GELU(a) - GELU(-a) = a``; what
    attention adds begins at zero.
    """
    width = scorer.vision_enhancer.layer_norm.normalized_shape[0]
    part = torch.empty(width // 2, width)
    nn.init.orthogonal_(part)
    for enhancer in (scorer.vision_enhancer, scorer.text_enhancer):
        first, last = enhancer.mlp[0], enhancer.mlp[2]
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        first.weight.data.copy_(torch.cat([part, -part]))
        last.weight.data.copy_(torch.cat([part, -part]).T)
        nn.init.zeros_(enhancer.attn.out_proj.weight)
    return scorer


class Scoring(nn.Module):
    """The scorer with what gives it its input."""

    def __init__(self, start: Path, matcher: Matcher) -> None:
        """Raises CheckpointError for a folder without a channel."""
        super().__init__()
        model = load_model(start)
        channel = load_channel(start, model.hidden_size)
        if channel is None:
            raise CheckpointError(f"{start} has no reading channel (channel.safetensors); nothing else is scored here")
        self._channel, self._matcher = channel.eval().requires_grad_(False), matcher
        self.scorer = load_scorer(start, model.hidden_size) or begun(PatchScorer(model.hidden_size))
        self._said: dict[str, Tensor] = {}

    def screen(self, prepared: Prepared, graph: FloatMap) -> ScoredScreen:
        with torch.no_grad():
            visual = self._channel(prepared.merged.float(), prepared.on_patches(CELL))
        return ScoredScreen(prepared, visual.half(), graph)

    def asked(self, instructions: Sequence[str]) -> Tensor:
        """[K, d] what the scorer is given of instructions; every one is turned into a vector once."""
        new = [i for i in dict.fromkeys(instructions) if i not in self._said]
        if new:
            with torch.no_grad():
                vectors = self._channel.asked(torch.from_numpy(self._matcher.say(new)).float())
            self._said |= dict(zip(new, vectors, strict=True))
        return torch.stack([self._said[i] for i in instructions])

    def forward(self, screen: ScoredScreen, instructions: Sequence[str], shown: Tensor | None = None) -> Tensor:
        """[K, V] scores; of the patches ``shown`` (numbers) alone where given."""
        visual = screen.visual if shown is None else screen.visual[shown]
        patches = self.scorer.patches(visual.float())
        words = self.scorer.words(self.asked(instructions)[:, None])[:, 0]
        return words @ patches.T


def recall(scores: Tensor, covered: Tensor, keep: float) -> Tensor:
    """[K] share of each target's patches among the best ``keep`` of all patches by ``scores`` [K, V]."""
    count = max(1, int(scores.shape[1] * keep))
    order = torch.sort(scores, dim=1, descending=True, stable=True).indices
    kept = torch.zeros_like(scores).scatter_(1, order[:, :count], 1.0)
    own = target_patches(covered)
    return (kept * own).sum(1) / own.sum(1)


def shown_patches(rng: Random, covered: Tensor) -> Tensor:
    """Numbers of at most about :data:`SHOWN` patches, all that targets cover by ``covered`` [K, V] among them."""
    own = covered.amax(0) > 0
    others = (~own).nonzero().flatten().tolist()
    drawn = rng.sample(others, min(len(others), max(0, SHOWN - int(own.sum()))))
    return torch.cat([own.nonzero().flatten(), torch.tensor(drawn, dtype=torch.long)])


def target_patches(covered: Tensor) -> Tensor:
    """[K, V] 1 for the patches that count as the target's."""
    return ((covered >= COVERED) | (covered >= covered.amax(1, keepdim=True))).float()


@torch.inference_mode()
def validate(net: Scoring, screens: Sequence[ScoredScreen]) -> dict[str, dict[str, float]]:
    """Mean recall of target patches by what scores them: the scorer, it with the graph, the graph alone, chance."""
    net.eval()
    sums: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for screen in screens:
        asked = asked_of(screen.prepared, Random(screen.prepared.name), 24)
        if not asked:
            continue
        covered = covered_shares(asked, screen.prepared.shape)
        scores, graph = net(screen, [a.instruction for a in asked]), torch.from_numpy(screen.graph)
        dice = torch.rand(scores.shape, generator=torch.Generator().manual_seed(7))
        ways = {"scorer": scores, "scorer and graph": scores + 0.2 * graph, "graph": graph.expand_as(scores)}
        for name, values in {**ways, "chance": dice}.items():
            for keep in KEEPS:
                found = recall(values, covered, keep)
                sums[name][f"{keep}"] += found.tolist()
                sums[name][f"{keep} lost"] += found.eq(0).float().tolist()
    return {name: {k: round(float(np.mean(v)), 4) for k, v in group.items()} for name, group in sums.items()}


@dataclass(frozen=True, slots=True)
class ScorerConfig:
    """One training run; ``out`` holds everything it writes."""

    out: Path
    prepared: tuple[Path, ...]
    """Folders of prepared screens."""
    captured: tuple[Path, ...]
    """Folders of the captured screens they were made of; their pictures give the UI graph."""
    start: Path
    """Folder of the checkpoint, with channel and matcher."""
    parts: tuple[str, ...] = ("training",)
    steps: int = 1500
    """Screens are shown one at a time."""
    instructions: int = 12
    lr: float = 1e-3
    seed: int = 0
    limit: int | None = None
    """Train on so many screens only."""
    measured: int | None = None
    """Measure on so many of the validation screens only."""


def graphs_of(prepared: Sequence[Prepared], captured: Sequence[Path], processor: ImageProcessor) -> list[FloatMap]:
    """[V] graph weights of every screen. Raises BadInput for a screen that the folders do not hold."""
    images = {screen.name: screen.image for folder in captured for screen in screens_of(folder)}
    made = []
    for screen in prepared:
        if screen.name not in images:
            raise BadInput(f"the prepared screen {screen.name} is in none of {', '.join(map(str, captured))}")
        picture = processor(load_image(images[screen.name])).picture
        made.append(graph_weights(components(picture, CELL)).ravel())
    return made


def train(chosen: ScorerConfig, progress: Callable[[int, int], None] | None = None) -> Path:
    """The whole run; returns the file of the weights. Raises BadInput when there is nothing to train on."""
    torch.set_num_threads(1)
    torch.manual_seed(chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    net = Scoring(chosen.start, open_matcher(chosen.start))
    files = [p for folder in chosen.prepared for p in sorted(folder.glob("*.safetensors"))]
    parts = {p: part_of(p) for p in files}
    taken = Random(chosen.seed).sample(files, len(files))
    opened = (open_prepared(p) for p in [p for p in taken if parts[p] in chosen.parts][: chosen.limit])
    training = [s for s in opened if s.elements]
    kept = [p for p in taken if parts[p] == "validation"][: chosen.measured]
    held_out = [open_prepared(p) for p in sorted(kept)]
    if not training:
        where = ", ".join(map(str, chosen.prepared))
        raise BadInput(f"no screens to train on ({', '.join(chosen.parts)}) in {where}")
    processor = ImageProcessor.open(chosen.start)
    graphs = graphs_of([*training, *held_out], chosen.captured, processor)
    screens = [net.screen(s, g) for s, g in zip([*training, *held_out], graphs, strict=True)]
    training_screens, validation = screens[: len(training)], screens[len(training) :]
    _say({"screens": len(training_screens), "validation": len(validation), "begins at": validate(net, validation)})
    learn(net, training_screens, chosen, progress)
    _say({"validation": validate(net, validation)})
    return save_scorer(net.scorer, chosen.out)


def learn(
    net: Scoring,
    screens: Sequence[ScoredScreen],
    chosen: ScorerConfig,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """All steps; leaves the running average of the weights in ``net``."""
    rng = Random(f"scorer {chosen.seed}")
    optimizer = torch.optim.AdamW(net.scorer.parameters(), lr=chosen.lr, betas=(0.9, 0.98), weight_decay=0.02)
    chosen.out.mkdir(parents=True, exist_ok=True)
    average, begun = Average(net.scorer, AVERAGE), time.monotonic()
    net.train()
    for enhancer in (net.scorer.vision_enhancer, net.scorer.text_enhancer):
        enhancer.attn.dropout = 0.0  # dropout of attention takes a path four times as slow
    rows: list[float] = []
    with (chosen.out / "scorer-curve.csv").open("w", newline="", encoding="utf-8") as file:
        curve = csv.writer(file)
        curve.writerow(("step", "seconds", "loss"))
        queue: list[ScoredScreen] = []
        for step in range(chosen.steps):
            queue = queue or rng.sample(screens, len(screens))
            screen = queue.pop()
            asked = asked_of(screen.prepared, rng, chosen.instructions)
            if not asked:
                continue
            for group in optimizer.param_groups:
                group["lr"] = chosen.lr * rate(step, WARMUP, step / chosen.steps)
            covered = covered_shares(asked, screen.prepared.shape)
            shown = shown_patches(rng, covered)
            labels = fused_labels(covered, torch.from_numpy(screen.graph))[:, shown]
            loss = loss_of(net(screen, [a.instruction for a in asked], shown), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.scorer.parameters(), CLIP)
            optimizer.step()
            average.update(net.scorer)
            rows.append(loss.item())
            if len(rows) == 50 or step + 1 == chosen.steps:
                curve.writerow((step + 1, round(time.monotonic() - begun), round(float(np.mean(rows)), 4)))
                file.flush()
                _say({"step": step + 1, "loss": round(float(np.mean(rows)), 4)})
                rows.clear()
            if progress is not None:
                progress(step + 1, chosen.steps)
    average.swap(net.scorer)


def _say(row: Mapping[str, object]) -> None:
    sys.stderr.write(json.dumps(row) + "\n")
    sys.stderr.flush()


def main() -> None:
    """Trains on prepared screens beside a checkpoint with a reading channel."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prepared", type=Path, action="append", required=True)
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    parser.add_argument("--start", type=Path, required=True, help="folder with pointer, channel and matcher")
    parser.add_argument("--part", action="append", default=None, help="screens to train on; training by default")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--instructions", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="train on so many screens only")
    parser.add_argument("--measured", type=int, default=None, help="measure on so many validation screens only")
    chosen = vars(parser.parse_args())
    parts, prepared, captured = (
        tuple(chosen.pop(name) or default)
        for name, default in (("part", ("training",)), ("prepared", ()), ("captured", ()))
    )
    train(ScorerConfig(**chosen, prepared=prepared, captured=captured, parts=parts))


if __name__ == "__main__":
    main()
