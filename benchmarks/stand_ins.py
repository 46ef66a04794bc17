"""Small made-up data in the shape of what training takes, so that `on_gpu.sh --dry` runs on any machine.

    python benchmarks/stand_ins.py FOLDER

Writes ``minilm`` (random weights in the shape of all-MiniLM-L6-v2, with the embedded matcher's tokenizer),
``icons-drawn`` (a library of drawn pictures under names of real icons) and ``screens/made`` (generated screens as a
folder of captured ones). What is trained on them is good for nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random

import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.matcher.sentences import TOKENIZER_FILE, SentenceTower
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.concepts import by_icon
from reticle_grounding.training.harvested import FIELD_ROLES, OTHER_ROLES
from reticle_grounding.training.matcher_train import UNSEEN_SOURCES
from reticle_grounding.training.screens import generate_screen

ICONS, SIDE = 160, 24
SCREENS, SIZE, FIRST_SEED = 40, (1280, 800), 7_000_000
"""As many screens as give the matcher's vectors enough rows for a linear map between two of them."""
ROLES = {known: role for role, known in reversed([*FIELD_ROLES.items(), *OTHER_ROLES.items()])}
"""The generator's name of a role -> one that captured screens use for it."""


def write_tower(folder: Path) -> None:
    """Random weights under the published names, and a tokenizer whose numbers fit them."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    weights = {name: value.contiguous() for name, value in SentenceTower().encoder.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    (folder / "tokenizer.json").write_bytes((embedded_model_dir() / TOKENIZER_FILE).read_bytes())


def write_icons(folder: Path) -> None:
    """One-ink pictures: a few random strokes for each name; every fifth of a source that is held out."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, at = Random(0), 0
    pictures, rows = [], []
    for number, name in enumerate(sorted(by_icon())[:ICONS]):
        image = Image.new("L", (SIDE, SIDE), 0)
        draw = ImageDraw.Draw(image)
        for _ in range(4):
            draw.line([(rng.randrange(SIDE), rng.randrange(SIDE)) for _ in range(3)], fill=255, width=2)
        source = UNSEEN_SOURCES[number % len(UNSEEN_SOURCES)] if number % 5 == 0 else "drawn"
        words = ["stroke"] if number % 2 else []
        row = {"name": name, "source": source, "side": SIDE, "mono": True, "words": words, "at": at}
        pictures.append(image.tobytes())
        rows.append(json.dumps(row) + "\n")
        at += SIDE * SIDE
    (folder / "pictures.bin").write_bytes(b"".join(pictures))
    (folder / "index.jsonl").write_text("".join(rows), encoding="utf-8")


def captured_row(element: Element) -> dict[str, object] | None:
    """A generated element as a captured screen lists it; None for roles that those do not know."""
    if element.role not in ROLES:
        return None
    shown = {"text": True, "icon": False, "field": None}[element.kind]
    row: dict[str, object] = {
        "role": ROLES[element.role],
        "name": element.label,
        "bbox": list(element.box),
        "text_visible": shown,
    }
    return row | ({"description": element.says[0]} if element.says else {})


def write_screens(folder: Path) -> None:
    """Generated screens, each of an application of its own, so that every part of the data gets some."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(SCREENS):
        screen = generate_screen(FIRST_SEED + number, size=SIZE)
        name = f"images/{number:05d}.png"
        screen.image.save(folder / name, compress_level=1)
        elements = [row for row in map(captured_row, screen.elements) if row is not None]
        row = {"image": name, "width": SIZE[0], "height": SIZE[1], "app": f"made-{number:02d}", "elements": elements}
        lines.append(json.dumps(row) + "\n")
    (folder / "screens.jsonl").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    write_tower(folder / "minilm")
    write_icons(folder / "icons-drawn")
    write_screens(folder / "screens" / "made")


if __name__ == "__main__":
    main()
