"""Whole training runs: fine-tuning on captured screens, and reading from nothing on generated ones."""

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
