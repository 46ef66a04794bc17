"""The modules that training and inference share."""

import numpy as np
import pytest
import torch
from PIL import Image

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Size
from reticle_grounding.model.families import build_model, config_from
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.vision_speed import batch_vision_windows, embed_still_pictures

FAMILIES = ("qwen2_vl", "qwen2_5_vl")


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_every_part(tiny_model, family):
    model = tiny_model(family).train()
    config = model.config
    ids = torch.tensor([[1, 2, *[config.image_token_id] * 12, 3, config.pointer_pad_token_id]] * 2)
    ids[1, -2] = 9
    grid = torch.tensor([[1, 6, 8]])
    visual = model.vision(torch.randn(48, 1176), grid)
    states = model.decode(model.embed(ids, visual), model.positions(ids, grid))
    labels = torch.zeros(2, 12)
    labels[:, [4, 5]] = 1
    pointer_loss(model.head(model.pointer_queries(ids, states), visual), labels).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in silent if "lm_head" not in name] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_on_either_side_leaves_the_pointer_alone(tiny_model, family):
    model = tiny_model(family)
    image, pointer = model.image_token_id, model.pointer_pad_id
    ids = torch.tensor([[1, *[image] * 12, 3, 4, pointer]])
    grid = torch.tensor([[1, 6, 8]])
    with torch.inference_mode():
        visual = model.vision(torch.randn(48, 1176, generator=torch.Generator().manual_seed(0)), grid)
        plain = model.decode(model.embed(ids, visual), model.positions(ids, grid))
        for left, right in ((3, 0), (0, 4)):
            padded = torch.nn.functional.pad(ids, (left, right))
            mask = torch.nn.functional.pad(torch.ones_like(ids), (left, right))
            states = model.decode(model.embed(padded, visual), model.positions(padded, grid, mask), mask)
            torch.testing.assert_close(
                model.pointer_queries(padded, states), model.pointer_queries(ids, plain), atol=1e-4, rtol=0
            )


def test_batched_vision_windows_change_nothing(tiny_model):
    model = tiny_model("qwen2_5_vl")
    pixels, grid = torch.randn(10 * 14, 1176), torch.tensor([[1, 10, 14]])
    with torch.inference_mode():
        before = model.vision(pixels, grid)
        assert batch_vision_windows(model)
        assert "flash" in model.backbone.model.visual.config._attn_implementation
        assert model.backbone.model.language_model.config._attn_implementation == "sdpa"
        torch.testing.assert_close(model.vision(pixels, grid), before, atol=1e-5, rtol=0)
    assert not batch_vision_windows(tiny_model("qwen2_vl"))


@pytest.mark.parametrize("family", FAMILIES)
def test_embedding_one_frame_of_a_still_picture_changes_nothing(tiny_model, family):
    model = tiny_model(family)
    noise = np.random.default_rng(3).integers(0, 256, (140, 196, 3), np.uint8)
    patches = ImageProcessor()(Image.fromarray(noise))
    pixels, grid = torch.from_numpy(patches.pixels), torch.tensor([patches.grid])
    with torch.inference_mode():
        before, names = model.vision(pixels, grid), set(model.state_dict())
        for _ in range(2):
            embed_still_pictures(model)
        torch.testing.assert_close(model.vision(pixels, grid), before, atol=1e-5, rtol=1e-5)
    assert set(model.state_dict()) == names


def test_configs_that_do_not_fit_are_refused(tiny_model):
    with pytest.raises(CheckpointError, match="model_type 'bert'"):
        config_from({"model_type": "bert"})
    with pytest.raises(CheckpointError, match="does not describe"):
        config_from({"model_type": "qwen2_vl", "hidden_size": "wide"})
    with pytest.raises(CheckpointError, match="pointer_pad_token_id"):
        build_model(config_from({"model_type": "qwen2_vl"}))


def test_wrong_number_of_vision_rows_is_refused(tiny_model):
    model = tiny_model("qwen2_vl")
    ids = torch.tensor([[model.image_token_id] * 3])
    with pytest.raises(ValueError, match="3 image pads, but 2"):
        model.embed(ids, torch.zeros(2, 64))


def test_grids_that_are_not_the_pictures_are_refused(tiny_model):
    model = tiny_model("qwen2_5_vl")
    pixels = torch.zeros(24, 3 * 2 * 14 * 14)
    assert model.vision(pixels, torch.tensor([[1, 4, 6]])).shape[0] == 6
    with pytest.raises(BadInput, match=r"grid \[\[1, 4, 8\]\] is one of 32 patches, but the picture has 24"):
        model.vision(pixels, torch.tensor([[1, 4, 8]]))
    with pytest.raises(BadInput, match="does not divide into blocks of 2"):
        model.vision(pixels, torch.tensor([[1, 3, 8]]))


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((960, 540), (34, 19)),
        ((1280, 720), (46, 26)),
        ((1920, 1080), (69, 39)),
        ((2560, 1440), (91, 51)),
        ((3840, 2160), (113, 64)),
        ((5120, 2880), (113, 64)),
        ((6016, 3384), (113, 64)),
        ((2560, 1600), (91, 57)),
        # One resize, as in training; the published inference script resizes twice and gets 105 columns here.
        ((3456, 2234), (106, 68)),
        ((3840, 1080), (137, 39)),
        ((1170, 2532), (42, 90)),
    ],
)
def test_grids_of_common_screens(size, grid):
    target = ImageProcessor(max_pixels=5_720_064).target_size(Size(*size))
    assert (target.width // 28, target.height // 28) == grid


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (20_000, 100), (28, 28), (57, 113)])
def test_sizes_stay_within_the_limits(size):
    processor = ImageProcessor(max_pixels=28 * 28 * 300)
    target = processor.target_size(Size(*size))
    assert target.width % 28 == target.height % 28 == 0
    assert 3136 <= target.area <= processor.max_pixels


def test_patches_hold_the_picture_in_merge_order():
    pixels = np.random.default_rng(0).integers(0, 256, (56, 84, 3), np.uint8)
    processor = ImageProcessor()
    patches = processor(Image.fromarray(pixels))
    assert patches.grid == (1, 4, 6)
    expected = (pixels / 255 - processor.mean) / processor.std
    for index, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (0, 3)]):
        cell = expected[row * 14 : row * 14 + 14, column * 14 : column * 14 + 14].transpose(2, 0, 1)
        for frame in range(2):
            ours = patches.pixels[index].reshape(3, 2, 14, 14)[:, frame]
            np.testing.assert_allclose(ours, cell, atol=1e-6)


def test_impossible_pictures_and_settings_are_refused():
    with pytest.raises(BadInput, match="300x1"):
        ImageProcessor().target_size(Size(300, 1))
    with pytest.raises(ValueError, match="patch"):
        ImageProcessor.from_config({"patch_size": -1})
    with pytest.raises(ValueError, match="numbers"):
        ImageProcessor.from_config({"image_mean": "grey"})
    assert ImageProcessor.from_config({"size": {"shortest_edge": 784, "longest_edge": 7840}}).max_pixels == 7840
