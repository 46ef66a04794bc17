"""The same numbers as the reference implementation on its own inputs and weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.prompts import judge_prompt
from reticle_grounding.regions import find_regions

FOLDERS = ("gui_actor_qwen2vl", "gui_actor_qwen25vl")


@dataclass
class Folder:
    inputs: Path
    model: PointerModel
    cases: dict
    tensors: dict[str, torch.Tensor]

    def tensor(self, case: str, field: str) -> torch.Tensor:
        return self.tensors[f"{case}.{field}"]

    def image(self, case: str) -> Image.Image:
        return Image.open(self.inputs / self.cases[case]["image"]).convert("RGB")

    def close(self, case: str, field: str, ours: torch.Tensor, tolerance: float) -> None:
        torch.testing.assert_close(ours, self.tensor(case, field), atol=tolerance, rtol=0, msg=lambda m: f"{case}: {m}")


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, golden, golden_weights) -> Folder:
    if not (golden / request.param / "cases.json").is_file():
        pytest.skip(f"no {request.param} in {golden}")
    inputs = golden / request.param
    cases = json.loads((inputs / "cases.json").read_text())["cases"]
    cases = {name: case for name, case in cases.items() if "image" in case}
    return Folder(
        inputs, PointerModel.open(golden_weights / request.param), cases, load_file(inputs / "cases.safetensors")
    )


def single(folder: Folder) -> list[str]:
    """Cases whose prompt is the usual one with one pointer."""
    names = [name for name, case in folder.cases.items() if case["n_pointers"] == 1]
    assert names
    return names


def test_parity_of_prompt_and_tokens(folder):
    for name in single(folder):
        prompt = folder.model.profile.prompt(folder.cases[name]["instruction"])
        assert prompt.text == folder.cases[name]["prompt"]
        ids = folder.model.tokenizer.encode(prompt, folder.cases[name]["n_visual"])
        assert ids == folder.tensor(name, "input_ids")[0].tolist()


def test_parity_of_pixels(folder):
    for name in folder.cases:
        patches = folder.model.processor(folder.image(name))
        assert list(patches.grid) == folder.tensor(name, "image_grid_thw")[0].tolist()
        folder.close(name, "pixel_values", torch.from_numpy(patches.pixels), 1e-6)


@torch.inference_mode()
def test_parity_of_every_stage(folder):
    module = folder.model.module
    for name in folder.cases:
        ids, grid = folder.tensor(name, "input_ids"), folder.tensor(name, "image_grid_thw")
        visual = module.vision(folder.tensor(name, "pixel_values"), grid)
        folder.close(name, "vision_embeds", visual, 1e-5)
        positions = module.positions(ids, grid)
        assert torch.equal(positions, folder.tensor(name, "position_ids"))
        embeds = module.embed(ids, visual)
        folder.close(name, "hidden_visual_in", embeds[ids == module.image_token_id], 1e-5)
        states = module.decode(embeds, positions)
        folder.close(name, "hidden_visual_last", states[ids == module.image_token_id], 1e-4)
        queries = module.pointer_queries(ids, states)
        folder.close(name, "hidden_pointer_last", queries, 1e-4)
        folder.close(name, "lm_logits_last", module.language_logits(states[0, -1]), 1e-4)
        logits = module.head(queries, visual)
        folder.close(name, "head_logits", logits, 1e-4)
        folder.close(name, "head_attn", logits.softmax(-1), 1e-5)


@torch.inference_mode()
def test_parity_of_the_pointer_loss(folder):
    for name, case in folder.cases.items():
        loss = pointer_loss(folder.tensor(name, "train.head_logits"), folder.tensor(name, "train.multi_patch_labels"))
        assert float(loss) == pytest.approx(case["train"]["loss"]["pointer_loss"], abs=1e-5)


@torch.inference_mode()
def test_parity_of_a_padded_batch(folder):
    """Two screenshots of different length in one batch, as the trainer feeds them."""
    if "batch.input_ids" not in folder.tensors:
        pytest.skip("this set has no batch")
    batch = json.loads((folder.inputs / "cases.json").read_text())
    members = (batch.get("batch") or batch["cases"]["batch"])["members"]
    module = folder.model.module
    ids, mask = folder.tensors["batch.input_ids"], folder.tensors["batch.attention_mask"]
    grid = torch.cat([folder.tensor(name, "image_grid_thw") for name in members])
    pixels = torch.cat([folder.tensor(name, "pixel_values") for name in members])
    visual = module.vision(pixels, grid)
    states = module.decode(module.embed(ids, visual), module.positions(ids, grid, mask), mask)
    parts = visual.split([folder.cases[name]["n_visual"] for name in members])
    for row, part in enumerate(parts):
        attention = module.head(states[row][ids[row] == module.pointer_pad_id], part).softmax(-1)
        torch.testing.assert_close(attention, folder.tensors[f"batch.head_attn.{row}"], atol=1e-5, rtol=0)


def test_parity_from_picture_to_regions(folder):
    for name in single(folder):
        case = folder.cases[name]
        attention = folder.model.attend(folder.model.encode(folder.image(name)), case["instruction"])
        assert attention.shape == (case["n_height"], case["n_width"])
        folder.close(name, "head_attn", torch.from_numpy(attention).view(1, -1), 1e-5)
        found = find_regions(attention)[: case["topk"]]
        points = [(r.point.x / case["n_width"], r.point.y / case["n_height"]) for r in found]
        np.testing.assert_allclose(points, case["topk_points"], atol=1e-5)
        np.testing.assert_allclose([r.mean for r in found], case["topk_values"], atol=1e-5)


def test_parity_of_regions_with_several_pointers(folder):
    """Only the first pointer's map is decoded."""
    for name, case in folder.cases.items():
        first = folder.tensor(name, "head_attn")[0].view(case["n_height"], case["n_width"]).numpy()
        found = find_regions(first)[: case["topk"]]
        points = [(r.point.x / case["n_width"], r.point.y / case["n_height"]) for r in found]
        np.testing.assert_allclose(points, case["topk_points"], atol=1e-6)
        np.testing.assert_allclose([r.mean for r in found], case["topk_values"], atol=1e-6)


