"""Model folders of a few kilobytes: right in form, too small to point."""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import save

ACTOR = {
    "model_type": "qwen2_5_vl",
    "architectures": ["Qwen2_5_VLForConditionalGenerationWithPointer"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "tie_word_embeddings": True,
}
OF_3B = ACTOR | {"hidden_size": 2048, "num_hidden_layers": 36}
"""The sizes of Qwen2.5-VL-3B, whose licence forbids commercial use."""
OPEN_CARD = {"license": "apache-2.0", "base_model": ["Qwen/Qwen2.5-VL-7B-Instruct"]}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def as_json(content: object) -> bytes:
    return json.dumps(content).encode()


def tensors(seed: int = 0, rows: int = 64) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "model.embed_tokens.weight": random.random((300, rows), dtype=np.float32),
        "model.layers.0.self_attn.k_proj.weight": random.random((16, rows), dtype=np.float32),
        "model.layers.0.self_attn.v_proj.weight": random.random((16, rows), dtype=np.float32),
        "model.norm.weight": random.random(rows, dtype=np.float32),
    }


def small_model(config: dict[str, object] = ACTOR, seed: int = 0, shards: int = 1) -> dict[str, bytes]:
    """File name -> content of a model that this program would take."""
    files = {
        "config.json": as_json(config),
        "tokenizer.json": as_json({"version": "1.0", "filler": "x" * 5000}),
        "preprocessor_config.json": as_json({"patch_size": 14}),
        "README.md": b"---\nlicense: mit\n---\n# a model\n",
    }
    made = tensors(seed)
    if shards == 1:
        return files | {"model.safetensors": save(made)}
    names = list(made)
    first, second = dict(list(made.items())[:2]), dict(list(made.items())[2:])
    where = {name: SHARDS[0] if name in first else SHARDS[1] for name in names}
    index = {"metadata": {"total_size": sum(t.nbytes for t in made.values())}, "weight_map": where}
    return files | {
        "model.safetensors.index.json": as_json(index),
        SHARDS[0]: save(first),
        SHARDS[1]: save(second),
    }


DANGEROUS = {
    "pytorch_model.bin": b"\x80\x04pickled",
    "modeling_own.py": b"import os\n",
    "optimizer.pt": b"\x80\x04pickled",
    "checkpoint-5/model.safetensors": b"deeper",
    ".gitattributes": b"*.bin filter=lfs\n",
}
"""Files that repositories hold and that are never taken."""
