"""Tiny random models and their byte tokenizer, for the tests of every package."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from reticle_grounding.model.checkpoint import save_checkpoint
from reticle_grounding.model.families import build_model, config_from
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.prompts import CHAT_TOKENS, DROPPED, POINTER_TOKENS


def tiny_tokenizer() -> Tokenizer:
    """One token per byte, then the control tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", *CHAT_TOKENS, "<|video_pad|>", *POINTER_TOKENS, DROPPED])
    return tokenizer


def tiny_backbone(family: str, tokenizer: Tokenizer) -> dict[str, object]:
    vision: dict[str, dict[str, object]] = {
        "qwen2_vl": {"depth": 2, "embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2, "num_heads": 2},
        "qwen2_5_vl": {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 64,
            "fullatt_block_indexes": [1],
            "window_size": 56,
        },
        "qwen3_vl": {
            "depth": 4,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 64,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1, 2],
        },
    }
    ids = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
        "pointer_start_token_id": "<|pointer_start|>",
        "pointer_end_token_id": "<|pointer_end|>",
        "pointer_pad_token_id": "<|pointer_pad|>",
        "bos_token_id": "<|endoftext|>",
        "eos_token_id": "<|diff_marker|>",
        "pad_token_id": "<|endoftext|>",
    }
    text: dict[str, object] = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": tokenizer.get_vocab_size(),
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    }
    rest: dict[str, object] = {
        "model_type": family,
        "tie_word_embeddings": family != "qwen2_vl",
        "vision_config": vision[family],
        **{name: tokenizer.token_to_id(token) for name, token in ids.items()},
    }
    if family == "qwen3_vl":
        scaling = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [4, 2, 2]}
        return rest | {"text_config": text | {"head_dim": 16, "num_hidden_layers": 4, "rope_scaling": scaling}}
    return rest | text


def save_plain(family: str, folder: Path, seed: int = 5) -> Path:
    """A plain model of this type, with its language model head, as a folder in the published layout."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    model = build_model(config_from(tiny_backbone(family, tokenizer)), pointer=False)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    patch = 16 if family == "qwen3_vl" else 14
    processor = ImageProcessor(patch=patch, max_pixels=4 * patch * patch * 60)
    save_checkpoint(
        model, tokenizer, folder, name=f"tiny-{family}", prompt="embedded", processor=processor, dtype=torch.float32
    )
    about = folder / "config.json"
    named = {"architectures": [model.family.backbone.model_class.__name__]}
    about.write_text(json.dumps(json.loads(about.read_text()) | named))
    return folder
