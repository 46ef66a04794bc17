"""Headers, the memory told from them, and what licences say together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from app_fakes.small_models import ACTOR, OF_3B
from safetensors.torch import save

from reticle_app.models.contents import is_tied
from reticle_app.models.errors import StoreError
from reticle_app.models.headers import TensorHeader, headers_of, read_headers
from reticle_app.models.known import BASES, KNOWN, base_named, base_shaped
from reticle_app.models.memory import SCREEN_TOKENS, predict
from reticle_app.models.terms import terms_of
from reticle_grounding.assets import embedded_model_dir

EMBEDDED = embedded_model_dir()


def read(content: bytes) -> list[TensorHeader]:
    return read_headers("file", len(content), lambda start, count: content[start : start + count])


def file_with(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_headers_say_what_the_files_hold() -> None:
    kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
    kinds += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    made = {f"t{i}": torch.zeros((3, i), dtype=kind) for i, kind in enumerate(kinds)} | {"one": torch.zeros(())}
    found = {header.name: header for header in read(save(made, {"format": "pt"}))}
    assert found.keys() == made.keys()
    for name, tensor in made.items():
        assert found[name].shape == tuple(tensor.shape)
        assert found[name].stored_bytes == tensor.numel() * tensor.element_size()
        assert found[name].floating == tensor.is_floating_point()


WHOLE = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04pickled weights",
        (10**9).to_bytes(8, "little") + b"{}",
        file_with(b"not json"),
        file_with([1, 2]),
        file_with(WHOLE, b"1234567"),
        file_with(WHOLE, b"123456789"),
        file_with({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": {"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        file_with({"a": {"shape": [2], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": 7}, b"12345678"),
        file_with(WHOLE | {"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"12345678"),
        file_with({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, b"123456789012"),
    ],
)
def test_what_is_no_whole_safetensors_file_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError, match="file"):
        read(content)


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_the_prediction_is_what_the_opened_model_takes(kind: str) -> None:
    from reticle_grounding.model.channel import load_channel
    from reticle_grounding.model.checkpoint import load_model

    dtype = getattr(torch, kind)
    model = load_model(EMBEDDED, dtype)
    state = model.state_dict(keep_vars=True)
    held = sum(t.numel() * t.element_size() for t in {id(t): t for t in state.values()}.values())
    config = json.loads((EMBEDDED / "config.json").read_text())
    told = predict(headers_of(EMBEDDED / "model.safetensors"), tied=is_tied(config))
    assert told.weights[kind] == held
    assert told.parameters == sum(p.numel() for p in {id(p): p for p in model.parameters()}.values())
    text = model.config.text_config
    width = text.num_key_value_heads * text.hidden_size // text.num_attention_heads
    assert told.cache[kind] == 2 * text.num_hidden_layers * width * SCREEN_TOKENS * dtype.itemsize
    assert load_channel(EMBEDDED, model.hidden_size) is not None


def test_quantised_weights_are_counted_with_their_scales() -> None:
    matrix = TensorHeader("model.layers.3.mlp.up_proj.weight", "BF16", (10, 300))
    vision = TensorHeader("visual.blocks.0.attn.qkv.weight", "F32", (4, 7))
    others = [
        TensorHeader("model.embed_tokens.weight", "BF16", (50, 8)),
        TensorHeader("model.layers.3.mlp.up_proj.bias", "BF16", (10,)),
        TensorHeader("visual.patch_embed.proj.weight", "BF16", (8, 3, 2, 14, 14)),
        TensorHeader("multi_patch_pointer_head.projection_enc.0.weight", "BF16", (8, 8)),
    ]
    rest = sum(t.numbers for t in [vision, *others])
    told = predict([matrix, vision, *others])
    assert told.weights["int8"] == 10 * 300 + 10 * (4 + 1) + 4 * rest
    assert told.weights["int4"] == 10 * (150 + 3 * 4) + 2 * rest
    assert told.weights["float32"] == 2 * told.weights["bfloat16"]
    assert told.opening("int8") == max(told.total("int8"), told.stored) + told.largest


def test_whole_numbers_stay_and_a_tied_copy_counts_once() -> None:
    steps = TensorHeader("steps", "I64", (5,))
    embedding = TensorHeader("model.embed_tokens.weight", "F32", (6, 4))
    output = TensorHeader("lm_head.weight", "F32", (6, 4))
    assert set(predict([steps]).weights.values()) == {40}
    assert predict([steps]).parameters == 0
    assert (
        predict([embedding, output]).weights["float32"]
        == 2 * predict([embedding, output], tied=True).weights["float32"]
    )


def test_every_known_base_is_in_the_table() -> None:
    assert {entry.base for entry in KNOWN} <= {base.repository for base in BASES}
    assert len({entry.name for entry in KNOWN}) == len(KNOWN)


@pytest.mark.parametrize("entry", [k for k in KNOWN if "2.5-VL-3B" in k.base], ids=lambda k: k.name)
def test_whatever_comes_from_the_3b_base_is_not_for_commerce(entry) -> None:
    for licence in (None, "mit", "apache-2.0"):
        terms = terms_of(entry.repository, licence, (), {})
        assert terms.commercial == "no"
        assert terms.needs_yes
        assert any("NOT for commercial use" in line for line in terms.lines())


@pytest.mark.parametrize(
    ("licence", "bases", "config", "commercial"),
    [
        ("mit", ["Qwen/Qwen2.5-VL-7B-Instruct"], {}, "yes"),
        ("mit", [], {"model_type": "qwen2_5_vl", "hidden_size": 3584, "num_hidden_layers": 28}, "yes"),
        ("mit", ["Qwen/Qwen2.5-VL-7B-Instruct"], OF_3B, "no"),
        ("mit", [], {"model_type": "qwen2_5_vl", "text_config": {"hidden_size": 2048, "num_hidden_layers": 36}}, "no"),
        ("cc-by-nc-4.0", ["Qwen/Qwen2.5-VL-7B-Instruct"], {}, "no"),
        ("mit", [], ACTOR, "unknown"),
        ("mit", ["somebody/unheard-of"], {}, "unknown"),
        ("llama3", ["Qwen/Qwen2.5-VL-7B-Instruct"], {}, "unknown"),
        (None, ["Qwen/Qwen2.5-VL-7B-Instruct"], {}, "unknown"),
    ],
)
def test_the_strictest_licence_counts(licence: str | None, bases: list[str], config: dict, commercial: str) -> None:
    terms = terms_of(None, licence, bases, config)
    assert terms.commercial == commercial
    assert terms.needs_yes == (commercial != "yes")


def test_bases_are_told_by_their_sizes() -> None:
    base = base_shaped(OF_3B)
    assert base is not None
    assert base == base_named("Qwen/Qwen2.5-VL-3B-Instruct")
    assert base_shaped(ACTOR) is None
    assert base_shaped({}) is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="absent"):
        headers_of(tmp_path / "absent.safetensors")
