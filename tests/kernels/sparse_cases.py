"""Random layers for tests: patterns of every kind with parameters drawn by hypothesis."""

import os
from dataclasses import replace

import torch
from hypothesis import strategies as st

from reticle_kernels.attention.boundaries import Boundary2D, KBoundary, QBoundary, SamePatch
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal


def many(examples):
    """So many examples, times RETICLE_EXAMPLES where a longer search is wanted."""
    return examples * int(os.environ.get("RETICLE_EXAMPLES", "1"))


SIZES = st.sampled_from([1, 2, 63, 64, 65, 100, 127, 128, 129, 190, 300])


@st.composite
def sizes(draw):
    keys = draw(SIZES)
    queries = draw(st.one_of(st.just(keys), st.integers(1, keys)))
    return queries, keys


def numbers(draw, shape, low, high):
    seed = draw(st.integers(0, 2**20))
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


@st.composite
def triangles(draw, queries, keys, heads):
    dense = draw(st.one_of(st.none(), st.integers(0, keys)))
    return Triangle(draw(st.integers(0, 70)), draw(st.sampled_from([0, 1, 2, 63, 64, 65, 100])), dense)


@st.composite
def vertical_slashes(draw, queries, keys, heads):
    verticals = numbers(draw, (heads, draw(st.integers(0, 9))), -2, keys)
    return VerticalSlash(verticals, numbers(draw, (heads, draw(st.integers(0, 6))), -2, keys + 5))


@st.composite
def block_sparses(draw, queries, keys, heads):
    first = (keys - queries) // 64
    rows = (keys - 1) // 64 - first + 1
    return BlockSparse(numbers(draw, (heads, rows, draw(st.integers(0, 3))), -2, (keys + 63) // 64), first)


@st.composite
def grids(draw, queries, keys, heads):
    stride = torch.tensor(draw(st.lists(st.sampled_from([1, 2, 7, 13, 64, 91]), min_size=heads, max_size=heads)))
    row, column = (numbers(draw, (heads,), -1, 91) % (stride + 1) - 1 for _ in range(2))
    start = draw(st.integers(0, keys))
    return Grid(
        stride, row, column, start, draw(st.integers(start, keys)), draw(st.sampled_from([0, 1, 5, 64])),
        draw(st.sampled_from([0, 1, 10, 64, 90])), draw(st.one_of(st.none(), st.integers(0, keys))),
    )  # fmt: skip


@st.composite
def same_patches(draw, queries, keys, heads):
    starts, lengths, at = [], [], 0
    for _ in range(draw(st.integers(0, 4))):
        at += draw(st.integers(0, 9))
        length = draw(st.sampled_from([1, 40, 64, 65, 90]))
        if at + length > keys:
            break
        starts.append(at)
        lengths.append(length)
        at += length
    as_longs = [torch.tensor(x, dtype=torch.int64) for x in (starts, lengths)]
    return SamePatch(
        *as_longs, draw(st.integers(0, 2)), draw(st.one_of(st.none(), st.integers(1, 2))),
        draw(st.sampled_from([0, 3, 64])), draw(st.sampled_from([1, 4, 70])),
        draw(st.one_of(st.none(), st.integers(0, keys))),
    )  # fmt: skip


PLAIN = {
    "triangle": triangles, "vertical_slash": vertical_slashes, "block_sparse": block_sparses, "grid": grids,
    "same_patch": same_patches,
}  # fmt: skip


@st.composite
def inner(draw, queries, keys, heads):
    return draw(PLAIN[draw(st.sampled_from(sorted(PLAIN)))](queries, keys, heads))


@st.composite
def modalities(draw, keys, kinds=2):
    """Spans of text and image of odd lengths, so that 64-blocks straddle them."""
    lengths = draw(st.lists(st.integers(1, 90), min_size=1, max_size=6))
    spans = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)) % kinds
    return spans.repeat(keys // len(spans) + 1)[:keys]


@st.composite
def q_boundaries(draw, queries, keys, heads):
    return QBoundary(draw(modalities(keys)), [draw(inner(queries, keys, heads)) for _ in range(2)])


@st.composite
def k_boundaries(draw, queries, keys, heads):
    return KBoundary(draw(modalities(keys)), [draw(inner(queries, keys, heads)) for _ in range(2)])


@st.composite
def boundaries_2d(draw, queries, keys, heads):
    table = [[draw(inner(queries, keys, heads)) for _ in range(2)] for _ in range(2)]
    return Boundary2D(draw(modalities(keys)), table)


ALL = {**PLAIN, "q_boundary": q_boundaries, "k_boundary": k_boundaries, "boundary_2d": boundaries_2d}


@st.composite
def mixed_layers(draw, heads):
    """(assignment, queries, keys): each head of the layer follows a pattern of its own kind."""
    queries, keys = draw(sizes())
    order = draw(st.permutations(range(heads)))
    cut = draw(st.integers(1, heads))
    first, rest = order[:cut], order[cut:]
    make = draw(st.sampled_from(sorted(ALL)))
    assignment = [(draw(ALL[make](queries, keys, len(first))), first)]
    if rest:
        other = draw(st.sampled_from(sorted(ALL)))
        assignment.append((draw(ALL[other](queries, keys, len(rest))), rest))
    return assignment, queries, keys


def shuffled(plan, seed=0):
    """The same pairs in another order: blocks, the rows within each, and the columns within each list."""
    generator = torch.Generator().manual_seed(seed)

    def within(ranges):
        """Shuffled entries of each range, laid end to end, as several blocks may read one list; the new ranges."""
        parts = [torch.randperm(int(b - a), generator=generator) + a for a, b in ranges.tolist()]
        many = ranges.diff(dim=1).squeeze(1)
        end = many.cumsum(0)
        return torch.cat([torch.zeros(0, dtype=torch.int64), *parts]), torch.stack([end - many, end], 1)

    order = torch.randperm(plan.block_head.numel(), generator=generator)
    (rows, row_range), (columns, column_range) = within(plan.row_range), within(plan.column_range)
    return replace(
        plan,
        rows=plan.rows[rows],
        columns=plan.columns[columns],
        column_near=plan.column_near[columns],
        block_head=plan.block_head[order],
        row_range=row_range[order],
        chunk_range=plan.chunk_range[order],
        column_range=column_range[order],
    )


__all__ = ["ALL", "PLAIN", "causal", "many", "mixed_layers", "shuffled", "sizes"]
