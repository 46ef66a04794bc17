"""Same-patch lines by patch number: lists equal the predicate, lost patches shift nothing, looking back is bounded."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.oracle import keep_mask
from reticle_kernels.attention.plan import check_plan, pair_counts
from reticle_kernels.attention.trace_lines import TraceLines


def token_map(frames, lost=(), text=5):
    """Frames of so many patches with ``text`` tokens around; ``lost`` (frame, patch) are left out."""
    step, patch = [-1] * text, [-1] * text
    for number, size in enumerate(frames):
        kept = [n for n in range(size) if (number, n) not in lost]
        step += [number] * (len(kept) + text)
        patch += kept + [-1] * text
    return torch.tensor(step), torch.tensor(patch)


@st.composite
def traces(draw):
    frames = draw(st.lists(st.sampled_from([1, 40, 64, 65, 150]), max_size=4))
    random = draw(st.randoms(use_true_random=False))
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    lost = {(f, n) for f, size in enumerate(frames) for n in range(size) if random.random() < share}
    step, patch = token_map(frames, lost, draw(st.integers(1, 9)))
    pattern = TraceLines(
        step,
        patch,
        radius=draw(st.integers(0, 2)),
        own=draw(st.one_of(st.none(), st.integers(1, 2))),
        sinks=draw(st.sampled_from([0, 3, 64])),
        local=draw(st.sampled_from([1, 4, 70])),
        steps=draw(st.one_of(st.none(), st.integers(0, 2))),
    )
    return pattern, draw(st.integers(1, step.numel()))


@settings(max_examples=80, deadline=None)
@given(trace=traces())
def test_lists_equal_the_predicate(trace):
    pattern, queries = trace
    keys = pattern.step.numel()
    plan = compile_plan([(pattern, [0])], 1, queries, keys)
    check_plan(plan)
    assert torch.equal(pair_counts(plan)[0], keep_mask([(pattern, [0])], 1, queries, keys).int())


def test_a_patch_meets_itself_although_others_before_it_were_dropped():
    lost = {(0, n) for n in range(130)}
    step, patch = token_map([200, 200], lost)
    keys = step.numel()
    pattern = TraceLines(step, patch, radius=0, own=1, sinks=0, local=1)
    counts = pair_counts(compile_plan([(pattern, [0])], 1, keys, keys))
    row = int(((step == 1) & (patch == 150)).nonzero())
    column = int(((step == 0) & (patch == 150)).nonzero())
    assert counts[0, 0, row, column] == 1
    assert counts[0, 0, row, int(((step == 0) & (patch == 199)).nonzero())] == 0, "another 64 patches"


def test_the_newest_screenshot_costs_the_same_after_any_number_of_steps():
    def area(frames):
        step, patch = token_map([128] * frames, text=16)
        queries = 128 + 16
        return compile_plan([(TraceLines(step, patch, steps=3), [0])], 1, queries, step.numel()).area()

    assert area(5) == area(9) == area(20)


@pytest.mark.parametrize(
    ("step", "patch", "said"),
    [
        ([0, 0, -1], [0, 1, -1], "must not fall"),
        ([0, 0, 0], [0, 5, 5], "rise within"),
        ([0, 0, 0], [0, -1, 3], "stand together"),
        ([0, 0], [0], "must be"),
    ],
)
def test_maps_that_are_none_are_refused(step, patch, said):
    with pytest.raises(ValueError, match=said):
        TraceLines(torch.tensor(step), torch.tensor(patch))
