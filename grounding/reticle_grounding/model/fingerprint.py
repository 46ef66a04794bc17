"""A short name for the weights of a model, so that files made with one are not used with another."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

SAMPLES = 64
"""Values of each tensor that are looked at, evenly spaced."""


def fingerprint(*modules: nn.Module | None) -> str:
    """32 hexadecimal digits of names, shapes and sampled values of all parameters; modules that are None count, too.

    Values are rounded to bfloat16 first, so that a model is the same however it was opened. Sampling makes this quick
    for models of any size; it tells trained models apart, it is no protection against somebody who wants to fool it.
    """
    digest = hashlib.sha256()
    for number, module in enumerate(modules):
        digest.update(f"module {number} {module is not None}\n".encode())
        for name, parameter in sorted(module.named_parameters()) if module is not None else ():
            digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
            digest.update(_sampled(parameter))
    return digest.hexdigest()[:32]


def _sampled(parameter: Tensor) -> bytes:
    flat = parameter.detach().flatten()
    at = torch.linspace(0, flat.numel() - 1, min(SAMPLES, flat.numel()), dtype=torch.float64).round().long()
    return flat[at.to(flat.device)].to("cpu", torch.bfloat16).view(torch.int16).numpy().tobytes()
