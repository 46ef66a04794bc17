"""Which pattern each head follows: the file beside a model, and patterns made of it for one call.

The file (``prefill.json`` in the model's folder) is JSON: format, model name, fingerprint of the language model, and
for each layer a pattern per head. A pattern is a name and whole numbers; see :data:`FIELDS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_kernels.attention.boundaries import QBoundary
from reticle_kernels.attention.coverage import SparsePattern
from reticle_kernels.attention.estimate import block_sparse, grid, last_rows, vertical_slash
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal
from reticle_kernels.attention.trace_lines import TraceLines

from .column_memory import ColumnMemory
from .token_map import TokenMap

FIRST, RECENT = 30, 100
"""Columns and distances that a vertical-slash pattern always reads."""
FILE = "prefill.json"
FORMAT = "reticle-prefill-1"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "dense": (),
    "a_shape": ("sinks", "local"),
    "tri_shape": ("sinks", "local"),
    "vertical_slash": ("verticals", "slashes"),
    "q_boundary": ("verticals", "slashes"),
    "block_sparse": ("top",),
    "grid": ("sinks", "local"),
    "same_patch": ("radius", "own", "sinks", "local", "steps"),
}
"""Patterns and their numbers. ``tri_shape``: rows behind the last patch are dense. ``q_boundary``: vertical-slash,
found for text and patches apart. ``own`` 0: the whole own frame."""
ESTIMATED = frozenset({"vertical_slash", "q_boundary", "block_sparse", "grid"})
"""Patterns whose places are found anew in every layer."""


@dataclass(frozen=True, slots=True)
class HeadPattern:
    """A pattern by name with its numbers, in the order of :data:`FIELDS`."""

    name: str
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in FIELDS:
            raise BadInput(f"there is no pattern {self.name!r}; known: {', '.join(FIELDS)}")
        if len(self.numbers) != len(FIELDS[self.name]):
            raise BadInput(f"{self.name} takes {len(FIELDS[self.name])} numbers, not {len(self.numbers)}")

    @property
    def estimated(self) -> bool:
        return self.name in ESTIMATED

    def document(self) -> dict[str, object]:
        return {"pattern": self.name, **dict(zip(FIELDS[self.name], self.numbers, strict=True))}

    @classmethod
    def read(cls, row: object) -> HeadPattern:
        """Raises BadInput naming what is wrong."""
        if not isinstance(row, dict):
            raise BadInput(f"a head's pattern must be an object, not {row!r}")
        name = row.get("pattern")
        if not isinstance(name, str) or name not in FIELDS:
            raise BadInput(f"there is no pattern {name!r}; known: {', '.join(FIELDS)}")
        numbers = [row.get(one) for one in FIELDS[name]]
        if set(row) != {"pattern", *FIELDS[name]}:
            raise BadInput(f"{name} takes {', '.join(FIELDS[name]) or 'no numbers'}, not {', '.join(sorted(row))}")
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in numbers):
            raise BadInput(f"the numbers of {name} must be whole and not negative: {row}")
        return cls(name, tuple(int(str(n)) for n in numbers))


DENSE = HeadPattern("dense")


@dataclass(frozen=True, slots=True)
class HeadPatterns:
    """The patterns of a model: ``layers[l][h]``."""

    model: str
    fingerprint: str
    layers: tuple[tuple[HeadPattern, ...], ...]
    search: Mapping[str, Any] = field(default_factory=dict)
    """How they were found, for people."""

    def check(self, fingerprint: str, layers: int, heads: int) -> None:
        """Raises BadInput where they are those of another model."""
        if self.fingerprint != fingerprint:
            raise BadInput(
                f"the patterns were found for {self.model} with fingerprint {self.fingerprint[:12]}, this model has "
                f"{fingerprint[:12]}; run `reticle prefill search` for it"
            )
        shape = [len(row) for row in self.layers]
        if shape != [heads] * layers:
            raise BadInput(f"the patterns are for layers of {shape} heads, the model has {layers} of {heads}")

    def write(self, path: Path) -> Path:
        document = {
            "format": FORMAT,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "layers": [{str(h): p.document() for h, p in enumerate(row)} for row in self.layers],
            "search": dict(self.search),
        }
        partial = path.with_name(path.name + ".partial")
        try:
            partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise BadInput(f"cannot write {path}: {error.strerror or error}") from error
        return path


def read_patterns(path: Path, heads: int | None = None) -> HeadPatterns:
    """Opens a pattern file; heads it does not name are dense.

    Args:
        heads: heads per layer of the model, or None to take those that are named.

    Raises BadInput naming the file and what is wrong with it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not valid JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(f"{path} is no pattern file of the format {FORMAT}")
    rows = document.get("layers")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{path}: layers must be a list of objects")
    try:
        layers = tuple(_layer(row, heads) for row in rows)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    search = document.get("search")
    name, digest = str(document.get("model")), str(document.get("fingerprint"))
    return HeadPatterns(name, digest, layers, search if isinstance(search, dict) else {})


