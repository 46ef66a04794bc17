"""Index expansion equals the predicate: every pair exactly once, none besides."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from sparse_cases import ALL, many, mixed_layers, sizes

from reticle_kernels.attention.boundaries import Boundary2D, KBoundary, QBoundary, SamePatch
from reticle_kernels.attention.coverage import compile_plan, repeat_plan
from reticle_kernels.attention.oracle import keep_mask
from reticle_kernels.attention.plan import check_plan, pair_counts, stack_plans
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal


def expands_to_predicate(assignment, heads, queries, keys):
    plan = compile_plan(assignment, heads, queries, keys)
    check_plan(plan)
    expected = keep_mask(assignment, heads, queries, keys)
    assert torch.equal(pair_counts(plan)[0], expected.int())
    return plan


@pytest.mark.parametrize("kind", sorted(ALL))
@settings(max_examples=many(40), deadline=None)
@given(data=st.data())
def test_every_pattern_expands_to_its_predicate(kind, data):
    queries, keys = data.draw(sizes())
    pattern = data.draw(ALL[kind](queries, keys, 2))
    expands_to_predicate([(pattern, [0, 1])], 2, queries, keys)


@settings(max_examples=many(40), deadline=None)
@given(layer=mixed_layers(3))
def test_heads_of_one_layer_may_mix_patterns(layer):
    assignment, queries, keys = layer
    expands_to_predicate(assignment, 3, queries, keys)


def test_three_pieces_of_a_prompt_read_what_one_piece_reads():
    keys = 300
    modality = (torch.arange(keys) // 50) % 2
    frames = SamePatch(torch.tensor([10, 120]), torch.tensor([100, 100]), sinks=4, local=8, dense_from=270)
    grid = Grid(torch.tensor([7]), torch.tensor([3]), torch.tensor([2]), 10, 280, 4, 20)
    slash = VerticalSlash(torch.tensor([[5, 90]]), torch.tensor([[33, 100]]))
    for pattern in (Triangle(4, 30, 250), frames, grid, slash, QBoundary(modality, [slash, Triangle(3, 9)])):
        whole = pair_counts(compile_plan([(pattern, [0])], 1, keys, keys))[0, 0]
        for begin, end in ((0, 90), (90, 210), (210, 300)):
            piece = pattern
            if isinstance(pattern, QBoundary):
                piece = QBoundary(modality[:end], pattern.patterns)
            part = pair_counts(compile_plan([(piece, [0])], 1, end - begin, end))[0, 0]
            assert torch.equal(part, whole[begin:end, :end])


def test_distance_zero_is_added_to_slashes_so_that_no_row_is_empty():
    pattern = VerticalSlash(torch.zeros(1, 0, dtype=torch.int64), torch.tensor([[100]]))
    counts = pair_counts(compile_plan([(pattern, [0])], 1, 200, 200))
    assert (counts.sum(-1) >= 1).all()


def test_shifted_frames_are_still_hit_where_a_fixed_stride_misses():
    patch, frame, text = 77, 128, (3, 10, 17)
    starts = torch.tensor([text[0], text[0] + frame + text[1], text[0] + 2 * frame + sum(text[1:])])
    keys = int(starts[-1]) + frame + 5
    same = compile_plan([(SamePatch(starts, torch.full((3,), frame), 0, 1, 0, 1), [0])], 1, keys, keys)
    counts = pair_counts(same)[0, 0]
    row = int(starts[2]) + patch
    assert counts[row, starts[0] + patch] == 1
    assert counts[row, starts[1] + patch] == 1
    stride = int(starts[1] - starts[0])
    fixed = Grid(torch.tensor([stride]), torch.tensor([-1]), torch.tensor([row % stride]), 0, keys, 0, 1)
    missed = pair_counts(compile_plan([(fixed, [0])], 1, keys, keys))[0, 0]
    assert missed[row, starts[0] + patch] == 0


def test_regions_and_positions_past_the_prompt_are_left_out():
    keys, modality = 100, (torch.arange(100) // 9) % 2
    grid = Grid(*torch.tensor([[7], [1], [2]]), 0, 150, 4, 10)
    frames = SamePatch(torch.tensor([10, 80]), torch.tensor([50, 50]), sinks=4, local=8)
    slash = VerticalSlash(torch.tensor([[5, 120]]), torch.tensor([[33, 500]]))
    for pattern in (grid, frames, slash):
        expands_to_predicate([(pattern, [0])], 1, keys, keys)
        expands_to_predicate([(KBoundary(modality, [causal(), pattern]), [0])], 1, keys, keys)


def test_static_heads_share_one_copy_of_their_lists():
    one = compile_plan([(Triangle(64, 256), [0])], 1, 2048, 2048)
    many = compile_plan([(Triangle(64, 256), list(range(8)))], 8, 2048, 2048)
    assert many.chunk_start.numel() == one.chunk_start.numel()
    assert many.block_head.numel() == 8 * one.block_head.numel()
    assert many.density() == pytest.approx(one.density())


def test_grid_columns_are_stored_once_per_head_and_not_once_per_row_block():
    plan = compile_plan([(Grid(*torch.tensor([[7], [-1], [0]]), 0, 4096, 64, 64), [0])], 1, 4096, 4096)
    assert plan.columns.numel() <= 4096 // 7 + 1
    assert plan.column_range.shape[0] == 4096 // 64


def test_columns_beside_a_band_are_stored_once_per_head_too():
    columns = torch.arange(0, 4096, 8).expand(2, -1)
    band = compile_plan([(VerticalSlash(columns, torch.arange(128).expand(2, -1)), [0, 1])], 2, 4096, 4096)
    assert band.columns.numel() == columns.numel()
    assert band.listed_keys().max() > 512
    scattered = torch.tensor([[0, 1000], [0, 2000]])
    expands_to_predicate([(VerticalSlash(columns[:, ::64], scattered), [0, 1])], 2, 300, 300)
    expands_to_predicate([(VerticalSlash(columns[:, ::4], scattered[:, :1] + 70), [0, 1])], 2, 300, 390)


def test_dense_has_density_near_one_and_blocks_with_most_keys_come_first():
    plan = compile_plan([(causal(), [0, 1])], 2, 4096, 4096)
    assert 1.0 <= plan.density() < 1.05
    assert plan.listed_keys().diff().le(0).all()
    assert plan.listed_keys()[0] == 4096


def test_padded_prompts_stack_to_the_lists_of_each_prompt_moved_to_the_end():
    short = compile_plan([(Triangle(3, 20), [0, 1])], 2, 70, 90)
    long = compile_plan([(causal(), [0, 1])], 2, 100, 130)
    both = stack_plans([short, long], 100, 130)
    check_plan(both)
    assert both.padding.tolist() == [40, 0]
    counts = pair_counts(both)
    assert torch.equal(counts[1], pair_counts(long)[0])
    assert torch.equal(counts[0, :, 30:, 40:], pair_counts(short)[0])
    assert counts[0].sum() == counts[0, :, 30:, 40:].sum()


def test_a_plan_repeats_for_prompts_of_one_length():
    plan = compile_plan([(Triangle(3, 20), [0, 1])], 2, 70, 90)
    counts = pair_counts(repeat_plan(plan, 3))
    assert torch.equal(counts, pair_counts(plan).expand(3, -1, -1, -1))


PLAN = compile_plan([(Triangle(3, 20, 60), [0]), (Grid(*torch.tensor([[7], [1], [0]]), 0, 90, 2, 9), [1])], 2, 90, 90)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chunk_range": PLAN.chunk_range.flip(1)}, "chunk_range is not monotone"),
        ({"column_range": PLAN.column_range + 1000}, "column_range is not monotone"),
        ({"row_range": PLAN.row_range[:, :1]}, "row_range has shape"),
        ({"rows": PLAN.rows * 0}, "more than one row block"),
        ({"rows": PLAN.rows + 90}, "rows lie outside"),
        ({"chunk_start": PLAN.chunk_start - 1}, "longer than|outside"),
        ({"chunk_stop": PLAN.chunk_stop + 70}, "longer than"),
        ({"columns": PLAN.columns + 90}, "columns lie outside"),
        ({"column_near": PLAN.column_near[:-1]}, "differ in length"),
        ({"block_head": PLAN.block_head + 1}, "outside 0..1"),
        ({"queries": 91}, "91 queries"),
        ({"padding": PLAN.padding - 1}, "padding must be"),
    ],
)
def test_broken_plans_are_refused_and_say_what_is_wrong(change, words):
    check_plan(PLAN)
    with pytest.raises(ValueError, match=words):
        check_plan(replace(PLAN, **change))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: compile_plan([(causal(), [0])], 2, 4, 4), "each of 0..1 once"),
        (lambda: compile_plan([(causal(), [0, 0])], 1, 4, 4), "each of 0..0 once"),
        (lambda: compile_plan([(causal(), [0])], 1, 5, 4), "5 queries"),
        (lambda: compile_plan([(VerticalSlash(*torch.zeros(2, 2, 1).long()), [0])], 1, 4, 4), "holds 2 heads"),
        (lambda: Triangle(-1, 4), "sinks is -1"),
        (lambda: VerticalSlash(torch.zeros(2, 1), torch.zeros(3, 1)), "must be"),
        (lambda: BlockSparse(torch.zeros(2, 1)), "blocks have shape"),
        (lambda: compile_plan([(BlockSparse(torch.zeros(1, 1, 1).long()), [0])], 1, 100, 100), "row blocks 0..0"),
        (lambda: Grid(*torch.tensor([[0], [0], [0]]), 0, 4), "strides must be"),
        (lambda: Grid(*torch.tensor([[3], [3], [0]]), 0, 4), "below their strides"),
        (lambda: Grid(*torch.tensor([[3], [0], [0]]), 4, 0), "not a range"),
        (lambda: Boundary2D(torch.tensor([0, 2]), [[causal()] * 2] * 2), "outside 0..1"),
        (lambda: Boundary2D(torch.tensor([0, 1]), [[causal()], [causal()]]), "square"),
        (lambda: compile_plan([(QBoundary(torch.zeros(9).long(), [causal()]), [0])], 1, 4, 4), "covers 9"),
        (lambda: SamePatch(torch.tensor([0, 5]), torch.tensor([6, 6])), "without overlap"),
        (lambda: SamePatch(torch.tensor([0]), torch.tensor([6]), radius=-1), "radius"),
        (lambda: stack_plans([PLAN], 50, 90), "does not fit"),
        (lambda: stack_plans([], 50, 90), "no plans"),
        (lambda: repeat_plan(repeat_plan(PLAN, 2), 2), "cannot be repeated"),
    ],
)
def test_bad_input_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
