"""The UI graph, label fusion and selection of FocusUI without any model."""

import json

import numpy as np
import pytest
import torch
from parity_record import near, same
from PIL import Image
from safetensors.torch import load_file

from reticle_grounding.geometry import Size
from reticle_grounding.model.patch_scorer import scorer_loss
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.selection import pos_pad, published_choice, published_count
from reticle_grounding.model.ui_graph import components, graph_weights
from reticle_grounding.training.labels import CODE_FUSION, PAPER_FUSION, box_shares, scorer_labels


@pytest.fixture(scope="module")
def pure(golden):
    inputs = golden / "pure_focusui"
    if not (inputs / "cases.json").is_file():
        pytest.skip(f"no pure_focusui in {golden}")
    return inputs, json.loads((inputs / "cases.json").read_text()), load_file(inputs / "cases.safetensors")


def resized(path, patch):
    """The picture as the model gets it."""
    picture = Image.open(path).convert("RGB")
    return ImageProcessor(patch=patch, min_pixels=4 * patch * patch)(picture).picture


def close(tensors, key, ours, tolerance=1e-6):
    case, _, quantity = key.partition(".")
    named, _, rest = quantity.partition(".")
    near(f"pure_focusui/{case}.{named}", rest or "scores", np.ravel(ours), tensors[key], tolerance)


def test_parity_of_the_graph(pure):
    inputs, cases, tensors = pure
    for case in cases["ui_graph"]:
        patch = case.get("patch_size", 14)
        pixels, name = resized(inputs / case["image"], patch), case["name"]
        for threshold in case["thresholds"]:
            labels, at = components(pixels, 2 * patch, threshold), f"pure_focusui/ui_graph.{name}"
            same(at, "merged_grid", list(labels.shape), case["merged_grid"])
            if f"ui_graph.{name}.clusters.{threshold}" in tensors:
                same(at, f"clusters.{threshold}", labels.ravel(), tensors[f"ui_graph.{name}.clusters.{threshold}"])
            for mode in case["modes"]:
                weights = graph_weights(labels, mode)
                close(tensors, f"ui_graph.{name}.{mode}.{threshold}.merged", weights)
                close(tensors, f"ui_graph.{name}.{mode}.{threshold}.unmerged", np.repeat(weights.ravel(), 4))


def check_labels(tensors, key, pixels, patch, box):
    height, width = pixels.shape[:2]
    graph = graph_weights(components(pixels, 2 * patch))
    shares = box_shares(box, Size(width, height), patch)
    close(tensors, f"{key}.patch_score_bbox", shares)
    close(tensors, f"{key}.patch_score_uigraph", np.repeat(graph.ravel(), 4))
    merged, raw = scorer_labels(shares, graph, CODE_FUSION)
    close(tensors, f"{key}.patch_scores_label", merged)
    close(tensors, f"{key}.patch_scores_label_unmerged", raw)


def test_parity_of_training_labels(pure):
    inputs, cases, tensors = pure
    for case in cases["ui_graph"]:
        for title, box in case["training_boxes"].items():
            patch = case.get("patch_size", 14)
            pixels = resized(inputs / case["image"], patch)
            check_labels(tensors, f"training_labels.{case['name']}.{title}", pixels, patch, tuple(box))
    for case in cases["training_labels_extra"]:
        pixels = resized(inputs / case["image"], case["patch_size"])
        check_labels(tensors, f"training_labels.{case['name']}", pixels, case["patch_size"], tuple(case["bbox"]))


def test_parity_of_box_scores(pure):
    _, cases, tensors = pure
    for case in cases["bbox_scores"]:
        ours = box_shares(tuple(case["bbox"]), Size(*case["image_size"]), case["patch_size"])
        close(tensors, f"bbox_scores.{case['id']}", ours)


def test_parity_of_sizes(pure):
    for number, case in enumerate(pure[1]["smart_resize"]):
        patch = case["factor"] // 2
        processor = ImageProcessor(patch=patch, min_pixels=case["min_pixels"], max_pixels=case["max_pixels"])
        size = processor.target_size(Size(case["width"], case["height"]))
        same(f"pure_focusui/smart_resize.{number}", "result", [size.height, size.width], case["result"])


def test_parity_of_the_scorer_loss(pure):
    _, cases, tensors = pure
    for case in cases["scorer_loss"]:
        scores, labels = (tensors[f"scorer_loss.{case['id']}.{field}"][0] for field in ("scores", "labels"))
        near(f"pure_focusui/scorer_loss.{case['id']}", "loss", float(scorer_loss(scores, labels)), case["loss"], 1e-5)


def test_parity_of_selection(pure):
    _, cases, tensors = pure
    for case in cases["selection"]:

        def stored(field, key=f"selection.{case['id']}"):
            return tensors[f"{key}.{field}"]

        ids, scores = stored("input_ids"), stored("scores")[0]
        count = published_count(case["n_visual"], case["visual_reduct_ratio"])
        at = f"pure_focusui/selection.{case['id']}"
        same(at, "n_keep", count, case["n_keep"])
        kept = published_choice(scores, count, ids[0])
        rebuilt = pos_pad(ids[0], kept, case["image_token_id"])
        same(at, "image_keep_mask", kept, stored("out.image_keep_mask"))
        same(at, "input_ids", rebuilt.ids(ids, case["drop_token_id"]), stored("out.input_ids"))
        same(at, "position_ids", rebuilt.positions(stored("position_ids")), stored("out.position_ids"))
        survives = torch.zeros_like(ids, dtype=torch.bool)
        survives[0, rebuilt.source] = True
        same(at, "token_keep_mask", survives, stored("out.token_keep_mask"))
        same(at, "labels", rebuilt.labels(ids), stored("out.labels"))
        share = int((~rebuilt.marker).sum()) / ids.numel()
        near(at, "actual_token_percentage", share, case["actual_token_percentage"], 1e-6)


def test_both_fusions_on_uniform_patches():
    """Twelve patches of uniform grey with a box across the middle."""
    greys = np.array([[255] * 4, [255, 40, 47, 255], [250, 40, 200, 90]], np.uint8)
    pixels = np.repeat(np.repeat(greys, 28, 0), 28, 1)[..., None].repeat(3, -1)
    graph = graph_weights(components(pixels, 28))
    np.testing.assert_allclose(np.unique(graph), [0.480898, 0.721348, 1.0], atol=1e-6)
    shares = box_shares((35, 30, 75, 60), Size(112, 84), 14)
    code, _ = scorer_labels(shares, graph, CODE_FUSION)
    paper, _ = scorer_labels(shares, graph, PAPER_FUSION)
    np.testing.assert_allclose(code[1], [-0.519102, 0.824960, 0.692306, -0.519102], atol=1e-6)
    np.testing.assert_allclose(code[2], [-0.519102, -0.064367, 0.193878, 0], atol=1e-6)
    np.testing.assert_allclose(paper[1], [0.096180, 0.701412, 0.648351, 0.096180], atol=1e-6)
    coarse = components(np.repeat(np.repeat(greys, 32, 0), 32, 1)[..., None].repeat(3, -1), 32)
    assert coarse[1, 1] != coarse[1, 2], "the limit is not rescaled for larger patches"
