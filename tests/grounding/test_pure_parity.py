"""Labels, regions, texts and crops of the reference implementations, without any model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from reticle_grounding.geometry import Point, Size
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.regions import Region, find_regions
from reticle_grounding.training.labels import cell_of, soft_cells, touched_cells
from reticle_grounding.training.records import STYLES, with_pointers

FOLDERS = ("pure_gui_actor", "pure_gui_aima", "pure_focusui")
Pure = tuple[str, dict[str, Any], dict[str, np.ndarray]]


@pytest.fixture(scope="module", params=FOLDERS)
def pure(request, golden: Path) -> Pure:
    return opened(golden, request.param)


def opened(golden: Path, name: str) -> Pure:
    if not (golden / name / "cases.json").is_file():
        pytest.skip(f"no {name} in {golden}")
    return name, json.loads((golden / name / "cases.json").read_text()), load_file(golden / name / "cases.safetensors")


def points(regions: list[Region], at: Callable[[Region], Point], columns: int, rows: int) -> list[tuple[float, float]]:
    return [(at(r).x / columns, at(r).y / rows) for r in regions]


def test_parity_of_regions(pure: Pure) -> None:
    name, cases, maps = pure
    rank = "max" if name == "pure_gui_aima" else "mean"
    for title, case in cases["regions"].items():
        columns, rows = case["n_width"], case["n_height"]
        attention = maps[f"regions.{title}.attn"].reshape(rows, columns)
        for variant in case["variants"]:
            options = variant["options"]
            assert set(options) <= {"activation_threshold", "rect_center"}
            found = find_regions(attention, options.get("activation_threshold", 0.3), rank)
            if "error" in variant:
                assert found == [], title
                continue
            at = (lambda r: r.middle) if options.get("rect_center") else (lambda r: r.point)
            np.testing.assert_allclose(points(found, at, columns, rows), variant["centers"], atol=1e-6, err_msg=title)
            np.testing.assert_allclose([getattr(r, rank) for r in found], variant["scores"], atol=1e-6)
            for region, expected in zip(found, variant["patch_points"], strict=True):
                ours = [((c + 0.5) / columns, (r + 0.5) / rows) for r, c in region.patches]
                np.testing.assert_allclose(sorted(ours), sorted(map(tuple, expected)), atol=1e-9)


def test_parity_of_regions_of_two_rows(pure: Pure) -> None:
    """Of two pointers only the first is decoded."""
    name, cases, maps = pure
    case = cases["regions_two_rows"]
    columns, rows = case["n_width"], case["n_height"]
    first = maps["regions_two_rows.attn"][0].reshape(rows, columns)
    found = find_regions(first, rank="max" if name == "pure_gui_aima" else "mean")
    np.testing.assert_allclose(points(found, lambda r: r.point, columns, rows), case["centers"], atol=1e-6)


def test_parity_of_patch_labels(pure: Pure) -> None:
    name, cases, arrays = pure
    for case in cases["bbox_labels"]:
        size, cell = Size(*case["image_size"]), case["patch_size"] * case["merge_size"]
        box, key = tuple(case["bbox"]), f"bbox_labels.{case['id']}"
        if name == "pure_gui_aima":
            check_soft_labels(arrays, key, box, size, cell)
        else:
            np.testing.assert_array_equal(touched_cells([box], size, cell).ravel(), arrays[f"{key}.labels"])


def check_soft_labels(arrays: dict[str, np.ndarray], key: str, box: Any, size: Size, cell: int) -> None:
    both = touched_cells([box, (0.0, 0.0, 0.1, 0.1)], size, cell).ravel()
    np.testing.assert_array_equal(both, arrays[f"{key}.regions"])
    for stored, share in (("patch", "cell"), ("box", "box"), ("iou", "union")):
        for kind in ("gaussian", "overlap"):
            ours = soft_cells(box, size, cell, share, gaussian=kind == "gaussian").ravel()
            np.testing.assert_allclose(ours, arrays[f"{key}.{kind}.{stored}"], atol=1e-6, err_msg=f"{key} {stored}")
    for field in [name for name in arrays if name.startswith(f"{key}.gaussian.patch.alpha")]:
        narrow = soft_cells(box, size, cell, spread=float(field.rpartition("alpha")[2])).ravel()
        np.testing.assert_allclose(narrow, arrays[field], atol=1e-6)


def test_parity_of_points_to_patches(pure: Pure) -> None:
    for case in pure[1]["point_to_patch_index"]:
        size, cell = Size(*case["image_size"]), 2 * case["patch_size"]
        index = cell_of(Point(*case["point"]), size, cell)
        assert index == case["index"]
        columns = size.width // cell
        assert [(index % columns + 0.5) * cell, (index // columns + 0.5) * cell] == case["patch_centre_px"]


def test_parity_of_rewritten_answers(pure: Pure) -> None:
    name, cases, _ = pure
    for case in cases["answer_rewriting"]:
        text, found = with_pointers(case["text"], STYLES[name.removeprefix("pure_")])
        assert text == case["rewritten"]
        np.testing.assert_allclose(found, case["coordinates"], atol=1e-12)


def test_parity_of_the_loss(pure: Pure) -> None:
    _, cases, arrays = pure
    for case in cases.get("multi_patch_loss", []):
        logits, labels, expected = (
            torch.from_numpy(arrays[f"loss.{case['id']}.{f}"]) for f in ("logits", "labels", "attn")
        )
        assert float(pointer_loss(logits, labels)) == pytest.approx(case["loss"], abs=1e-5)
        torch.testing.assert_close(logits.softmax(-1), expected, atol=1e-6, rtol=0)
