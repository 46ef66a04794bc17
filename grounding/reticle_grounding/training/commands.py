"""The command line of the training package."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from reticle_grounding.errors import ReticleError

from .device import compare_devices
from .harvested import as_element, harvested_rows, harvested_scenes
from .scenes import SceneFile, stored_scenes, write_scenes
from .targets import write_captured_targets, write_targets
from .tokenizer import interface_corpus, train_tokenizer
from .train import TrainConfig, train
from .validate import validate


def main(arguments: list[str] | None = None) -> int:
    """Runs one sub-command; bad input gives exit code 2 and one line on stderr."""
    chosen = _parser().parse_args(arguments)
    try:
        result = chosen.run(chosen)
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reticle_grounding.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _writers(commands)
    sub = commands.add_parser("tokenizer", help="train the tokenizer")
    sub.add_argument("out", type=Path)
    sub.add_argument("--vocabulary", type=int, default=4096)
    sub.add_argument("--captured", type=Path, action="append", default=[], help="folder with screens.jsonl")
    sub.set_defaults(run=_tokenizer)
    sub = commands.add_parser("train", help="train, or go on with a run")
    sub.add_argument("out", type=Path)
    sub.add_argument("--scenes", type=Path, required=True)
    sub.add_argument("--collages", type=Path)
    sub.add_argument("--captured", type=Path, action="append", default=[])
    sub.add_argument("--tokenizer", type=Path, required=True)
    sub.add_argument("--minutes", type=float, default=60.0)
    sub.add_argument("--start", type=Path, help="checkpoint folder to start from")
    sub.add_argument("--device", default="cpu")
    sub.add_argument("--bf16", action="store_true")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--threads", type=int, default=0)
    sub.add_argument("--workers", type=int, default=1, help="processes that share gradients; start one per rank")
    sub.add_argument("--rank", type=int, default=0)
    sub.set_defaults(run=_train)
    sub = commands.add_parser("validate", help="pointing accuracy of the attention alone")
    sub.add_argument("checkpoint", type=Path)
    sub.add_argument("--scenes", type=Path)
    sub.add_argument("--captured", type=Path, action="append", default=[])
    sub.add_argument("--screens", type=int, default=40)
    sub.set_defaults(run=_validate)
    sub = commands.add_parser("device", help="bfloat16 on a device beside float32 on the processor")
    sub.add_argument("checkpoint", type=Path)
    sub.add_argument("--device", default="cpu")
    sub.set_defaults(run=_device)
    return parser


def _writers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sub = commands.add_parser("targets", help="pictures with targets.jsonl")
    sub.add_argument("out", type=Path)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("-n", type=int, default=100)
    sub.add_argument("--captured", type=Path, action="append", default=[], help="held-out applications of this folder")
    sub.set_defaults(run=_targets)
    sub = commands.add_parser("scenes", help="screens with labels for training")
    sub.add_argument("out", type=Path)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("-n", type=int, default=100)
    sub.add_argument("--collage", action="store_true", help="dense tiles of text and icons")
    sub.set_defaults(run=_scenes)


def _targets(chosen: argparse.Namespace) -> dict[str, object]:
    if chosen.captured:
        held_out = [f for folder in chosen.captured for f in harvested_scenes(folder).validation]
        return {"written": str(write_captured_targets(chosen.out, held_out, chosen.seed, chosen.n))}
    return {"written": str(write_targets(chosen.out, chosen.seed, chosen.n, progress=_progress))}


def _scenes(chosen: argparse.Namespace) -> dict[str, object]:
    path = write_scenes(chosen.out, chosen.seed, chosen.n, collage=chosen.collage, progress=_progress)
    return {"written": str(path)}


def _tokenizer(chosen: argparse.Namespace) -> dict[str, object]:
    rows = [row for folder in chosen.captured for row in harvested_rows(folder)[0]]
    names = [e.label for row in rows for e in map(as_element, row["elements"]) if e is not None]
    tokenizer = train_tokenizer(interface_corpus(0, 20000, names), chosen.vocabulary)
    tokenizer.save(str(chosen.out))
    return {"written": str(chosen.out), "tokens": tokenizer.get_vocab_size()}


def _train(chosen: argparse.Namespace) -> dict[str, object]:
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    config = TrainConfig(
        out=chosen.out,
        scenes=chosen.scenes,
        collages=chosen.collages,
        captured=tuple(chosen.captured),
        tokenizer=chosen.tokenizer,
        minutes=chosen.minutes,
        start=chosen.start,
        device=chosen.device,
        autocast=chosen.bf16,
        seed=chosen.seed,
        workers=chosen.workers,
        rank=chosen.rank,
    )
    return {"checkpoint": str(train(config, _curve))}


def _validate(chosen: argparse.Namespace) -> dict[str, object]:
    files: list[SceneFile] = stored_scenes(chosen.scenes) if chosen.scenes else []
    files += [f for folder in chosen.captured for f in harvested_scenes(folder).validation]
    every = max(1, len(files) // chosen.screens)
    return asdict(validate(chosen.checkpoint, files[::every][: chosen.screens]))


def _device(chosen: argparse.Namespace) -> dict[str, object]:
    return asdict(compare_devices(chosen.checkpoint, chosen.device))


def _curve(step: int, progress: float, values: Mapping[str, float]) -> None:
    shown = " ".join(f"{name} {value:.3f}" for name, value in values.items())
    sys.stderr.write(f"step {step} ({100 * progress:.1f}%) {shown}\n")


def _progress(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"\r{done}/{total}")
        sys.stderr.flush()
