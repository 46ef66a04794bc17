"""The measuring code: what it prints, what it refuses, and that its own references are right."""

import json
import math

import pytest
import torch
from PIL import Image

from reticle_kernels.attention.boundaries import SamePatch
from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.cpu import sparse_attention_cpu
from reticle_kernels.attention.oracle import keep_mask, masked_attention
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal
from reticle_kernels.attention.sparse import dense_attention
from reticle_kernels.benchmark import clock, measure, prediction, worst
from reticle_kernels.benchmark.cases import SHAPES, Shape, cases, inputs
from reticle_kernels.benchmark.measure import Request, relative_error
from reticle_kernels.benchmark.picture import draw_speedups
from reticle_kernels.benchmark.rivals import block_mask, dense_rivals, flex_rival
from reticle_kernels.benchmark.whole_model import RandomDecoder

FIELDS = {"pattern", "length", "density", "dense_ms", "sparse_ms", "speedup", "max_rel_error"}
SMALL = Shape("small", 2, 16, 24, 4, 2, 16, 100, 20, 9)


def drawn(heads, groups, queries, keys, width=16, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, heads, queries, width), (1, groups, keys, width), (1, groups, keys, width)]
    return [torch.randn(*shape, generator=generator, dtype=dtype) for shape in shapes]


@pytest.fixture(scope="module")
def document():
    return measure.measure(Request(lengths=(300, 260), rounds=1, seed=7, whole_model=True))


def test_the_document_has_the_promised_fields_and_survives_json(document):
    assert set(document) == {"device", "versions", "seeds", "results"}
    assert document == json.loads(json.dumps(document))
    assert document["seeds"] == {"inputs": 7}
    assert document["versions"]["torch"] == torch.__version__.split("+")[0] or "torch" in document["versions"]
    assert "thread" in document["device"]
    for line in document["results"]:
        assert set(line) == FIELDS
        assert line["speedup"] == pytest.approx(line["dense_ms"] / line["sparse_ms"], rel=0.1)
        assert line["density"] > 0
        assert line["max_rel_error"] < 1e-5


def test_shares_of_the_ceiling_are_arithmetic_and_the_worst_line_is_profiled(document, tmp_path, capsys):
    shape = SHAPES["embedded"]
    line = {"pattern": "A-shape 128 + 1024", "length": 1000, "density": 0.5, "dense_ms": 9.0, "sparse_ms": 2.0}
    made = [line, line | {"pattern": "dense: SDPA", "sparse_ms": 99.0}, line | {"pattern": "x end to end, A-shape"}]
    found = worst.shares({"results": made}, shape, ceiling=0.1)
    pairs = 4 * 0.5 * 1000 * 1001 / 2
    assert [(s.pattern, s.sparse) for s in found] == [("A-shape 128 + 1024", True), ("dense: SDPA", False)]
    assert found[0].tflops == pytest.approx(4 * 64 * pairs / 2e-3 / 1e12)
    assert found[0].share == pytest.approx(found[0].tflops / 0.1)
    assert worst.worst(found) == found[0], "a dense rival is not what is profiled, however slow"
    with pytest.raises(ValueError, match="no line of sparse"):
        worst.worst(found[1:])

    path, out = tmp_path / "prefill.json", tmp_path / "worst.txt"
    path.write_text(json.dumps(document))
    assert worst.main([str(path), "--device", "cpu", "--out", str(out)]) == 0
    said = out.read_text()
    assert said.strip() == capsys.readouterr().out.strip()
    assert "matrix products reach" in said
    assert "least share: " in said
    assert "aten::" in said, "the profile names operations"
    assert worst.main([str(tmp_path / "none.json"), "--device", "cpu"]) == 2


def test_lengths_ascend_and_each_has_every_pattern_and_whole_models(document):
    lengths = [line["length"] for line in document["results"]]
    assert lengths == sorted(lengths)
    for length in (260, 300):
        names = [line["pattern"] for line in document["results"] if line["length"] == length]
        assert names[: -len([n for n in names if "end to end" in n])] == [
            case.name for case in cases(SHAPES["embedded"], length, "cpu")
        ]
        assert any("end to end" in name for name in names)


def test_traces_of_two_screenshots_bring_the_patterns_that_need_them():
    few = {case.name for case in cases(SHAPES["embedded"], 1000, "cpu")}
    more = {case.name for case in cases(SHAPES["embedded"], 2200, "cpu")}
    assert more - few == {
        "same patch r=1, own frame", "same patch r=1, own 8 chunks", "Q-boundary: text A-shape, image slash",
    }  # fmt: skip


