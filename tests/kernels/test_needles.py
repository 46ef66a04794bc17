"""Needles: dense attention finds all, patterns find what they can see, and guessing finds few."""

import pytest
import torch

from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.oracle import keep_mask
from reticle_kernels.attention.shapes import Triangle, causal
from reticle_kernels.attention.sparse import sparse_attention
from reticle_kernels.benchmark import needles
from reticle_kernels.benchmark.needles import KINDS, haystack, layers, measure_needles, summary


@pytest.fixture(scope="module")
def hay():
    return haystack(3, 0.0, 5)


def fetched(hay, assignment):
    plan = compile_plan(assignment, 4, hay.q.shape[2], hay.k.shape[2])
    return hay.found(sparse_attention(hay.q, hay.k, hay.v, plan, mode="sparse"))


def test_each_kind_looks_from_and_at_what_its_name_says(hay):
    queries, keys = hay.q.shape[2], hay.k.shape[2]
    shift = keys - queries
    expected = {"question": 0, "image": 1, "text": 0, "same patch": 1}
    for head, kind in enumerate(KINDS):
        source, goal = kind.split(" to ")
        row = hay.rows[head]
        scores = hay.k[0, head // 2, : row + shift + 1] @ hay.q[0, head, row]
        place = int(scores.argmax())
        assert hay.modality[row + shift] == expected[source]
        assert hay.modality[place] == expected[goal]
        assert place < shift
        if goal == "same patch":
            assert place - int(hay.starts[0]) == row + shift - int(hay.starts[-1])


def test_dense_attention_finds_every_needle_and_a_pattern_that_sees_none_guesses_none(hay):
    assert fetched(hay, [(causal(), range(4))]) == [True] * 4
    blind = [fetched(haystack(2, 0.0, seed), [(Triangle(1, 4), range(4))]) for seed in range(6)]
    assert sum(map(sum, blind)) <= 1


def test_a_head_with_the_pattern_made_for_it_finds_what_others_miss(hay):
    tried = layers(hay)
    assert fetched(hay, tried["by head"]) == [True] * 4
    assert fetched(hay, tried["same patch r=1"])[2]
    seen = keep_mask(tried["A-shape 128 + 1024"], 4, hay.q.shape[2], hay.k.shape[2])
    patch = int(hay.starts[0]) + hay.rows[2] - needles.TEXT
    assert not seen[2, hay.rows[2], patch]


def test_depth_runs_from_the_oldest_to_the_newest_screenshot():
    for depth, frame in ((0.0, 0), (0.5, 1), (1.0, 2)):
        one = haystack(4, depth, 1)
        scores = one.k[0, 0, : int(one.starts[-1]) - needles.TEXT] @ one.q[0, 0, one.rows[0]]
        place = int(scores.argmax())
        assert int(one.starts[frame]) <= place < int(one.starts[frame]) + needles.FRAME


def test_the_document_and_its_summary():
    document = measure_needles([2], [0.0], seeds=2)
    assert set(document) == {"device", "versions", "seeds", "kinds", "results"}
    lines = summary(document)
    assert {line["pattern"] for line in lines} == set(layers(haystack(2, 0.0, 0)))
    dense = next(line for line in lines if line["pattern"] == "dense")
    assert dense["found"] == [1.0] * 4
    assert dense["needles"] == 2
    assert dense["by_depth"] == {0.0: 1.0}
    assert all(line["density"] < 1 for line in lines if line["pattern"] != "dense")


@pytest.mark.parametrize(("frames", "depth", "words"), [(1, 0.0, "at least 2"), (3, 1.5, "depth is 1.5")])
def test_bad_haystacks_are_refused(frames, depth, words):
    with pytest.raises(ValueError, match=words):
        haystack(frames, depth, 0)


def test_a_haystack_is_its_seed():
    one, same, other = (haystack(2, 0.0, seed) for seed in (3, 3, 4))
    assert torch.equal(one.k, same.k)
    assert one.answers == same.answers
    assert not torch.equal(one.k, other.k)
