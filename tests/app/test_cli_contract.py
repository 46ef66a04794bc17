"""What commands print with `--json`, on usual and on odd input; with the embedded model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import save_file

from reticle_app.cli.main import run_command
from reticle_grounding.assets import embedded_model_dir


@pytest.fixture
def document(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs a command that must succeed and returns the one JSON document it printed."""

    def run(*args: object) -> dict[str, Any]:
        code = run_command([*map(str, args), "--json"])
        out, err = capfd.readouterr()
        assert code == 0, err
        parsed = json.loads(out)
        assert isinstance(parsed, dict)
        return parsed

    return run


def dialog() -> Image.Image:
    image = Image.new("RGB", (420, 260), "#ececec")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    for text, left in (("Cancel", 150), ("Save", 290)):
        draw.rounded_rectangle((left, 200, left + 110, 236), 5, fill="#fafafa", outline="#909090")
        draw.text((left + 55, 218), text, fill="#202020", font=font, anchor="mm")
    draw.text((24, 30), "Do you want to keep your changes?", fill="#202020", font=font)
    return image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "dialog.png"
    dialog().save(path)
    return path


def test_ground_prints_the_promised_document(document, picture: Path, tmp_path: Path) -> None:
    saved = tmp_path / "marked.png"
    shown = document("ground", picture, "the Save button", "--top-k", "3", "--save", saved)
    assert shown["found"] is True
    assert shown["image"] == {"width": 420, "height": 260}
    assert shown["timings_ms"]["total"] > 0
    assert shown["model"]
    assert 1 <= len(shown["candidates"]) <= 3
    for rank, candidate in enumerate(shown["candidates"], 1):
        assert candidate["rank"] == rank
        (x, y), (left, top, right, bottom) = candidate["point"], candidate["region"]
        assert left <= x <= right
        assert top <= y <= bottom
        assert 0 <= candidate["p_true"] <= 1
        assert candidate["origin"] in {"attention", "text", "element"}
        assert "attention" in candidate
    x, y = shown["candidates"][0]["point"]
    assert 290 <= x < 400
    assert 200 <= y < 236
    with Image.open(saved) as marked:
        assert marked.size == (420, 260)
        assert np.any(np.asarray(marked.convert("RGB")) != np.asarray(dialog()))


def test_what_is_not_there_is_not_found(document, picture: Path) -> None:
    assert document("ground", picture, "the wireless printer settings")["found"] is False


ODD: dict[str, Callable[[Path], Path]] = {}


def odd(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    ODD[write.__name__] = write
    return write


@odd
def one_pixel(folder: Path) -> Path:
    Image.new("RGB", (1, 1), "red").save(folder / "a.png")
    return folder / "a.png"


@odd
def wide(folder: Path) -> Path:
    Image.new("RGB", (4_000, 80), "white").save(folder / "a.png")
    return folder / "a.png"


@odd
def as_wide_as_may_be(folder: Path) -> Path:
    Image.new("RGB", (20_000, 120), "white").save(folder / "a.png")
    return folder / "a.png"


@odd
def cmyk(folder: Path) -> Path:
    dialog().convert("CMYK").save(folder / "a.jpg")
    return folder / "a.jpg"


@odd
def sixteen_bit(folder: Path) -> Path:
    grey = np.asarray(dialog().convert("L"), dtype=np.uint16) * 257
    Image.fromarray(grey).save(folder / "a.png")
    return folder / "a.png"


@odd
def see_through(folder: Path) -> Path:
    image = dialog().convert("RGBA")
    image.putalpha(128)
    image.save(folder / "a.png")
    return folder / "a.png"


@odd
def animated(folder: Path) -> Path:
    dialog().save(folder / "a.gif", save_all=True, append_images=[Image.new("RGB", (420, 260))])
    return folder / "a.gif"


LONG = {"as_wide_as_may_be"}
"""Read in many pieces, which takes half a minute."""


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in LONG)) for kind in ODD])
def test_odd_pictures_are_grounded(document, tmp_path: Path, kind: str) -> None:
    path = ODD[kind](tmp_path)
    with Image.open(path) as opened:
        size = {"width": opened.width, "height": opened.height}
    assert document("ground", path, "Save")["image"] == size


def test_eval_prints_the_promised_document(document, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    shutil.copy(picture, tmp_path / "images" / "dialog.png")
    rows = [("Save", [290, 200, 400, 236], "text"), ("Cancel", [150, 200, 260, 236], "text"), ("Print", None, "icon")]
    common = {"image": "dialog.png", "width": 420, "height": 260}
    lines = [
        json.dumps({"id": str(i), **common, "bbox": box, "instruction": words, "kind": kind, "absent": box is None})
        for i, (words, box, kind) in enumerate(rows)
    ]
    (tmp_path / "targets.jsonl").write_text("\n".join(lines) + "\n")
    shown = document("eval", tmp_path / "targets.jsonl")
    assert shown["n"] == 3
    assert shown["absent"] == 1
    assert shown["accuracy"] == 1.0
    assert shown["hit_at_3"] == 1.0
    assert shown["by_kind"]["text"]["n"] == 2
    assert shown["absent_rejection"] == 1.0
    assert {"attention_only_accuracy", "found_rate", "ms_p50"} <= shown.keys()
    assert document("eval", tmp_path / "targets.jsonl", "--limit", "1")["n"] == 1


@pytest.mark.parametrize("damage", ["missing", "misshaped", "not_finite"])
def test_a_broken_checkpoint_is_one_line_that_names_the_tensor(
    capfd: pytest.CaptureFixture[str], picture: Path, tmp_path: Path, damage: str
) -> None:
    broken = tmp_path / "model"
    shutil.copytree(embedded_model_dir(), broken)
    name = "multi_patch_pointer_head.projection_enc.0.bias"
    for path in broken.glob("*.safetensors"):
        path.chmod(0o600)
    stored = broken / "model.safetensors"
    tensors = _read(stored)
    if damage == "missing":
        del tensors[name]
    elif damage == "misshaped":
        tensors[name] = tensors[name][:-1].copy()
    else:
        tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, stored)
    assert run_command(["ground", str(picture), "Save", "--model", str(broken)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert name in err


def _read(path: Path) -> dict[str, np.ndarray]:
    """All tensors as float32; numpy has no bfloat16, so torch reads them."""
    from safetensors.torch import load_file as load_torch

    return {key: tensor.float().numpy() for key, tensor in load_torch(path).items()}
