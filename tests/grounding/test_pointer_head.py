import pytest
import torch

from reticle_grounding.model.pointer_head import PointerHead, pointer_loss

NAMES = [
    "projection_enc.0.weight",
    "projection_enc.0.bias",
    "projection_enc.2.weight",
    "projection_enc.2.bias",
    "projection_dec.0.weight",
    "projection_dec.0.bias",
    "projection_dec.2.weight",
    "projection_dec.2.bias",
    "self_attention.in_proj_weight",
    "self_attention.in_proj_bias",
    "self_attention.out_proj.weight",
    "self_attention.out_proj.bias",
    "layer_norm.weight",
    "layer_norm.bias",
]
EXPECTED = [
    [
        [0.072470405657, 0.020322799658, 0.030951959608, 0.227497379402, 0.102984160321, 0.025332269620],
        [0.019669500402, 0.190235462110, 0.138541537812, 0.033006256881, 0.016051183299, 0.122937085230],
    ],
    [
        [0.015705659876, 0.000277582831, 0.000886677948, 0.479819593088, 0.043153348783, 0.000609280048],
        [0.000205646356, 0.283491685501, 0.101258730762, 0.001467572633, 0.000109452806, 0.073014769368],
    ],
]


def wave(shape: tuple[int, ...], step: float, start: float = 0.0) -> torch.Tensor:
    count = torch.Size(shape).numel()
    return torch.sin(step * torch.arange(count, dtype=torch.float64) + start).view(shape)


@pytest.fixture
def head() -> PointerHead:
    head = PointerHead(16).double().eval()
    parameters = dict(head.named_parameters())
    with torch.no_grad():
        for number, name in enumerate(NAMES):
            parameters[name].copy_(wave(tuple(parameters[name].shape), 0.7, number))
    return head


@pytest.fixture
def logits(head: PointerHead) -> torch.Tensor:
    queries = torch.cos(0.2 * torch.arange(32, dtype=torch.float64)).view(2, 16)
    return head(queries, wave((12, 16), 0.3)).detach()


def test_parameters_have_the_published_names_in_the_published_order():
    assert list(PointerHead(16).state_dict()) == NAMES
    assert sum(p.numel() for p in PointerHead(1536).parameters()) == 18_889_728


def test_attention_equals_the_reference_numbers(logits):
    expected = torch.tensor(EXPECTED, dtype=torch.float64).view(2, 12)
    torch.testing.assert_close(logits.softmax(-1), expected, atol=2e-12, rtol=0)


def test_loss_equals_the_reference_numbers(logits):
    labels = torch.zeros(2, 12)
    labels[0, [5, 6]] = 1
    labels[1, [0, 1, 4, 5]] = 1
    assert float(pointer_loss(logits, labels)) == pytest.approx(3.722538930986, abs=1e-7)
    assert float(pointer_loss(logits[:1], labels[:1])) == pytest.approx(3.109033951, abs=1e-7)


def test_a_label_without_patches_adds_nothing(logits):
    leaf = logits.clone().requires_grad_()
    loss = pointer_loss(leaf, torch.zeros(2, 12))
    loss.backward()
    assert loss.item() == 0
    assert torch.count_nonzero(leaf.grad) == 0


def test_keys_can_be_kept_and_scored_later(head):
    patches, queries = wave((12, 16), 0.3), wave((3, 16), 0.9)
    torch.testing.assert_close(head.scores(queries, head.keys(patches)), head(queries, patches), atol=0, rtol=0)


def test_half_precision_scores_are_single_precision(head):
    low = head.bfloat16()
    scores = low(wave((1, 16), 0.9).bfloat16(), wave((12, 16), 0.3).bfloat16())
    assert scores.dtype == torch.float32


def test_a_fresh_head_is_finite_and_reproducible():
    torch.manual_seed(1)
    first = PointerHead(64).state_dict()
    torch.manual_seed(1)
    second = PointerHead(64).state_dict()
    assert all(torch.isfinite(first[name]).all() and torch.equal(first[name], second[name]) for name in first)
    assert torch.count_nonzero(first["self_attention.in_proj_bias"]) == 0
    assert 0.015 < float(first["projection_enc.0.weight"].std()) < 0.025


def test_widths_that_do_not_split_into_heads_are_refused():
    with pytest.raises(ValueError, match="divisible by 8"):
        PointerHead(20)
