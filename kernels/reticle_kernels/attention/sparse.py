"""The one entry to sparse prefill: checks, chooses, runs."""

from __future__ import annotations

import importlib.util
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from .cpu import sparse_attention_cpu
from .gate import Gate, gate_for
from .plan import SparsePlan, ensure_sound

Mode = Literal["auto", "sparse", "dense"]
DENSE_ROWS = 1024
"""Rows of dense attention at a time where a mask is needed, so that the mask stays small at any length."""


def _check(q: Tensor, k: Tensor, v: Tensor, plan: SparsePlan) -> None:
    for name, t in (("q", q), ("k", k), ("v", v)):
        if t.ndim != 4:
            raise ValueError(f"{name} has shape {tuple(t.shape)}, expected [batch, heads, length, width]")
    if k.shape[:3] != v.shape[:3]:
        raise ValueError(f"keys {tuple(k.shape)} and values {tuple(v.shape)} differ in batch, heads or length")
    if q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(f"queries {tuple(q.shape)} and keys {tuple(k.shape)} differ in batch or width")
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"{q.shape[1]} query heads cannot share {k.shape[1]} key heads")
    if not q.dtype == k.dtype == v.dtype or not q.is_floating_point():
        raise ValueError(f"queries, keys and values must share one float type, got {q.dtype}, {k.dtype}, {v.dtype}")
    if not q.device == k.device == v.device:
        raise ValueError(f"queries, keys and values lie on {q.device}, {k.device}, {v.device}")
    planned = (plan.batch, plan.heads, plan.queries, plan.keys)
    given = (q.shape[0], q.shape[1], q.shape[2], k.shape[2])
    if planned != given:
        raise ValueError(f"the plan is for batch, heads, queries, keys {planned}, the tensors have {given}")
    ensure_sound(plan)


@torch.no_grad()
def dense_attention(
    q: Tensor, k: Tensor, v: Tensor, scale: float | None = None, padding: Tensor | None = None
) -> Tensor:
    """Causal attention of the last rows of a prompt, without gradients, by torch's own kernels.

    Args:
        q: [B, Hq, Lq, D]. k: [B, Hkv, Lkv, D]. v: [B, Hkv, Lkv, Dv]; Lq <= Lkv, the last row stands at the last key.
        scale: D ** -0.5 when None.
        padding: [B] keys at the left of each prompt that are none; all have none when None. Padding rows come out as
            zeros, and what padding keys and values hold does not matter.

    Returns:
        [B, Hq, Lq, Dv].
    """
    queries, keys = q.shape[2], k.shape[2]
    if queries > keys:
        raise ValueError(f"{queries} queries do not fit at the end of {keys} keys")
    if padding is not None and bool((padding > 0).any()):
        out = q.new_zeros(*q.shape[:3], v.shape[3])
        for b, left in enumerate(padding.tolist()):
            rows = min(queries, keys - left)
            if rows > 0:
                one = (q[b : b + 1, :, queries - rows :], k[b : b + 1, :, left:], v[b : b + 1, :, left:])
                out[b, :, queries - rows :] = dense_attention(*one, scale)[0]
        return out
    if queries == keys:
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=True)
    parts = []
    for begin in range(0, queries, DENSE_ROWS):
        end = min(begin + DENSE_ROWS, queries)
        seen = keys - queries + end
        mask = torch.ones(end - begin, seen, dtype=torch.bool, device=q.device).tril(seen - (end - begin))
        piece = (q[:, :, begin:end], k[:, :, :seen], v[:, :, :seen])
        parts.append(functional.scaled_dot_product_attention(*piece, attn_mask=mask, scale=scale, enable_gqa=True))
    return torch.cat(parts, dim=2)


def takes_sparse(plan: SparsePlan, device_type: str, mode: Mode = "auto", gate: Gate | None = None) -> bool:
    """Whether :func:`sparse_attention` would take the sparse path."""
    if mode not in ("auto", "sparse", "dense"):
        raise ValueError(f"mode is {mode!r}, expected 'auto', 'sparse' or 'dense'")
    return mode == "sparse" or (mode == "auto" and (gate or gate_for(device_type, plan.queries < plan.keys)).pays(plan))


def sparse_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    plan: SparsePlan,
    *,
    scale: float | None = None,
    mode: Mode = "auto",
    gate: Gate | None = None,
) -> Tensor:
    """Attention of a layer's new rows over its keys, restricted to a plan where that is faster.

    A single new row (decoding), and in mode "auto" any plan that the cost model does not expect to pay, takes dense
    causal attention: what the plan approximates, so the result is then more exact, not the same. On CUDA the sparse
    path is the Triton kernel, elsewhere the batched products of :mod:`.cpu`.

    Args:
        q: [B, Hq, Lq, D]. k: [B, Hkv, Lkv, D]. v: [B, Hkv, Lkv, Dv]. Any strides; keys and values are not expanded
            over the heads that share them. Of a static cache pass the filled part, ``k[:, :, :length]``.
        plan: for this batch, heads and lengths; for left-padded prompts from :func:`.plan.stack_plans`.
        scale: D ** -0.5 when None.
        mode: "auto" asks the cost model; "sparse" and "dense" choose.
        gate: the cost model; the device's own when None.

    Returns:
        [B, Hq, Lq, Dv] in the type of ``q``, without gradients. Padding rows, and in the sparse path rows that read
        nothing, are zero.

    Raises ValueError when tensors, plan or mode do not fit or the plan is broken, RuntimeError when CUDA's sparse path
    is asked for and triton is missing.
    """
    _check(q, k, v, plan)
    if (q.shape[2] == 1 and mode != "sparse") or not takes_sparse(plan, q.device.type, mode, gate):
        return dense_attention(q, k, v, scale, plan.padding)
    if plan.device != q.device:
        plan = plan.to(q.device)
    if q.device.type != "cuda":
        if q.device.type != "cpu":
            raise ValueError(f"the sparse path runs on cuda and cpu, not on {q.device.type}")
        return sparse_attention_cpu(q, k, v, plan, scale)
    if importlib.util.find_spec("triton") is None:
        raise RuntimeError("the sparse path on CUDA needs triton, which is not installed; use mode 'dense'")
    from .triton_sparse import sparse_attention_triton

    return sparse_attention_triton(q, k, v, plan, scale)