def test_the_planted_grid_is_found_by_the_pattern_that_is_measured():
    shape = SHAPES["embedded"]
    q, k, _ = inputs(shape, 2000, "cpu", torch.float32, 0)
    grid = next(case for case in cases(shape, 2000, "cpu") if case.name.startswith("grid"))
    pattern = grid.find(q[0], k[0])
    assert pattern.stride.tolist() == [shape.row] * 4
    assert pattern.column_phase.tolist() == [5] * 4


def test_dense_attention_is_timed_once_for_the_patterns_that_are_wanted():
    kept = []
    request = Request(lengths=(900, 1000), rounds=1, patterns=("A-shape", "triangle"), dense_once=True)
    document = measure.measure(request, keep=lambda so_far: kept.append(json.loads(json.dumps(so_far))))
    lines = document["results"]
    names = [case.name for case in cases(SHAPES["embedded"], 1000, "cpu")]
    wanted = [name for name in names if name.startswith(("A-shape", "triangle"))]
    assert 2 <= len(wanted) < len(names)
    for length in (900, 1000):
        assert [line["pattern"] for line in lines if line["length"] == length] == wanted
        assert len({line["dense_ms"] for line in lines if line["length"] == length}) == 1
    assert [len(so_far["results"]) for so_far in kept] == list(range(1, len(lines) + 1)), "nothing done is ever lost"
    assert kept[-1] == document


def test_long_lengths_are_left_out_by_what_shorter_ones_took():
    said = []
    request = Request(lengths=(64, 1 << 40), rounds=1, longest_s=5.0)
    lines = measure.measure(request, said.append)["results"]
    assert {line["length"] for line in lines} == {64}
    assert any(str(1 << 40) in line for line in said)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(device="tpu"), "'tpu'"),
        (Request(shape="70b"), "'70b'"),
        (Request(lengths=(4, 0)), "length is 0"),
        (Request(rounds=0), "rounds is 0"),
    ],
)
def test_bad_requests_are_refused(request_, words):
    with pytest.raises(ValueError, match=words):
        measure.measure(request_)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="cannot measure on cuda"):
        clock.check_device("cuda")


def test_the_error_is_relative_and_sees_one_wrong_row():
    q, k, v = drawn(4, 2, 50, 70)
    pattern = Triangle(3, 20)
    out = sparse_attention_cpu(q, k, v, compile_plan([(pattern, range(4))], 4, 50, 70))
    assert relative_error(out, q, k, v, pattern, 0) < 1e-5
    expected = masked_attention(q, k, v, keep_mask([(pattern, range(4))], 4, 50, 70))
    out[0, 3, 11] += 1.0
    wrong = relative_error(out, q, k, v, pattern, 0)
    assert wrong == pytest.approx(1.0 / float(expected.abs().max()), rel=0.1)


def test_turns_alternate_and_medians_are_taken(monkeypatch):
    ticks = iter([1.0, 9.0, 2.0, 8.0, 3.0, 7.0])
    calls = []
    monkeypatch.setattr(clock, "once_ms", lambda run, device: (calls.append(run), next(ticks))[1])
    assert clock.paired_ms("a", "b", "cpu", 3) == (2.0, 8.0)
    assert calls == ["a", "b"] * 3


FRAMES = SamePatch(torch.tensor([9, 190]), torch.tensor([150, 150]), 1, None, 3, 40, 380)
PATTERNS = {
    "causal": causal(),
    "triangle": Triangle(70, 100, 350),
    "grid": Grid(*torch.tensor([[7, 36], [2, -1], [3, 5]]), 10, 380, 4, 20, 390),
    "same patch": FRAMES,
    "same patch, own chunks": SamePatch(FRAMES.starts, FRAMES.lengths, 0, 1, 0, 1),
}


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("name", list(PATTERNS))
@pytest.mark.parametrize("queries", [400, 130])
def test_flex_attention_is_a_second_truth_for_the_same_blocks(name, queries):
    pattern, keys = PATTERNS[name], 400
    q, k, v = drawn(2, 1, queries, keys)
    second = flex_rival(pattern, queries, keys, "cpu", compiled=False)(q, k, v)
    mine = sparse_attention_cpu(q, k, v, compile_plan([(pattern, [0, 1])], 2, queries, keys))
    torch.testing.assert_close(mine, second, atol=3e-6, rtol=3e-6)
    expected = masked_attention(q, k, v, keep_mask([(pattern, [0, 1])], 2, queries, keys))
    torch.testing.assert_close(second.double(), expected, atol=3e-6, rtol=3e-6)


