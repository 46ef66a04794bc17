"""Folders are opened whole or refused with the names of what does not fit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from reticle_grounding.errors import CheckpointError
from reticle_grounding.model.checkpoint import load_checkpoint, load_model, save_checkpoint
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.processor import ImageProcessor

FAMILIES = ("qwen2_vl", "qwen2_5_vl")
NORM, HEAD = "model.norm.weight", "multi_patch_pointer_head.projection_dec.2.bias"


@pytest.fixture(params=FAMILIES)
def folder(request, tiny_folder, tmp_path) -> Path:
    """A copy that the test may damage."""
    return Path(shutil.copytree(tiny_folder(request.param), tmp_path / "model"))


def edit(folder: Path, change) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def edit_json(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def refused(folder: Path, said: str) -> None:
    with pytest.raises(CheckpointError, match=said) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value).strip()


def test_what_is_saved_is_loaded(folder, tiny_model):
    family = json.loads((folder / "config.json").read_text())["model_type"]
    ours, loaded = tiny_model(family).state_dict(), load_model(folder).state_dict()
    assert ours.keys() == loaded.keys()
    assert all(torch.equal(ours[name], loaded[name]) for name in ours)
    opened = load_checkpoint(folder)
    assert (opened.name, opened.profile.name) == (f"tiny-{family}", "embedded")


def test_names_and_architecture_are_the_published_ones(folder):
    names = set(load_file(folder / "model.safetensors"))
    assert {
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.bias",
        "visual.patch_embed.proj.weight",
    } < names
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"][0].endswith("ForConditionalGenerationWithPointer")
    assert ("lm_head.weight" in names) is not config["tie_word_embeddings"]


def test_nested_names_are_accepted_as_well(folder, small_screen):
    before = PointerModel.open(folder).attend_fresh(small_screen, "save")

    def nest(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            if name.startswith("visual."):
                tensors["model." + name] = tensors.pop(name)
            elif name.startswith("model."):
                tensors["model.language_model." + name.removeprefix("model.")] = tensors.pop(name)

    edit(folder, nest)
    np.testing.assert_array_equal(PointerModel.open(folder).attend_fresh(small_screen, "save"), before)


def test_shards_respect_the_limit_and_give_the_same_model(folder, tmp_path):
    opened = load_checkpoint(folder)
    target = tmp_path / "sharded"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    options = {"name": "sharded", "prompt": "embedded", "processor": opened.processor, "dtype": torch.float32}
    files = save_checkpoint(opened.model, tokenizer, target, **options, shard_limit=200_000)
    assert len(files) > 2
    assert all(file.stat().st_size < 220_000 for file in files)
    again = load_model(target).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in opened.model.state_dict().items())
    files[1].unlink()
    refused(target, files[1].name)


def test_half_precision_files_load_into_single_precision(folder, tmp_path):
    opened = load_checkpoint(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    target = tmp_path / "half"
    save_checkpoint(opened.model, tokenizer, target, name="half", prompt="embedded", processor=opened.processor)
    loaded = load_model(target)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert all(
        torch.equal(tensor.bfloat16().float(), loaded.state_dict()[name])
        for name, tensor in opened.model.state_dict().items()
    )
    low = load_model(target, torch.bfloat16)
    assert {p.dtype for p in low.parameters()} == {torch.bfloat16}
    assert low.backbone.model.language_model.rotary_emb.inv_freq.dtype == torch.float32


@pytest.mark.parametrize("name", [NORM, HEAD])
def test_a_missing_tensor_is_named(folder, name):
    edit(folder, lambda tensors: tensors.pop(name))
    refused(folder, f"lacks {name}")


def test_a_missing_head_is_named(folder):
    def behead(tensors: dict[str, torch.Tensor]) -> None:
        for name in [n for n in tensors if n.startswith("multi_patch_pointer_head")]:
            del tensors[name]

    edit(folder, behead)
    refused(folder, r"lacks multi_patch_pointer_head\..* and 9 more")


@pytest.mark.parametrize("name", [NORM, HEAD])
def test_another_shape_is_named(folder, name):
    edit(folder, lambda tensors: tensors.update({name: torch.zeros(63)}))
    refused(folder, rf"{name} \[63\] instead of \[64\]")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", [NORM, HEAD])
def test_values_that_are_not_finite_are_named(folder, name, value):
    edit(folder, lambda tensors: tensors[name].index_fill_(0, torch.tensor([7]), value))
    refused(folder, f"NaN or infinite values: {name}")


def test_an_unknown_tensor_is_named(folder):
    edit(folder, lambda tensors: tensors.update({"model.layers.9.extra": torch.zeros(2)}))
    refused(folder, r"does not have: model\.layers\.9\.extra")


def test_a_tied_embedding_must_not_have_a_different_twin(tiny_folder, tmp_path):
    folder = Path(shutil.copytree(tiny_folder("qwen2_5_vl"), tmp_path / "model"))
    edit(folder, lambda t: t.update({"lm_head.weight": t["model.embed_tokens.weight"].clone()}))
    load_model(folder)
    edit(folder, lambda t: t["lm_head.weight"].add_(1))
    refused(folder, r"lm_head\.weight")


def test_an_untied_embedding_is_required(tiny_folder, tmp_path):
    folder = Path(shutil.copytree(tiny_folder("qwen2_vl"), tmp_path / "model"))
    edit(folder, lambda tensors: tensors.pop("lm_head.weight"))
    refused(folder, r"lacks lm_head\.weight")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"])
def test_missing_and_damaged_files_are_named(folder, name):
    (folder / name).write_text("{ broken")
    refused(folder, name)
    (folder / name).unlink()
    refused(folder, name)


def test_a_missing_folder_is_named(tmp_path):
    refused(tmp_path / "nowhere", "nowhere is not a model folder")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224}}, "it is a CLIPImageProcessor"),
        ({"image_mean": [0.5]}, "image_mean holds 1 numbers instead of 3"),
        ({"image_std": [0.5, 0.0, 0.5]}, "image_std and rescale_factor must be above 0"),
        ({"rescale_factor": "1/255"}, "rescale_factor: expected a list of numbers"),
        ({"resample": 77}, "resample is 77"),
        ({"min_pixels": 9000, "max_pixels": 8000}, "min_pixels is 9000, more than max_pixels, 8000"),
    ],
)
def test_processors_of_other_models_are_refused(folder, fields, said):
    edit_json(folder / "preprocessor_config.json", **fields)
    refused(folder, said)


def test_weights_of_another_family_are_named(tiny_folder, tmp_path):
    kinds = ("qwen2_5_vl", "focusui:qwen2_5_vl", "gui_aima:qwen2_5_vl", "qwen2_vl")
    for told, held, said in (
        (0, 1, r"holds tensors this model does not have: patch_scorer\."),
        (1, 0, r"lacks patch_scorer\."),
        (2, 0, r"holds tensors this model does not have: multi_patch_pointer_head\."),
        (0, 2, r"lacks multi_patch_pointer_head\."),
        (3, 0, r"lacks lm_head\.weight, visual\.blocks\.0\.mlp\.fc1"),
    ):
        folder = Path(shutil.copytree(tiny_folder(kinds[held]), tmp_path / f"{told}-{held}"))
        shutil.copy(tiny_folder(kinds[told]) / "config.json", folder)
        refused(folder, f"{said}.*take all files from the same model")


def test_what_is_no_config_of_a_model_is_named(folder):
    (folder / "config.json").write_text("{}")
    refused(folder, f"{folder}: config.json has no model_type")


def test_files_must_agree(folder):
    edit_json(folder / "preprocessor_config.json", patch_size=16)
    refused(folder, r"the patch size is 14, preprocessor_config\.json says 16; take both files from the same model")
    edit_json(folder / "preprocessor_config.json", patch_size=14)
    edit_json(folder / "config.json", pointer_pad_token_id=3)
    refused(folder, "the pointer token's id is 3")


def test_unknown_families_and_profiles_are_named(folder):
    edit_json(folder / "reticle.json", prompt="poem")
    refused(folder, "unknown prompt profile 'poem'")
    edit_json(folder / "config.json", model_type="llama")
    refused(folder, "model_type 'llama'")


def test_models_that_are_not_finite_are_not_written(tiny_model, folder, tmp_path):
    model = tiny_model("qwen2_vl")
    with torch.no_grad():
        model.head.layer_norm.bias[0] = float("nan")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    with pytest.raises(CheckpointError, match=r"layer_norm\.bias has NaN"):
        save_checkpoint(model, tokenizer, tmp_path / "bad", name="bad", prompt="embedded", processor=ImageProcessor())


def test_a_plain_backbone_can_judge_but_not_point(tiny_folder, tmp_path, small_screen):
    folder = Path(shutil.copytree(tiny_folder("qwen2_vl"), tmp_path / "model"))
    head = [name for name in load_file(folder / "model.safetensors") if name.startswith("multi_patch")]
    edit(folder, lambda tensors: [tensors.pop(name) for name in head])
    edit_json(folder / "config.json", architectures=["Qwen2VLForConditionalGeneration"], pointer_pad_token_id=None)
    model = PointerModel.open(folder)
    assert 0 < model.judge(small_screen, "save") < 1
    with pytest.raises(CheckpointError, match="no pointer head"):
        model.encode(small_screen)
