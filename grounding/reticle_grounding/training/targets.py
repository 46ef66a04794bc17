"""Writes generated screens as a folder of pictures with a ``targets.jsonl`` beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image

from reticle_grounding.errors import BadInput

from .instructions import Target, targets_of
from .scenes import SceneFile
from .screens import LabeledScreen, Size, generate_screen


def write_targets(
    out_dir: Path,
    seed: int,
    n: int,
    *,
    per_screen: int = 12,
    size: Size | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes ``n`` targets on screens of seeds ``seed``, ``seed + 1``, ...; returns the path of ``targets.jsonl``.

    Every line has id, image, width, height, bbox (or null when absent), instruction, kind, absent, indirect.

    Args:
        per_screen: at most so many targets of one screen.
        progress: called with (targets written, ``n``).

    Raises BadInput when ``n`` is not positive or the folder cannot be written.
    """
    if n <= 0 or per_screen <= 0:
        raise BadInput(f"the number of targets must be positive, not {n}")
    try:
        (out_dir / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write to {out_dir}: {error}") from error
    path, written = out_dir / "targets.jsonl", 0
    with path.open("w", encoding="utf-8") as lines:
        while written < n:
            screen = generate_screen(seed, size=size)
            chosen = _sample(screen, Random(seed), min(per_screen, n - written))
            if chosen:
                name = f"images/{seed:08d}.png"
                screen.image.save(out_dir / name)
                for i, target in enumerate(chosen):
                    lines.write(
                        json.dumps(_row(screen, target, name, f"{seed:08d}-{i:02d}"), ensure_ascii=False) + "\n"
                    )
            seed, written = seed + 1, written + len(chosen)
            if progress:
                progress(written, n)
    return path


def write_captured_targets(out_dir: Path, scenes: list[SceneFile], seed: int, n: int, *, per_screen: int = 12) -> Path:
    """Like :func:`write_targets`, with the elements of captured screens; none is absent, as their lists have gaps."""
    (out_dir / "images").mkdir(parents=True, exist_ok=True)
    path, written = out_dir / "targets.jsonl", 0
    rng = Random(seed)
    with path.open("w", encoding="utf-8") as lines:
        for number, file in enumerate(rng.sample(scenes, len(scenes))):
            scene = file.open()
            found = targets_of(rng, scene.elements, 0)
            screen = LabeledScreen(Image.fromarray(scene.pixels), scene.elements, found, scene.labels)
            chosen = _sample(screen, rng, min(per_screen, n - written))
            if not chosen:
                continue
            name = f"images/{number:05d}.png"
            screen.image.save(out_dir / name)
            for i, target in enumerate(chosen):
                lines.write(json.dumps(_row(screen, target, name, f"{number:05d}-{i:02d}"), ensure_ascii=False) + "\n")
            written += len(chosen)
    return path


def _sample(screen: LabeledScreen, rng: Random, count: int) -> list[Target]:
    """Kinds in even shares as far as the screen has them; about one in eight absent."""
    pools: dict[str, list[Target]] = {}
    for target in rng.sample(screen.targets, len(screen.targets)):
        pools.setdefault("absent" if target.bbox is None else target.kind, []).append(target)
    chosen: list[Target] = []
    while len(chosen) < count and any(pools.values()):
        for name in ("text", "icon", "field", "text", "icon", "field", "absent"):
            if pools.get(name) and len(chosen) < count:
                chosen.append(pools[name].pop())
    return chosen


def _row(screen: LabeledScreen, target: Target, image: str, name: str) -> dict[str, object]:
    return {
        "id": name,
        "image": image,
        "width": screen.image.width,
        "height": screen.image.height,
        "bbox": target.bbox,
        "instruction": target.instruction,
        "kind": target.kind,
        "absent": target.bbox is None,
        "indirect": target.indirect,
    }
