"""Labels, regions, texts and crops of the reference implementations, without any model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from parity_record import near, same
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
                same(f"{name}/regions.{title}", "no region", len(found), 0)
                continue
            at = (lambda r: r.middle) if options.get("rect_center") else (lambda r: r.point)
            case_name = f"{name}/regions.{title}"
            near(case_name, "centers", points(found, at, columns, rows), variant["centers"], 1e-6)
            near(case_name, "scores", [getattr(r, rank) for r in found], variant["scores"], 1e-6)
            for region, expected in zip(found, variant["patch_points"], strict=True):
                ours = [((c + 0.5) / columns, (r + 0.5) / rows) for r, c in region.patches]
                near(case_name, "patch_points", sorted(ours), sorted(map(tuple, expected)), 1e-9)


def test_parity_of_regions_of_two_rows(pure: Pure) -> None:
    """Of two pointers only the first is decoded."""
    name, cases, maps = pure
    case = cases["regions_two_rows"]
    columns, rows = case["n_width"], case["n_height"]
    first = maps["regions_two_rows.attn"][0].reshape(rows, columns)
    found = find_regions(first, rank="max" if name == "pure_gui_aima" else "mean")
    near(f"{name}/regions_two_rows", "centers", points(found, lambda r: r.point, columns, rows), case["centers"], 1e-6)


def test_parity_of_patch_labels(pure: Pure) -> None:
    name, cases, arrays = pure
    for case in cases["bbox_labels"]:
        size, cell = Size(*case["image_size"]), case["patch_size"] * case["merge_size"]
        box, key = tuple(case["bbox"]), f"bbox_labels.{case['id']}"
        if name == "pure_gui_aima":
            check_soft_labels(arrays, key, box, size, cell)
        else:
            same(f"{name}/{key}", "labels", touched_cells([box], size, cell).ravel(), arrays[f"{key}.labels"])


def check_soft_labels(arrays: dict[str, np.ndarray], key: str, box: Any, size: Size, cell: int) -> None:
    both = touched_cells([box, (0.0, 0.0, 0.1, 0.1)], size, cell).ravel()
    at = f"pure_gui_aima/{key}"
    same(at, "regions", both, arrays[f"{key}.regions"])
    for stored, share in (("patch", "cell"), ("box", "box"), ("iou", "union")):
        for kind in ("gaussian", "overlap"):
            ours = soft_cells(box, size, cell, share, gaussian=kind == "gaussian").ravel()
            near(at, f"{kind}.{stored}", ours, arrays[f"{key}.{kind}.{stored}"], 1e-6)
    for field in [name for name in arrays if name.startswith(f"{key}.gaussian.patch.alpha")]:
        narrow = soft_cells(box, size, cell, spread=float(field.rpartition("alpha")[2])).ravel()
        near(at, field.removeprefix(f"{key}."), narrow, arrays[field], 1e-6)


def test_parity_of_points_to_patches(pure: Pure) -> None:
    for number, case in enumerate(pure[1]["point_to_patch_index"]):
        size, cell = Size(*case["image_size"]), 2 * case["patch_size"]
        index = cell_of(Point(*case["point"]), size, cell)
        at, columns = f"{pure[0]}/point_to_patch_index.{number}", size.width // cell
        same(at, "index", index, case["index"])
        centre = [(index % columns + 0.5) * cell, (index // columns + 0.5) * cell]
        same(at, "patch_centre_px", centre, case["patch_centre_px"])


def test_parity_of_rewritten_answers(pure: Pure) -> None:
    name, cases, _ = pure
    for number, case in enumerate(cases["answer_rewriting"]):
        text, found = with_pointers(case["text"], STYLES[name.removeprefix("pure_")])
        same(f"{name}/answer_rewriting.{number}", "rewritten", text, case["rewritten"])
        near(f"{name}/answer_rewriting.{number}", "coordinates", found, case["coordinates"], 1e-12)


def test_parity_of_the_loss(pure: Pure) -> None:
    name, cases, arrays = pure
    for case in cases.get("multi_patch_loss", []):
        logits, labels, expected = (
            torch.from_numpy(arrays[f"loss.{case['id']}.{f}"]) for f in ("logits", "labels", "attn")
        )
        near(f"{name}/loss.{case['id']}", "loss", float(pointer_loss(logits, labels)), case["loss"], 1e-5)
        near(f"{name}/loss.{case['id']}", "attn", logits.softmax(-1), expected, 1e-6)
