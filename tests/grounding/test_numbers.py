"""Models in bfloat16 and int8: what becomes int8, what that changes, and what is said where the library is missing."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from reticle_grounding.errors import BadInput
from reticle_grounding.model.numbers import open_as
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.number_types import number_type

KINDS = ("qwen2_vl", "qwen2_5_vl", "focusui:qwen3_vl", "gui_aima:qwen2_5_vl")
needs_torchao = pytest.mark.skipif(
    importlib.util.find_spec("torchao") is None, reason="torchao is not installed (pip install 'reticle[quant]')"
)


def looked(folder, image, numbers):
    model = PointerModel.open(folder, numbers=numbers)
    screen = model.encode(image)
    return model.attend(screen, "Save as"), model.attend(screen, "the orange circle")


# Measured: bfloat16 changes these maps by 0.015 to 0.036 of their spread, int8 by 0.011 to 0.038.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("numbers", "share"), [("fp32", 0.0), ("bf16", 0.08), pytest.param("int8", 0.08, marks=needs_torchao)]
)
def test_maps_stay_near_those_of_float32(tiny_folder, small_screen, kind, numbers, share):
    folder = tiny_folder(kind)
    for plain, other in zip(looked(folder, small_screen, None), looked(folder, small_screen, numbers), strict=True):
        spread = float(np.ptp(plain))
        off = float(np.abs(plain - other).max()) / spread
        assert spread > 0.5 * plain.max()
        assert np.isfinite(other).all()
        assert off <= share
        assert (off > 0) == (share > 0)  # other numbers leave their trace


@needs_torchao
def test_only_matrices_of_the_decoder_become_int8(tiny_folder):
    model = open_as(tiny_folder("qwen2_5_vl"), "int8", "cpu").model
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear):
            inside = ".language_model.layers." in name
            assert (type(part.weight).__name__ == "Int8Tensor") == inside, name
            assert part.weight.dtype == torch.float32
    held = model.backbone.model.language_model.layers[0].mlp.up_proj.weight
    assert held.qdata.dtype == torch.int8


@needs_torchao
def test_weights_stored_in_bfloat16_give_the_same_int8(tiny_folder, small_screen, tmp_path):
    maps = {}
    for stored in (torch.bfloat16, torch.float32):
        folder = tmp_path / str(stored)
        folder.mkdir()
        for file in tiny_folder("qwen2_5_vl").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        tensors = load_file(folder / "model.safetensors")
        # The same values in both files.
        rounded = {name: tensor.bfloat16().to(stored).contiguous() for name, tensor in tensors.items()}
        save_file(rounded, folder / "model.safetensors")
        maps[stored] = looked(folder, small_screen, "int8")
    for one, other in zip(*maps.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_missing_library_is_named(tiny_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(BadInput, match=r"torchao.*pip install 'reticle\[quant\]'"):
        PointerModel.open(tiny_folder("qwen2_vl"), numbers="int8")


def test_an_unknown_type_is_named():
    with pytest.raises(BadInput, match="no number type 'int3'; known: fp32, bf16, int8"):
        number_type("int3")