@torch.inference_mode()
def test_parity_of_the_judge(golden, golden_weights):
    inputs = golden / "verifier"
    if not (inputs / "cases.json").is_file():
        pytest.skip(f"no verifier cases in {golden}")
    model = PointerModel.open(golden_weights / "gui_actor_qwen2vl")
    tensors = load_file(inputs / "cases.safetensors")
    for case in json.loads((inputs / "cases.json").read_text())["end_to_end"]:
        key = f"e2e.{case['id']}"
        prompt = judge_prompt(case["instruction"])
        assert prompt.text == case["prompt"]
        grid = tensors[f"{key}.image_grid_thw"]
        ids = model.tokenizer.encode(prompt, int(grid.prod()) // 4)
        assert ids == tensors[f"{key}.input_ids"][0].tolist()
        assert (model.tokenizer.first_id("True"), model.tokenizer.first_id("False")) == (
            case["true_id"],
            case["false_id"],
        )
        crop = restored(tensors[f"{key}.pixel_values"], grid[0].tolist(), model.processor)
        assert model.judge(crop, case["instruction"]) == pytest.approx(case["score"], abs=1e-5)


def restored(pixels: torch.Tensor, grid: list[int], processor) -> Image.Image:
    """The resized picture that these patches were cut from."""
    _, rows, columns = grid
    cells = pixels.view(rows // 2, columns // 2, 2, 2, 3, 2, 14, 14)[:, :, :, :, :, 0]
    picture = cells.permute(0, 2, 5, 1, 3, 6, 4).reshape(rows * 14, columns * 14, 3).double().numpy()
    values = (picture * processor.std + processor.mean) / processor.rescale
    return Image.fromarray(np.rint(values).astype(np.uint8))
