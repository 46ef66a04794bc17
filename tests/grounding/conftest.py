"""Tiny random models, in memory or as folders in the published layout, and folders of reference numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from parity_record import near, same
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from tiny_models import tiny_backbone, tiny_tokenizer
from tokenizers import Tokenizer

from reticle_grounding.model.checkpoint import save_checkpoint
from reticle_grounding.model.families import PointerModelModule, Sight, build_model, config_from
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.prompts import DROPPED
from reticle_grounding.model.screens import View

FAMILIES = ("qwen2_vl", "qwen2_5_vl")


def tiny_config(family: str, tokenizer: Tokenizer) -> dict[str, object]:
    """``family`` is a model type, with ``focusui:`` or ``gui_aima:`` before it for those families."""
    method, _, model_type = family.rpartition(":")
    config = tiny_backbone(model_type, tokenizer)
    if method == "focusui":
        config["image_drop_end_token_id"] = tokenizer.token_to_id(DROPPED)
    if method == "gui_aima":
        config |= {"query_topk": 1, "kl_query_weighting": False}
    return config


@pytest.fixture(scope="session")
def tiny_model() -> Callable[[str], PointerModelModule]:
    """``tiny_model(family)``: reproducible random weights, large enough to give uneven maps."""

    def make(family: str) -> PointerModelModule:
        torch.manual_seed(5)
        model = build_model(config_from(tiny_config(family, tiny_tokenizer())))
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def tiny_folder(
    tiny_model: Callable[[str], PointerModelModule], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """``tiny_folder(family)``: the tiny model as a folder; shared by all tests, so copy it before changing it."""
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family.replace(":", "-")) / "model"
            patch = 16 if family.endswith("qwen3_vl") else 14
            save_checkpoint(
                tiny_model(family),
                tiny_tokenizer(),
                made[family],
                name=f"tiny-{family}",
                prompt="embedded",
                processor=ImageProcessor(patch=patch, max_pixels=4 * patch * patch * 60),
                dtype=torch.float32,
            )
        return made[family]

    return make


@pytest.fixture(scope="session")
def small_screen() -> Image.Image:
    """A picture with some structure, not a multiple of the patch size."""
    image = Image.new("RGB", (260, 170), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 15, 110, 60), fill="navy")
    pen.ellipse((150, 70, 230, 150), fill="orange", outline="black")
    pen.text((30, 120), "Save as", fill="black")
    return image


@dataclass
class GoldenFolder:
    """Inputs and outputs of one reference model, and the same model opened by us."""

    inputs: Path
    weights: Path

    @cached_property
    def model(self) -> PointerModel:
        return PointerModel.open(self.weights)

    @cached_property
    def stored(self) -> dict[str, Any]:
        return json.loads((self.inputs / "cases.json").read_text())

    @cached_property
    def tensors(self) -> dict[str, torch.Tensor]:
        return load_file(self.inputs / "cases.safetensors")

    @property
    def cases(self) -> dict[str, Any]:
        return {name: case for name, case in self.stored["cases"].items() if "image" in case}

    @property
    def batch(self) -> dict[str, Any] | None:
        return self.stored["cases"].get("batch")

    def single(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Cases whose prompt is the usual one with one pointer."""
        return ((name, case) for name, case in self.cases.items() if case["n_pointers"] == 1)

    def tensor(self, case: str, field: str) -> torch.Tensor:
        return self.tensors[f"{case}.{field}"]

    def image(self, case: str) -> Image.Image:
        return Image.open(self.inputs / self.cases[case]["image"]).convert("RGB")

    def view(self, case: str) -> View:
        """The case's picture with the reference's own vision embeddings, so that later stages are judged alone."""
        runner, grid = self.model.runner, self.tensor(case, "image_grid_thw")
        made = runner.view(self.image(case), self.model.processor, {})
        count = len(made.sight.levels)
        levels = tuple(self.tensor(case, f"deepstack.{number}") for number in range(count))
        assert torch.equal(made.grid, grid)
        return replace(made, sight=Sight(self.tensor(case, "vision_embeds"), levels))

    def close(self, case: str, field: str, ours: torch.Tensor, tolerance: float) -> None:
        """Compares with a stored tensor."""
        near(f"{self.inputs.name}/{case}", field, ours, self.tensor(case, field), tolerance)

    def same(self, case: str, field: str, ours: torch.Tensor) -> None:
        same(f"{self.inputs.name}/{case}", field, ours, self.tensor(case, field))

    def near(self, case: str, quantity: str, ours: Any, expected: Any, tolerance: float) -> None:
        """Compares with what ``cases.json`` says."""
        near(f"{self.inputs.name}/{case}", quantity, ours, expected, tolerance)

    def equal(self, case: str, quantity: str, ours: Any, expected: Any) -> None:
        same(f"{self.inputs.name}/{case}", quantity, ours, expected)


@pytest.fixture(scope="session")
def golden_folder(golden: Path, golden_weights: Path) -> Callable[[str], GoldenFolder]:
    """``golden_folder(name)``: opened once; the test is skipped where this set lacks it."""
    opened: dict[str, GoldenFolder] = {}

    def get(name: str) -> GoldenFolder:
        if not (golden / name / "cases.json").is_file():
            pytest.skip(f"no {name} in {golden}")
        return opened.setdefault(name, GoldenFolder(golden / name, golden_weights / name))

    return get
