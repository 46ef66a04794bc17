"""Trains the embedded checkpoint: resumable, with loss curves; on CPU or one CUDA device."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import distributed

from reticle_grounding.assets import EMBEDDED_NAME
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size
from reticle_grounding.model.checkpoint import load_model, save_checkpoint

from .build import ModelSize, new_model, processor
from .curves import draw_curves
from .feed import Bucket, Feed, Stage
from .harvested import harvested_scenes
from .optim import Average, optimizers, rate
from .scenes import SceneFile, stored_scenes
from .trainer import Step, Weights

SMALL, MEDIUM, LARGE = Size(224, 224), Size(448, 448), Size(896, 560)
STAGES = (
    Stage(0.18, (Bucket(1.0, 8, 0, SMALL),), ()),
    Stage(
        0.62,
        (Bucket(0.55, 8, 0, SMALL), Bucket(0.3, 8, 5, SMALL), Bucket(0.15, 2, 14, MEDIUM)),
        (("generated", 0.5), ("captured", 0.5)),
    ),
    Stage(
        0.8,
        (Bucket(0.25, 8, 0, SMALL), Bucket(0.35, 8, 6, SMALL), Bucket(0.3, 2, 16, MEDIUM), Bucket(0.1, 1, 24, LARGE)),
        (("collage", 0.1), ("generated", 0.45), ("captured", 0.45)),
    ),
    Stage(
        1.0,
        (
            Bucket(0.1, 8, 0, SMALL),
            Bucket(0.2, 8, 6, SMALL),
            Bucket(0.3, 2, 16, MEDIUM),
            Bucket(0.1, 1, 24, LARGE),
            Bucket(0.3, 1, 32, None),
        ),
        (("generated", 0.5), ("captured", 0.5)),
    ),
)
"""Reading first, then pointing on parts of screens, then larger parts and whole screens."""
PROFILE = "embedded"
Progress = Callable[[int, float, Mapping[str, float]], None]


@dataclass(frozen=True)
class TrainConfig:
    """One training run; ``out`` holds everything it writes and lets a later run go on."""

    out: Path
    scenes: Path
    """Folder of stored generated screens."""
    collages: Path | None = None
    """Folder of stored collages."""
    captured: tuple[Path, ...] = ()
    """Folders of captured screens; a tenth of their applications is never trained on."""
    tokenizer: Path = Path("tokenizer.json")
    minutes: float = 60.0
    """Time for the whole schedule, over all resumed parts; 0 means ``steps`` decides."""
    steps: int = 0
    size: ModelSize = field(default_factory=ModelSize)
    stages: tuple[Stage, ...] = STAGES
    weights: Weights = field(default_factory=Weights)
    lr: float = 2e-3
    matrix_lr: float = 7e-3
    warmup: int = 50
    clip: float = 1.0
    average: float = 0.998
    seed: int = 0
    device: str = "cpu"
    autocast: bool = False
    """bfloat16 arithmetic where the device is fast at it."""
    start: Path | None = None
    """A checkpoint folder to start from when ``out`` holds no state."""
    save_minutes: float = 4.0
    log_every: int = 20
    workers: int = 1
    """Processes that train together, each on one core; they share gradients every step."""
    rank: int = 0


class Run:
    """A training run in memory."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        if config.workers > 1:
            address = f"file://{(config.out / 'meeting').resolve()}"
            distributed.init_process_group("gloo", address, rank=config.rank, world_size=config.workers)
        config.out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = Tokenizer.from_file(str(config.tokenizer))
        torch.manual_seed(config.seed)
        model = load_model(config.start) if config.start else new_model(config.size, self.tokenizer, config.seed)
        self.step = Step(model, self.tokenizer, PROFILE, config.weights).to(config.device)
        self.optimizers = optimizers([self.step], config.lr, config.matrix_lr)
        self.average = Average(self.step, config.average)
        self.done, self.seconds = 0, 0.0
        self._sums: defaultdict[str, list[float]] = defaultdict(list)
        if self.state_file.is_file():
            self._resume()

    @property
    def state_file(self) -> Path:
        return self.config.out / "state.pt"

    @property
    def progress(self) -> float:
        """Share of the schedule that is over."""
        if self.config.minutes:
            return self.seconds / 60 / self.config.minutes
        return self.done / self.config.steps

    def _resume(self) -> None:
        state = torch.load(self.state_file, map_location=self.config.device, weights_only=True)
        self.step.load_state_dict(state["step"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.average.shadow, self.average.updates = state["average"], int(state["updates"])
        self.done, self.seconds = int(state["done"]), float(state["seconds"])

    def save(self) -> None:
        """State for resuming, and the averaged weights as a checkpoint folder."""
        if self.config.rank:
            return
        state = {
            "step": self.step.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "average": self.average.shadow,
            "updates": self.average.updates,
            "done": self.done,
            "seconds": self.seconds,
        }
        partial = self.state_file.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.state_file)
        self.average.swap(self.step)
        save_checkpoint(
            self.step.model,
            self.tokenizer,
            self.config.out / "checkpoint",
            name=EMBEDDED_NAME,
            prompt=PROFILE,
            processor=processor(),
        )
        self.average.swap(self.step)

    def learn(self, batch: object) -> Mapping[str, float]:
        """One optimiser step."""
        factor = rate(self.done, self.config.warmup, self.progress)
        with torch.autocast(self.config.device.split(":")[0], torch.bfloat16, enabled=self.config.autocast):
            loss, log = self.step(batch)
        loss.backward()
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.step.parameters(), self.config.clip)
        for optimizer, base in zip(self.optimizers, (self.config.lr, self.config.matrix_lr), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = base * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.update(self.step)
        self.done += 1
        return dict(log)

    def _share_gradients(self) -> None:
        """Averages gradients (and the clock, so that all stop together) over the worker processes."""
        if self.config.workers < 2:
            return
        parameters = [p for p in self.step.parameters() if p.requires_grad]
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([torch.tensor([self.seconds]), *(g.flatten() for g in grads)])
        distributed.all_reduce(flat)
        flat /= self.config.workers
        self.seconds = float(flat[0])
        parts = torch.split(flat[1:], [p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def log(self, values: Mapping[str, float], progress: Progress | None) -> None:
        """Averages over ``log_every`` steps go to ``curves.csv``."""
        for name, value in values.items():
            if value == value:
                self._sums[name].append(value)
        if self.done % self.config.log_every == 0:
            self.flush(progress)

    def flush(self, progress: Progress | None) -> None:
        """Writes the means since the last time."""
        if self.config.rank or not self._sums:
            return
        means = {name: sum(v) / len(v) for name, v in self._sums.items()}
        self._sums.clear()
        append_row(self.config.out / "curves.csv", {"step": self.done, "seconds": round(self.seconds), **means})
        if progress:
            progress(self.done, self.progress, means)


COLUMNS = ("step", "seconds", "loss", "reading", "characters", "icons", "pointer", "hit", "asked", "shown")


def append_row(path: Path, row: Mapping[str, float]) -> None:
    """Adds a line to the table of curves, with a header when it is new."""
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})


def _sources(config: TrainConfig) -> dict[str, list[SceneFile]]:
    return {
        "generated": stored_scenes(config.scenes),
        "collage": stored_scenes(config.collages) if config.collages else [],
        "captured": [f for folder in config.captured for f in harvested_scenes(folder).training],
    }


def train(config: TrainConfig, progress: Progress | None = None) -> Path:
    """Runs (or goes on with) a training run and returns the folder of its checkpoint.

    Raises BadInput when neither minutes nor steps are given or there are no screens.
    """
    if config.minutes <= 0 and config.steps <= 0:
        raise BadInput("give the run some minutes or steps")
    run = Run(config)
    last_save, before = time.monotonic(), time.monotonic()
    feed = Feed(_sources(config), config.stages, processor(), config.seed + run.done, rank=config.rank)
    feed.progress = run.progress
    with feed:
        for batch in feed:
            values = run.learn(batch)
            over = run.progress >= 1  # before the clocks of the workers part again, so that all stop together
            now = time.monotonic()
            run.seconds, before = run.seconds + now - before, now
            feed.progress = run.progress
            run.log(values, progress)
            if over:
                break
            if now - last_save > config.save_minutes * 60:
                run.save()
                last_save = now
    run.flush(progress)
    run.save()
    draw_curves(config.out / "curves.csv", config.out / "curves.png")
    return config.out / "checkpoint"
