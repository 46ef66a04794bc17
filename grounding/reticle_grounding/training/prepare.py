"""Whole training runs: fine-tuning on captured screens, and reading from nothing on generated ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput

from .scenes import write_scenes
from .train import TrainConfig, train

HEADS = ("verifier", "scorer")
"""Small parts that are trained beside the embedded model."""
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

    With captured screens (and not ``fresh``) what attention makes of what is read on them is trained: reading channel,
    language model and pointer head. Without, the vision tower learns to read on generated screens.

    Args:
        screens: generated screens to train on; made once, kept in ``out``.
        captured: folders with ``screens.jsonl``; a tenth of their applications is never trained on.
        fresh: start from random weights instead of the embedded checkpoint.
        progress: called with (done, all): screens first, then seconds of training.

    Raises BadInput when a folder cannot be used.
    """
    if captured and not fresh:
        return tune(out, captured, minutes=minutes, seed=seed, device=device, progress=progress)
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


def tune(
    out: Path,
    captured: Sequence[Path],
    *,
    minutes: float,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | float]:
    """Fine-tunes the embedded model's pointing on captured screens. Arguments and errors as :func:`train_for`."""
    from .channel_train import ChannelConfig
    from .channel_train import train as train_channel
    from .prepared import prepare_all, screens_of

    embedded, started = embedded_model_dir(), out / "run"
    found = [screen for folder in captured for screen in screens_of(folder)]
    try:
        prepare_all(found, out / "prepared", embedded, embedded, out / "texts", progress=progress)
    except OSError as error:
        raise BadInput(f"cannot write to {out}: {error.strerror}") from error
    config = ChannelConfig(
        out=started,
        prepared=(out / "prepared",),
        start=started if (started / "config.json").is_file() else embedded,
        matcher=embedded,
        parts=("training", "fitting"),
        minutes=minutes,
        device=device,
        bf16=device != "cpu",
        seed=seed,
    )
    total = round(minutes * 60)
    report = None if progress is None else lambda share: progress(round(share * total), total)
    checkpoint = train_channel(config, report)
    return {"checkpoint": str(checkpoint), "curves": str(checkpoint / "curves.csv"), "minutes": minutes}


def train_head(
    head: str,
    out: Path,
    captured: Sequence[Path],
    *,
    steps: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | float]:
    """Trains one of the small heads beside the embedded model, which stays as it is; returns where its weights lie.

    Args:
        head: ``verifier`` (true or false of marked places) or ``scorer`` (which patches matter).
        captured: folders with ``screens.jsonl``; a tenth of their applications is never trained on.
        steps: optimiser steps; None takes the head's own number. A scorer that the model has is trained further, a
            verifier starts anew.
        limit: train on so many of the screens only.
        progress: called with (done, all).

    Raises BadInput for an unknown head or when there is nothing to train on.
    """
    if head not in HEADS:
        raise BadInput(f"the head is called {head!r}; {' or '.join(HEADS)} is expected")
    if not captured:
        raise BadInput(f"the {head} is trained on captured screens; name at least one folder of them")
    if steps is not None and steps < 1:
        raise BadInput(f"the number of steps is {steps}; it must be 1 or more")
    embedded, folders = embedded_model_dir(), tuple(captured)
    try:
        if head == "verifier":
            from .verifier_train import VerifierConfig
            from .verifier_train import train as train_verifier

            chosen = VerifierConfig(out, folders, out / "texts", seed=seed, limit=limit)
            chosen = chosen if steps is None else replace(chosen, steps=steps)
            return {"weights": str(train_verifier(chosen, progress)), "curve": str(out / "verifier-curve.csv")}
        from .prepared import prepare_all, screens_of
        from .scorer_train import ScorerConfig
        from .scorer_train import train as train_scorer

        found = [screen for folder in captured for screen in screens_of(folder) if screen.part != "fitting"]
        prepare_all(found, out / "prepared", embedded, embedded, out / "texts", progress=progress)
        config = ScorerConfig(out, (out / "prepared",), folders, embedded, seed=seed, limit=limit)
        config = config if steps is None else replace(config, steps=steps)
        return {"weights": str(train_scorer(config, progress)), "curve": str(out / "scorer-curve.csv")}
    except OSError as error:
        raise BadInput(f"cannot write to {out}: {error.strerror}") from error