def _layer(row: Mapping[str, object], heads: int | None) -> tuple[HeadPattern, ...]:
    numbers = [int(head) if head.isdecimal() else -1 for head in row]
    many = heads if heads is not None else max(numbers, default=-1) + 1
    wrong = [head for head, n in zip(row, numbers, strict=True) if not 0 <= n < many]
    if wrong:
        raise BadInput(f"there is no head {wrong[0]!r} among {many}")
    return tuple(HeadPattern.read(row[str(h)]) if str(h) in row else DENSE for h in range(many))


@dataclass(eq=False)
class Call:
    """One prompt's new rows in one layer: what patterns are made from."""

    q: Tensor
    """[Hq, Lq, D]."""
    k: Tensor
    """[Hkv, Lkv, D]."""
    tokens: TokenMap
    """Of all Lkv tokens."""
    found: dict[HeadPattern, SparsePattern] = field(default_factory=dict)
    """What was estimated, for all heads at once."""
    layer: int = 0
    memory: ColumnMemory | None = None
    """What the keys of a history were attended to, so that not all of them need be scored."""

    def assignment(self, patterns: Sequence[HeadPattern]) -> list[tuple[SparsePattern, list[int]]]:
        """Patterns and the heads that follow them, as ``compile_plan`` takes them."""
        heads: dict[HeadPattern, list[int]] = {}
        for head, pattern in enumerate(patterns):
            heads.setdefault(pattern, []).append(head)
        return [(self._made(pattern, which), which) for pattern, which in heads.items()]

    def _made(self, pattern: HeadPattern, heads: list[int]) -> SparsePattern:
        if not pattern.estimated:
            return static_pattern(pattern, self.tokens, self.q.device)
        if pattern not in self.found:
            self.found[pattern] = self._estimated(pattern)
        return _of_heads(self.found[pattern], heads)

    def _estimated(self, pattern: HeadPattern) -> SparsePattern:
        q, k, numbers = self.q, self.k, pattern.numbers
        if pattern.name == "block_sparse":
            return block_sparse(q, k, max(1, numbers[0]))
        if pattern.name == "grid":
            first = self.tokens.visual.nonzero()
            start = int(first[0]) if first.numel() else 0
            end = self.tokens.text_from()
            sinks, local = numbers
            made, _ = grid(q, k, self.tokens.strides(), start, end, sinks=sinks, local=max(1, local))
            return made
        modality = self.tokens.visual.long().to(q.device)
        if pattern.name == "vertical_slash":
            return self._slash(numbers, -1, None)
        present = torch.unique(modality[modality.numel() - q.shape[1] :]).tolist()
        rows = {kind: last_rows(modality, kind, q.shape[1]) for kind in present}
        made_for = {kind: self._slash(numbers, kind, rows[kind]) for kind in present}
        other = next(iter(made_for.values()))
        return QBoundary(modality, [made_for.get(kind, other) for kind in (0, 1)])

    def _slash(self, numbers: Sequence[int], kind: int, rows: Tensor | None) -> VerticalSlash:
        """Columns and distances for rows of one kind; with a memory where only the nearest distances are wanted."""
        if self.memory is None or numbers[1] > RECENT:
            return vertical_slash(self.q, self.k, numbers[0], numbers[1], rows, FIRST, RECENT)
        return self.memory.find(self.layer, kind, self.q, self.k, numbers[0], rows, FIRST, RECENT)


def static_pattern(pattern: HeadPattern, tokens: TokenMap, device: torch.device) -> SparsePattern:
    """A pattern that needs the token map alone."""
    if pattern.name == "dense":
        return causal()
    if pattern.name == "a_shape":
        return Triangle(pattern.numbers[0], max(1, pattern.numbers[1]))
    if pattern.name == "tri_shape":
        return Triangle(pattern.numbers[0], max(1, pattern.numbers[1]), tokens.text_from())
    radius, own, sinks, local, steps = pattern.numbers
    return TraceLines(
        tokens.step.to(device), tokens.patch().to(device), radius, own or None, sinks, max(1, local), steps
    )


def _of_heads(pattern: SparsePattern, heads: list[int]) -> SparsePattern:
    """Of a pattern that was estimated for all heads, the one for some."""
    if isinstance(pattern, VerticalSlash):
        return VerticalSlash(pattern.verticals[heads], pattern.slashes[heads])
    if isinstance(pattern, BlockSparse):
        return BlockSparse(pattern.blocks[heads], pattern.first)
    if isinstance(pattern, QBoundary):
        return QBoundary(pattern.modality, [_of_heads(p, heads) for p in pattern.patterns])
    if isinstance(pattern, Grid):
        each = (pattern.stride[heads], pattern.row_phase[heads], pattern.column_phase[heads])
        return Grid(*each, pattern.start, pattern.stop, pattern.sinks, pattern.local, pattern.dense_from)
    raise TypeError(f"{type(pattern).__name__} was not estimated per head")
