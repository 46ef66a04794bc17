"""Planted structure must be found again."""

import pytest
import torch

from reticle_kernels.attention import estimate
from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.plan import pair_counts

WIDTH = 64


def noise(heads, length, seed, size=0.05):
    return size * torch.randn(heads, length, WIDTH, generator=torch.Generator().manual_seed(seed))


def planted(heads, kv_heads, queries, keys, columns_of):
    """Queries look along one direction; the chosen columns of each key head point that way."""
    q, k = noise(heads, queries, 1), noise(kv_heads, keys, 2)
    q[..., 0] += 10
    for head in range(kv_heads):
        k[head, columns_of(head), 0] += 10
    return q, k


def test_planted_columns_are_found_in_every_head():
    columns = {0: [100, 205, 333], 1: [61, 207, 480]}
    q, k = planted(4, 2, 200, 600, lambda head: columns[head])
    found = estimate.vertical_slash(q, k, 33, 100)
    for head in range(4):
        assert set(columns[head // 2]) <= set(found.verticals[head].tolist())
        assert set(range(30)) <= set(found.verticals[head].tolist())


def test_planted_diagonals_are_found_and_the_nearest_are_always_taken():
    keys, distance = 500, 273
    k = torch.nn.functional.normalize(noise(1, keys, 3), dim=-1)
    q = 80 * k.roll(distance, 1)
    found = estimate.vertical_slash(q, k, 30, 101)
    assert distance in found.slashes[0].tolist()
    assert set(range(100)) <= set(found.slashes[0].tolist())


def test_diagonal_mass_is_the_sum_along_distances():
    weights = torch.rand(2, 3, 9, generator=torch.Generator().manual_seed(0))
    position = torch.tensor([2, 5, 8])
    mass = estimate.diagonal_mass(weights, position)
    for d in range(9):
        expected = sum(weights[:, r, p - d] for r, p in enumerate(position.tolist()) if p >= d)
        torch.testing.assert_close(mass[:, d], torch.as_tensor(expected).expand(2))


def test_estimates_are_causal_and_rows_sum_to_one():
    q, k = noise(2, 70, 0), noise(1, 90, 1)
    weights = estimate.estimate(q, k, torch.tensor([0, 40]))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2))
    assert weights[:, 0, 21:].sum() == 0
    assert weights[:, 1, 61:].sum() == 0


@pytest.mark.parametrize(("stride", "phase"), [(7, 3), (13, 0), (91, 90)])
def test_stride_and_phase_of_a_grid_are_found_among_candidates(stride, phase):
    keys = 1200
    q, k = planted(4, 2, 300, keys, lambda head: range((phase + 100) % stride, keys, stride) if head == 0 else [7])
    expected = (phase + 100) % stride
    found, accepted = estimate.grid(q, k, [5, 7, 13, 64, 91, 182], 20, 1100, sinks=16, local=64)
    assert accepted.tolist() == [True, True, False, False]
    assert found.stride[:2].tolist() == [stride] * 2
    assert found.column_phase[:2].tolist() == [expected] * 2
    counts = pair_counts(compile_plan([(found, range(4))], 4, 300, keys))[0]
    columns = torch.arange(expected, keys, stride)
    columns = columns[(columns >= 20) & (columns < 1100)]
    assert (counts[:2, -1, columns] == 1).all()


def test_a_head_without_a_grid_keeps_its_frame_only():
    q, k = noise(1, 100, 0), noise(1, 400, 1)
    found, accepted = estimate.grid(q, k, [7, 13], 0, 400, sinks=4, local=8)
    assert not accepted.any()
    counts = pair_counts(compile_plan([(found, [0])], 1, 100, 400))[0, 0]
    assert counts.sum(-1).tolist() == [12] * 100


def test_block_choice_takes_the_blocks_that_fit_and_the_own_one():
    q, k = planted(2, 1, 150, 64 * 9, lambda head: range(64 * 3, 64 * 4))
    found = estimate.block_sparse(q, k, 2)
    assert found.first == (64 * 9 - 150) // 64
    for n in range(found.blocks.shape[1]):
        assert set(found.blocks[0, n].tolist()) == {3, found.first + n}


def test_block_choice_never_looks_ahead():
    found = estimate.block_sparse(noise(1, 300, 0), noise(1, 300, 1), 5)
    own = torch.arange(5).view(1, 5, 1)
    assert (found.blocks <= own).all()
    assert ((found.blocks >= 0).sum(-1) == own.squeeze(-1) + 1).all()


def test_rows_of_each_modality_are_the_last_of_it():
    modality = torch.tensor([0, 0, 1, 1, 1, 0, 1, 0])
    assert estimate.last_rows(modality, 1, 6, many=2).tolist() == [2, 4]
    assert estimate.last_rows(modality, 0, 2).tolist() == [1]
    with pytest.raises(ValueError, match="modality 3"):
        estimate.last_rows(modality, 3, 6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: estimate.estimate(noise(3, 5, 0), noise(2, 5, 0)), "3 query heads"),
        (lambda: estimate.estimate(noise(2, 6, 0), noise(2, 5, 0)), "6 queries"),
        (lambda: estimate.estimate(noise(2, 5, 0)[0], noise(2, 5, 0)), "must be"),
        (lambda: estimate.block_sparse(noise(2, 5, 0), noise(2, 5, 0), 0), "top is 0"),
        (lambda: estimate.grid(noise(2, 5, 0), noise(2, 5, 0), [2], 0, 6), "does not lie"),
    ],
)
def test_bad_input_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