def test_flex_blocks_without_a_mask_are_full_and_no_block_is_later_than_its_rows():
    mask = block_mask(causal(), 400, 400, "cpu")
    # The last block of rows is not whole, so even the keys that all its rows read take the mask.
    assert mask.full_kv_num_blocks[0, 0].tolist() == [0, 1, 2, 0]
    assert mask.kv_num_blocks[0, 0].tolist() == [1, 1, 1, 4]


def test_flex_is_left_out_for_patterns_it_cannot_evaluate_by_pair():
    slash = VerticalSlash(torch.zeros(2, 1).long(), torch.zeros(2, 1).long())
    blocks = BlockSparse(torch.zeros(2, 7, 1).long())
    assert block_mask(slash, 400, 400, "cpu") is None
    assert block_mask(blocks, 400, 400, "cpu") is None


def test_dense_rivals_agree():
    q, k, v = drawn(4, 2, 60, 60)
    rivals = dense_rivals("cpu")
    assert list(rivals) == ["SDPA"]
    expected = masked_attention(q, k, v, keep_mask([(causal(), range(4))], 4, 60, 60))
    torch.testing.assert_close(rivals["SDPA"](q, k, v).double(), expected, atol=3e-6, rtol=3e-6)


def test_the_random_model_is_causal_and_sparse_attention_of_density_one_changes_nothing():
    decoder = RandomDecoder(SMALL, "cpu", torch.float32, 0)
    states = decoder.states(90)
    out = decoder.prefill(states, dense_attention)
    assert out.shape == (90, 16)
    assert not torch.allclose(out, states)
    torch.testing.assert_close(decoder.prefill(states[:50], dense_attention), out[:50], atol=1e-5, rtol=1e-5)
    plan = compile_plan([(causal(), range(4))], 4, 90, 90)
    sparse = decoder.prefill(states, lambda q, k, v: sparse_attention_cpu(q, k, v, plan))
    torch.testing.assert_close(sparse, out, atol=1e-5, rtol=1e-5)


def test_turning_positions_keeps_lengths_and_depends_on_distance_alone():
    decoder = RandomDecoder(SMALL, "cpu", torch.float64, 0)
    seen = []
    decoder.prefill(decoder.states(1).expand(40, -1), lambda q, k, v: (seen.append((q, k)), v.repeat(1, 2, 1, 1))[1])
    q, k = seen[0]
    scores = q[0, 0] @ k[0, 0].T
    for distance in (0, 3, 11):
        line = scores.diagonal(-distance)
        torch.testing.assert_close(line, line[:1].expand_as(line), atol=1e-5, rtol=1e-5)
    assert float(scores[11, 0]) != pytest.approx(float(scores[0, 0]))


def test_the_picture_shows_every_pattern(document, tmp_path):
    out = draw_speedups(document, tmp_path / "a.png")
    with Image.open(out) as image:
        assert image.width == 1120
        assert len({pixel for _, pixel in image.convert("RGB").getcolors(1 << 24)}) > 8
    with pytest.raises(ValueError, match="no results"):
        draw_speedups({**document, "results": []}, tmp_path / "b.png")
    with pytest.raises(ValueError, match="must end in"):
        draw_speedups(document, tmp_path / "b.jpg")
    assert all(math.isfinite(line["speedup"]) for line in document["results"])


def test_predictions_agree_with_the_specification():
    seven, three = SHAPES["7b"], SHAPES["3b"]
    # Table of section 5.2: TFLOP and bounds at 50k tokens; then the wall-clock model of 5.3 at a density of 10%.
    assert prediction.linear_tflop(seven, 50_000) == pytest.approx(82.2 + 570, rel=0.005)
    assert prediction.linear_tflop(three, 50_000) == pytest.approx(34.0 + 243, rel=0.005)
    assert prediction.attention_tflop(seven, 50_000) == pytest.approx(502, rel=0.005)
    assert prediction.attention_tflop(three, 50_000) == pytest.approx(369, rel=0.005)
    for length, ratios in {20_000: (1.22, 1.33), 50_000: (1.57, 1.88), 100_000: (2.04, 2.52)}.items():
        for shape, ratio in zip((seven, three), ratios, strict=True):
            assert prediction.model_speedup(shape, length, 0.1) == pytest.approx(ratio, rel=0.04)
    assert prediction.model_speedup(seven, 5_000, 0.1) < prediction.model_speedup(seven, 50_000, 0.1)
    assert prediction.attention_speedup(350 / 600) == pytest.approx(1.0)


def test_predicted_densities_fall_with_length():
    short, long = (prediction.densities(SHAPES["7b"], length) for length in (32_768, 65_536))
    assert set(short) == set(long)
    assert all(0 < long[name] < short[name] < 1 for name in short)
