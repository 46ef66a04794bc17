"""A whole training run from nothing: makes its screens once, takes the shipped tokenizer, trains for some minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput

from .scenes import write_scenes
from .train import TrainConfig, train

SEED_STRIDE = 1_000_000
"""Screens and collages of a run come from seed ranges that never meet."""


def train_for(
    out: Path,
    *,
    minutes: float,
    seed: int = 0,
    screens: int = 1500,
    captured: Sequence[Path] = (),
    device: str = "cpu",
    fresh: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | float]:
    """Trains into ``out`` and returns where the checkpoint and the curves lie; a started run goes on.

    Args:
        screens: generated screens to train on; made once, kept in ``out``.
        captured: folders with ``screens.jsonl``, mixed in.
        fresh: start from random weights instead of the embedded checkpoint.
        progress: called with (done, all): screens first, then seconds of training.

    Raises BadInput when a folder cannot be used.
    """
    if screens <= 0:
        raise BadInput(f"training needs screens, not {screens}")
    embedded = embedded_model_dir()
    scenes, collages = out / "scenes", out / "collages"
    try:
        write_scenes(scenes, (2 * seed + 10) * SEED_STRIDE, screens, progress=progress)
        write_scenes(collages, (2 * seed + 11) * SEED_STRIDE, max(1, screens // 5), collage=True, progress=progress)
    except OSError as error:
        raise BadInput(f"cannot write screens to {out}: {error.strerror}") from error
    config = TrainConfig(
        out=out / "run",
        scenes=scenes,
        collages=collages,
        captured=tuple(captured),
        tokenizer=embedded / "tokenizer.json",
        minutes=minutes,
        seed=seed,
        device=device,
        autocast=device != "cpu",
        start=None if fresh else embedded,
    )
    total = round(minutes * 60)
    report = None if progress is None else lambda _step, share, _values: progress(round(share * total), total)
    checkpoint = train(config, report)
    return {"checkpoint": str(checkpoint), "curves": str(config.out / "curves.png"), "minutes": minutes}
