"""Sparse attention for the text layers of a model: registered with transformers, fed by a hook on the language model.

The hook runs before every forward of the language model. It knows what attention functions are not told: how many
tokens the cache holds (a static cache hands over its whole buffer), which tokens are patches (their M-RoPE positions
say it), and that one token is a decode step. It passes this on as a keyword argument. The vision tower is not touched.
Source: sparse-prefill.md, section 6.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast, get_args
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import causal_mask_function, sdpa_mask

from reticle_grounding.errors import BadInput
from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.gate import Gate, gate_for
from reticle_kernels.attention.plan import SparsePlan, stack_plans
from reticle_kernels.attention.sparse import dense_attention, sparse_attention

from .attention_rows import Rows, some_queries
from .column_memory import ColumnMemory
from .head_patterns import DENSE, Call, HeadPatterns
from .prefill_cost import may_pay
from .token_map import TokenMap, empty_map

NAME = "reticle_sparse"
Mode: TypeAlias = Literal["dense", "auto", "sparse"]
MODES: tuple[Mode, ...] = get_args(Mode)
_log = logging.getLogger(__name__)
_maps: WeakKeyDictionary[Any, tuple[TokenMap, ...]] = WeakKeyDictionary()
"""What each cache holds, prompt by prompt."""


def map_of(cache: object) -> TokenMap:
    """The tokens of a cache of one prompt, as far as they went through a model with sparse prefill."""
    maps = _maps.get(cache, ())
    return maps[0] if maps else empty_map()


def set_map(cache: object, tokens: TokenMap) -> None:
    """Says what a cache of one prompt holds, after it was loaded, copied or compacted."""
    _maps[cache] = (tokens,)


def check_mode(mode: str) -> Mode:
    """Raises BadInput naming the modes."""
    for known in MODES:
        if mode == known:
            return known
    raise BadInput(f"the prefill mode is {mode!r}; it must be {', '.join(MODES[:-1])} or {MODES[-1]}")


@dataclass(eq=False)
class Chunk:
    """One forward of the language model, as its layers need to know it."""

    session: SparsePrefill
    keys: int
    """Tokens that a cache holds in the end, or of the prompt without one."""
    padding: tuple[int, ...]
    """Of each prompt, tokens at the left that are none."""
    maps: Sequence[TokenMap]
    """Of each prompt, without its padding."""
    gaps: Tensor | None = None
    """[B, keys] bool, true for real tokens, where padding is not only at the left."""
    plans: dict[object, SparsePlan] = field(default_factory=dict)
    memory: ColumnMemory | None = None
    """Of the cache of a history."""


class SparsePrefill:
    """Attached to one language model: tells its layers what they need and decides layer by layer."""

    def __init__(
        self, language_model: nn.Module, patterns: HeadPatterns | None, mode: Mode = "auto", gate: Gate | None = None
    ) -> None:
        """``patterns`` None: nothing is known about the heads, and every prefill is dense."""
        self.patterns = patterns
        self.mode = check_mode(mode)
        self.gate = gate
        self.taken: Counter[str] = Counter()
        """How many prefills of a layer took the ``dense`` and the ``sparse`` path."""
        self.record: Callable[[int, Tensor, Tensor, Tensor, Chunk], None] | None = None
        """Is shown layer, queries, keys and values of every chunk, for the search."""
        self._warned: set[str] = set()
        AttentionInterface.register(NAME, _attention)
        AttentionMaskInterface.register(NAME, _mask)
        self._config = cast(Any, language_model).config
        self._before_name = self._config._attn_implementation
        self._config._attn_implementation_internal = NAME
        self._hook = language_model.register_forward_pre_hook(self._before, with_kwargs=True)
        if patterns is None and mode == "sparse":
            self.warn("no pattern is known for the heads of this model, so attention stays dense")

    def detach(self) -> None:
        """Gives the model its former attention back."""
        self._hook.remove()
        self._config._attn_implementation_internal = self._before_name

    def warn(self, said: str) -> None:
        """Once per text."""
        if said not in self._warned:
            self._warned.add(said)
            _log.warning("%s", said)

    def _before(
        self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        given = kwargs.get("inputs_embeds")
        tokens = given if given is not None else kwargs.get("input_ids", args[0] if args else None)
        if tokens is None:
            return args, kwargs
        cache = kwargs.get("past_key_values")
        seen = int(cache.get_seq_length()) if cache is not None else 0
        shape = (tokens.shape[0], tokens.shape[1])
        return args, kwargs | {"prefill": self._chunk(kwargs, cache, seen, shape)}

    def _chunk(self, kwargs: Mapping[str, Any], cache: object, seen: int, shape: tuple[int, int]) -> Chunk:
        batch, new = shape
        padding, gaps = _padding(kwargs.get("attention_mask"), batch, seen + new)
        known = _maps.get(cache, ()) if cache is not None else ()
        positions = _three(kwargs.get("position_ids"), batch, seen, new)
        maps = []
        for b in range(batch):
            before = known[b].cut(max(0, seen - padding[b])) if b < len(known) else empty_map()
            missing = seen - padding[b] - len(before)
            before = before.with_text(missing) if missing > 0 else before
            # Padding within the new tokens comes first and has no place in the map.
            maps.append(before.extended(positions[:, b, max(0, padding[b] - seen) :]))
        if cache is not None:
            _maps[cache] = tuple(maps)
        memory = getattr(cache, "memory", None) if batch == 1 else None
        return Chunk(self, seen + new, padding, maps, gaps, memory=memory if not padding[0] else None)

    def plan(self, layer: int, q: Tensor, k: Tensor, chunk: Chunk) -> SparsePlan | None:
        """The plan of a layer's new rows, or None where dense attention is to be taken.

        ``q`` [B, Hq, Lq, D], ``k`` [B, Hkv, Lkv, D].
        """
        if self.mode == "dense" or self.patterns is None or layer >= len(self.patterns.layers):
            return None
        patterns, heads = self.patterns.layers[layer], q.shape[1]
        if len(patterns) != heads:
            self.warn(f"the patterns of layer {layer} are for {len(patterns)} heads, not {heads}; it stays dense")
            return None
        gate = self.gate or gate_for(q.device.type, q.shape[2] < k.shape[2])
        area = heads * q.shape[0] * q.shape[2] * (k.shape[2] - (q.shape[2] - 1) / 2)
        # No plan costs less than a call, so where dense costs no more than that, none needs to be built.
        hopeless = k.shape[2] < gate.shortest or area < gate.margin * gate.fixed
        if self.gate is None and q.device.type == "cpu":
            remembered = chunk.memory is not None
            hopeless = hopeless or not may_pay(patterns, gate, q.shape[2], k.shape[2], remembered=remembered)
        if all(p == DENSE for p in patterns) or (self.mode == "auto" and hopeless):
            return None
        key = patterns if not any(p.estimated for p in patterns) else None
        plan = chunk.plans.get(key) if key is not None else None
        if plan is None:
            try:
                plan = self._built(layer, patterns, q, k, chunk)
            except ValueError as error:
                self.warn(f"layer {layer} stays dense, no plan fits this prompt: {error}")
                return None
            if key is not None:
                chunk.plans[key] = plan
        return plan if self.mode == "sparse" or gate.pays(plan) else None

    def _built(self, layer: int, patterns: Sequence[Any], q: Tensor, k: Tensor, chunk: Chunk) -> SparsePlan:
        plans = []
        for b, tokens in enumerate(chunk.maps):
            keys = len(tokens)
            rows = min(q.shape[2], keys)
            if not rows:
                continue
            call = Call(q[b, :, q.shape[2] - rows :], k[b, :, k.shape[2] - keys :], tokens, layer=layer)
            call.memory = chunk.memory
            plans.append(compile_plan(call.assignment(patterns), q.shape[1], rows, keys, q.device))
        if len(plans) != len(chunk.maps):
            raise ValueError("a prompt of the batch is nothing but padding")
        if len(plans) == 1 and not chunk.padding[0]:
            return plans[0]
        stacked = stack_plans(plans, q.shape[2], k.shape[2])
        return replace(stacked, padding=torch.tensor(chunk.padding, device=stacked.device))


def _three(positions: object, batch: int, seen: int, new: int) -> Tensor:
    """M-RoPE positions [3, B, new] of whatever the language model is given."""
    if isinstance(positions, Tensor) and positions.ndim == 3:
        return positions[-3:].expand(3, batch, new)
    if isinstance(positions, Tensor) and positions.ndim == 2:
        return positions.expand(3, batch, new)
    return torch.arange(seen, seen + new).expand(3, batch, new)


def _padding(mask: object, batch: int, keys: int) -> tuple[tuple[int, ...], Tensor | None]:
    """Tokens of padding at the left of each prompt, and the mask [B, keys] where that does not say it all."""
    if isinstance(mask, Mapping):
        mask = mask.get("full_attention")
    if not isinstance(mask, Tensor) or mask.ndim != 2:
        return (0,) * batch, None
    real = functional.pad(mask[:, :keys].bool(), (0, max(0, keys - mask.shape[1])), value=True)
    left = keys - real.sum(1)
    plain = torch.arange(keys, device=real.device) >= left.unsqueeze(1)
    if bool((real == plain).all()):
        return tuple(left.tolist()), None
    return (0,) * batch, real


def _mask(**given: Any) -> Tensor | None:
    """For causal attention None, or the padding [B, keys] where there is some; else the mask that SDPA takes."""
    if given.get("mask_function", causal_mask_function) is causal_mask_function:
        real: Tensor | None = given.get("attention_mask")
        return None if real is None or bool(real.all()) else real
    made: Tensor | None = sdpa_mask(**given)
    return made


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    prefill: Chunk | None = None,
    rows: Rows | None = None,
    only: Tensor | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """The signature of transformers: [B, Hq, Lq, D] and [B, Hkv, Lkv, D] in, [B, Lq, Hq, D] out.

    ``only`` [n]: the last layer's rows that anybody reads; the others come out as 0.
    """
    if attention_mask is not None and attention_mask.ndim == 2 and prefill is not None:
        attention_mask = None  # padding, which the hook has read
    if prefill is None or attention_mask is not None:
        if rows is not None:
            rows.take(query, key, scaling or query.shape[-1] ** -0.5)
        mixed: Tensor = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)[0]
        return mixed, None
    key, value = key[:, :, : prefill.keys], value[:, :, : prefill.keys]
    if rows is not None:
        rows.take(query, key, scaling or query.shape[-1] ** -0.5)
    session, layer = prefill.session, int(getattr(module, "layer_idx", 0) or 0)
    learning = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
    if only is not None and prefill.gaps is None and not any(prefill.padding) and not learning:
        if session.record is not None:
            session.record(layer, query, key, value, prefill)
        return some_queries(module, query, key, value, only, scaling or query.shape[-1] ** -0.5), None
    if prefill.gaps is not None or learning:
        return _masked(query, key, value, prefill, scaling, options).transpose(1, 2), None
    if session.record is not None:
        session.record(layer, query, key, value, prefill)
    plan = None if query.shape[2] == 1 else session.plan(layer, query, key, prefill)
    if query.shape[2] > 1:
        session.taken["dense" if plan is None else "sparse"] += 1
    if plan is None:
        padding = torch.tensor(prefill.padding, device=query.device) if any(prefill.padding) else None
        out = dense_attention(query, key, value, scaling, padding)
    else:
        out = sparse_attention(query, key, value, plan, scale=scaling, mode="sparse")
    return out.transpose(1, 2), None


def _masked(
    query: Tensor, key: Tensor, value: Tensor, prefill: Chunk, scaling: float | None, options: Mapping[str, Any]
) -> Tensor:
    """Dense causal attention with padding anywhere, and with gradients. Rows of padding see themselves, so no NaN."""
    new, keys = query.shape[2], key.shape[2]
    at = torch.arange(keys - new, keys, device=query.device).unsqueeze(1)
    column = torch.arange(keys, device=query.device)
    allowed = (column <= at).expand(query.shape[0], 1, new, keys)
    real = prefill.gaps
    if real is None and any(prefill.padding):
        real = column >= torch.tensor(prefill.padding, device=query.device).unsqueeze(1)
    if real is not None:
        if prefill.gaps is not None:
            prefill.session.warn("padding lies between or behind the tokens of a prompt; attention stays dense")
        allowed = (allowed & real[:, None, None]) | (column == at)
    dropout = float(options.get("dropout", 0.0))
    out: Tensor = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=allowed, dropout_p=dropout, scale=scaling, enable_gqa=True
    )
    return out
