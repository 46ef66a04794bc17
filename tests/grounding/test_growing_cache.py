"""A cache that grows in place, and which of its keys a step scores."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache

from reticle_grounding.model.column_memory import AGAIN, SHORTLIST, ColumnMemory
from reticle_grounding.model.growing_cache import GrowingCache, unremembered
from reticle_kernels.attention.coverage import compile_plan, repeat_plan
from reticle_kernels.attention.cpu import sparse_attention_cpu
from reticle_kernels.attention.estimate import column_mass, estimate, vertical_slash
from reticle_kernels.attention.shapes import Triangle

HEADS, GROUPS, WIDTH = 4, 2, 16


def drawn(many: int, length: int, seed: int) -> torch.Tensor:
    return torch.randn(1, many, length, WIDTH, generator=torch.Generator().manual_seed(seed))


def caches() -> tuple[GrowingCache, DynamicCache]:
    return GrowingCache(2), DynamicCache()


def test_it_holds_what_a_dynamic_cache_holds_and_moves_keys_seldom():
    mine, theirs = caches()
    places = set()
    with torch.inference_mode():
        for step in range(40):
            new = drawn(GROUPS, 100, step), drawn(GROUPS, 100, step + 500)
            for layer in range(2):
                ours, expected = mine.update(*new, layer), theirs.update(*new, layer)
                assert all(torch.equal(a, b) for a, b in zip(ours, expected, strict=True))
            places.add(mine.layers[0].keys.data_ptr())
    assert mine.get_seq_length() == 4000
    assert len(places) <= 5, "a copy now and then, not one at every step"


def test_what_two_caches_share_neither_changes():
    mine, other = caches()[0], caches()[0]
    with torch.inference_mode():
        mine.update(drawn(GROUPS, 50, 0), drawn(GROUPS, 50, 1), 0)
        mine.share(other)
        assert other.layers[0].keys.data_ptr() == mine.layers[0].keys.data_ptr()
        before = mine.layers[0].keys.clone()
        other.update(drawn(GROUPS, 9, 2), drawn(GROUPS, 9, 3), 0)
        mine.update(drawn(GROUPS, 9, 4), drawn(GROUPS, 9, 5), 0)
        assert torch.equal(other.layers[0].keys[:, :, :50], before)
        assert torch.equal(mine.layers[0].keys[:, :, 50:], drawn(GROUPS, 9, 4))
        assert torch.equal(other.layers[0].keys[:, :, 50:], drawn(GROUPS, 9, 2))
        mine.layers[0].crop(-9)
        mine.update(drawn(GROUPS, 3, 6), drawn(GROUPS, 3, 7), 0)
        assert torch.equal(mine.layers[0].keys, torch.cat([before, drawn(GROUPS, 3, 6)], 2))
        third = caches()[0]
        mine.share(third)
        mine.layers[0].crop(-13)
        mine.update(drawn(GROUPS, 9, 8), drawn(GROUPS, 9, 9), 0)
        assert torch.equal(third.layers[0].keys[:, :, :50], before), "also after a step further back than the sharing"


@pytest.mark.parametrize("heads", [1, 2])
def test_the_processor_s_kernel_reads_part_of_a_buffer_as_it_reads_a_copy(heads):
    wide = torch.randn(2, heads, 400, WIDTH), torch.randn(2, heads, 400, WIDTH)
    part = tuple(t[:, :, 7:307] for t in wide)
    q = torch.randn(2, HEADS, 90, WIDTH)
    plan = compile_plan([(Triangle(16, 70), range(HEADS))], HEADS, 90, 300)
    plan = repeat_plan(plan, 2)
    ours = sparse_attention_cpu(q, *part, plan)
    torch.testing.assert_close(ours, sparse_attention_cpu(q, *(t.contiguous() for t in part), plan), atol=0, rtol=0)


def planted(old: int, loud: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """64 new rows that look at the old keys in ``loud`` [any], for every head."""
    q, k = drawn(HEADS, 64, seed)[0], drawn(GROUPS, old + 64, seed + 1)[0]
    q[..., 0], k[..., 0] = 4.0, 0.0
    k[:, loud, 0] = 8.0
    return q, k


def test_mass_of_some_keys_ranks_them_as_the_mass_of_all_does():
    q, k = planted(300, torch.tensor([5, 200]))
    whole = column_mass(q, k)
    torch.testing.assert_close(whole, estimate(q, k).mean(1), atol=1e-6, rtol=1e-5)
    some = torch.tensor([[5, 17, 200, 250]]).expand(HEADS, -1)
    part = column_mass(q, k, old=some)
    assert part.shape == (HEADS, 4 + 64)
    keys = torch.cat([some, torch.arange(300, 364).expand(HEADS, -1)], 1)
    weights = estimate(q, k).gather(2, keys.unsqueeze(1).expand(-1, 64, -1))
    torch.testing.assert_close(part, (weights / weights.sum(2, keepdim=True)).mean(1), atol=1e-6, rtol=1e-4)


def test_a_short_history_is_scored_as_a_whole():
    q, k = planted(500, torch.tensor([5, 200]))
    ours = ColumnMemory().find(0, 0, q, k, 40, None, 30, 100)
    expected = vertical_slash(q, k, 40, 100)
    for found, wanted in zip((ours.verticals, ours.slashes), (expected.verticals, expected.slashes), strict=True):
        assert torch.equal(found.sort(1).values, wanted.sort(1).values)


def test_a_long_history_is_scored_in_part_and_what_becomes_important_is_found_again():
    memory, wanted, old = ColumnMemory(), 40, 6000
    quiet = torch.tensor([5, 200, 3333])
    memory.find(0, 0, *planted(old, quiet), wanted, None, 30, 100)
    assert memory.scored == old + 64, "nothing was known yet"
    counts = set()
    for _ in range(3):
        found = memory.find(0, 0, *planted(old, quiet), wanted, None, 30, 100)
        assert bool(torch.isin(quiet, found.verticals[0]).all())
        counts.add(memory.scored)
    q, k = planted(2 * old, quiet)
    memory.find(0, 0, q, k, wanted, None, 30, 100)
    assert memory.scored == 2 * old + 64, "6000 keys came that were never scored"
    memory.find(0, 0, q, k, wanted, None, 30, 100)
    counts.add(memory.scored)
    assert counts == {SHORTLIST * wanted + AGAIN + 64}, "as many whatever the length"

    late = torch.tensor([4999])
    q, k = planted(2 * old, late)
    seen = [bool((memory.find(0, 0, q, k, wanted, None, 30, 100).verticals == 4999).any()) for _ in range(13)]
    assert any(seen), "after as many steps as it takes to go round all keys"
    assert all(seen[seen.index(True) :]), "and from then on it is among those scored first"


def test_the_memory_is_cut_taken_back_and_shared_with_the_cache():
    cache = caches()[0]
    q, k = planted(200, torch.tensor([150]))
    cache.memory.find(0, 0, q, k, 40, None, 30, 100)
    before = cache.memory.masses()[0][1]
    with unremembered(cache):
        cache.memory.find(0, 0, *planted(264, torch.tensor([9])), 40, None, 30, 100)
        assert cache.memory.masses()[0][1].shape == (HEADS, 328)
    assert cache.memory.masses()[0][1] is before
    with torch.inference_mode():
        cache.update(k[None], k[None], 0)
        cache.update(k[None], k[None], 1)
        kept = torch.tensor([0, 150, 151, 263])
        cache.take(kept)
    assert torch.equal(cache.memory.masses()[0][1], before[:, kept])
    assert torch.equal(cache.layers[1].values, k[None][:, :, kept])
