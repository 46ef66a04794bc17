"""The matcher's weights on disk: one safetensors file in bfloat16."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from reticle_grounding.errors import CheckpointError

from .net import MatcherNet

FILE = "matcher.safetensors"


def save(net: MatcherNet, folder: Path, meta: dict[str, str]) -> Path:
    """Writes the weights with ``meta`` in the file's header; returns the path."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        k: (v.to(torch.bfloat16) if v.is_floating_point() else v).contiguous() for k, v in net.state_dict().items()
    }
    path = folder / FILE
    save_file(tensors, path, metadata={"reticle": json.dumps(meta, sort_keys=True)})
    return path


def load(folder: Path) -> MatcherNet:
    """Reads the weights. Raises CheckpointError naming the file and what does not fit."""
    path = folder / FILE
    net = MatcherNet()
    try:
        with safe_open(str(path), framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the matcher's weights {path}: {error}") from error
    wanted = net.state_dict()
    odd = sorted(set(wanted) ^ set(stored)) or [k for k in wanted if wanted[k].shape != stored[k].shape]
    if odd:
        raise CheckpointError(f"{path} does not fit this version: {', '.join(odd[:4])}")
    net.load_state_dict({k: v.to(wanted[k].dtype) for k, v in stored.items()})
    return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]
