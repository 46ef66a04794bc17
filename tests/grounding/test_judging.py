"""The trained verifier: what it is shown, what it learns, how it is kept, and where it changes the order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.judging import net as weights
from reticle_grounding.judging.inputs import DIM, NEAR, SCORES, SORTS, items_of, marked, nearest, question_of
from reticle_grounding.judging.judge import MarkVerifier, TrainedJudge, open_judge
from reticle_grounding.judging.net import VerifierNet, batch_of
from reticle_grounding.matcher.icons import Recalled
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder, Observation
from reticle_grounding.sources import EvenAttention
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.fitting_targets import FittingScreen
from reticle_grounding.training.verifier_data import (
    INSTRUCTIONS,
    Judged,
    captured_screens,
    judged_screen,
    open_judged,
    painted_screens,
    store,
)
from reticle_grounding.training.verifier_train import VerifierConfig, learn, loss_of, validate
from reticle_grounding.verifier import Place, Verifier

LAW = Calibration({"text": 4.0, "text_exact": 2.0}, -4.0, 0.5)
NAMES = ("Save", "Open", "Print", "Undo", "Zoom", "Help", "Copy", "Paste", "Close", "Reload", "Export", "Import")


class Spelled:
    """A matcher without training: a phrase is the sum of its words' vectors, and all drawings look alike."""

    def see(self, image: RgbArray, rects: Sequence[Rect]) -> np.ndarray:
        return np.tile(np.eye(DIM, dtype=np.float32)[7], (len(rects), 1))

    def say(self, phrases: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(phrases), DIM), np.float32)
        for row, phrase in zip(rows, phrases, strict=True):
            for word in phrase.casefold().replace(":", "").split():
                row += np.random.default_rng(sum(map(ord, word)) * 31 + len(word)).normal(size=DIM).astype(np.float32)
            row /= max(float(np.linalg.norm(row)), 1e-6)
        return rows

    ask = say

    def recall(self, image: np.ndarray, rects: Sequence[Rect]) -> None:
        return None

    def named(self, recalled: Recalled, said: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is known by heart here")

    used = named

    def known(self, read: np.ndarray) -> None:
        return None


class Written:
    """Reads what it is told is written."""

    def __init__(self, texts: Sequence[TextBox]) -> None:
        self._texts = list(texts)

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        return self._texts


def text(words: str, left: float, top: float) -> TextBox:
    rect = Rect(left, top, left + 8.0 * len(words), top + 16)
    return TextBox(words, rect, 0.99, proportional_words(words, rect))


def form(seed: int) -> tuple[Image.Image, list[TextBox], list[Element]]:
    """Labels with entries right of them."""
    rng, image = Random(seed), Image.new("RGB", (480, 260), "#f0f0f0")
    draw, font = ImageDraw.Draw(image), ImageFont.truetype("DejaVuSans.ttf", 13)
    texts, elements = [], []
    for row, name in enumerate(rng.sample(NAMES, 5)):
        y = 14 + 46 * row
        draw.text((20, y), f"{name}:", "#202020", font)
        draw.rectangle((150, y - 6, 400, y + 22), "#ffffff", "#808080")
        texts.append(text(f"{name}:", 20, y))
        elements.append(Element("field", (150, y - 6, 400, y + 22), name, "field"))
    return image, texts, elements


def grounder(texts: Sequence[TextBox], judge: TrainedJudge | None = None, verify: bool = False) -> Grounder:
    config = GroundingConfig(attention=False, vlm_verifier=verify)
    return Grounder(EvenAttention(), Written(texts), LAW, config, Spelled(), judge)


def judged(seed: int) -> Judged:
    image, texts, elements = form(seed)
    opened = grounder(texts)
    screen = FittingScreen(Path(f"{seed}.png"), "app", elements, [e.label for e in elements], [])
    return judged_screen(opened, opened.observe(image), screen, f"form-{seed}")


@pytest.fixture(scope="module")
def forms() -> list[Judged]:
    return [judged(seed) for seed in range(4)]


@pytest.fixture(scope="module")
def learned(forms: list[Judged], tmp_path_factory: pytest.TempPathFactory) -> VerifierNet:
    """A network that has seen four forms until it knows them."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, samples = VerifierNet(), [(s, c) for s in forms for c in s.cases]
    chosen = VerifierConfig(tmp_path_factory.mktemp("run"), (), Path("unused"), steps=150, lr=2e-3)
    learn(net, samples, chosen)
    return net


def test_what_stands_around_a_place_is_shown_nearest_first() -> None:
    rects = np.array([[0, 0, 10, 10], [100, 0, 110, 10], [40, 0, 50, 10], [40, 60, 50, 70]], np.float32)
    near = nearest(np.array([[45.0, 5.0]], np.float32), rects)
    assert near.shape == (1, NEAR)
    assert near[0, :5].tolist() == [2, 0, 1, 3, -1], "a line further counts more than a step aside"
    assert (nearest(np.array([[1.0, 1.0]], np.float32), rects[:0]) == -1).all()


def test_an_item_tells_where_it_stands_and_how_far_it_agrees() -> None:
    image, texts, _ = form(1)
    observation = grounder(texts).observe(image)
    asked = f"the {texts[0].text.rstrip(':')} field"
    weighed, looks = observation.weigh(asked), observation.looks()
    items = items_of(weighed.scene, looks, observation.size)
    question = question_of(asked, weighed.scene, looks, Spelled())
    assert question.scores.shape == (len(items.rects), SCORES)
    assert question.scores[: len(texts), 2].argmax() == 0, "the label that says the name agrees most by its letters"
    entry = Rect(150, texts[0].rect.top - 6, 400, texts[0].rect.top + 22)
    shown = marked(np.asarray(image), items, Spelled(), [Place(entry.center, entry)])
    at = shown.near[0].tolist().index(0)
    assert shown.geometry[0, at, 0] < 0, "the label stands left of the mark"
    assert shown.geometry[0, at, 12] == 0, "and is not under it"
    assert items.sorts[0] == SORTS.index("text")


def test_marks_are_near_misses_of_every_sort(forms: list[Judged]) -> None:
    cases = [c for s in forms for c in s.cases]
    assert 0 < len(forms[0].cases) <= INSTRUCTIONS
    assert {0, 1, 2, 3} <= {int(why) for c in cases for why in c.sort}
    present = [c for c in cases if 1 in c.sort or c.right.any()]
    assert all(c.right.any() and not c.right.all() for c in present)


def test_it_learns_a_few_screens(forms: list[Judged], learned: VerifierNet) -> None:
    samples = [(s, c) for s in forms for c in s.cases]
    torch.manual_seed(1)
    untrained, found = validate(VerifierNet(), samples), validate(learned, samples)
    assert untrained["best right"] < 0.6
    assert found["best right"] > 0.95
    assert found["true or false"] > 0.9


def test_the_same_seed_gives_the_same_weights(forms: list[Judged], tmp_path: Path) -> None:
    samples = [(s, c) for s in forms[:1] for c in s.cases]

    def run(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        net = VerifierNet()
        learn(net, samples, VerifierConfig(tmp_path, (), tmp_path, steps=4, seed=seed))
        return net.out[1].weight.detach().clone()

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))


def test_choosing_none_is_right_where_nothing_is(forms: list[Judged]) -> None:
    case = forms[0].cases[0]
    absent = type(case)(case.question, case.places, np.zeros_like(case.right), case.sort)
    low, high = (loss_of(torch.full((len(case.right),), z), [absent]) for z in (-6.0, 6.0))
    assert float(low) < 0.2 < float(high)


def test_places_are_kept_and_read_back(forms: list[Judged], tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    store(forms[0], path)
    again = open_judged(path)
    assert again.name == forms[0].name
    assert len(again.cases) == len(forms[0].cases)
    for kept, made in zip(again.cases, forms[0].cases, strict=True):
        assert (kept.right == made.right).all()
        assert (kept.places.near == made.places.near).all()
        assert np.allclose(kept.question.scores, made.question.scores, atol=2e-3)
    (tmp_path / "b.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match=r"b\.safetensors holds no marked places"):
        open_judged(tmp_path / "b.safetensors")


def test_weights_are_kept_and_wrong_files_are_named(forms: list[Judged], learned: VerifierNet, tmp_path: Path) -> None:
    assert open_judge(tmp_path / "nowhere", Spelled()) is None
    path = weights.save(learned, tmp_path, {"steps": "150"})
    assert path.stat().st_size < 4 << 20
    assert sum(p.numel() for p in learned.parameters()) < 2_000_000
    batch = batch_of([(forms[0].items, c.question, c.places) for c in forms[0].cases])
    with torch.inference_mode():
        assert torch.allclose(weights.load(tmp_path)(batch), learned(batch), atol=0.3), "bfloat16 is near enough"
    save_file({"other": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"verifier\.safetensors holds no verifier of this version"):
        open_judge(tmp_path, Spelled())
    path.write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=r"cannot read the verifier's weights .*verifier\.safetensors"):
        open_judge(tmp_path, Spelled())


def observed(judge: TrainedJudge | None, verify: bool) -> tuple[Observation, list[Element]]:
    image, texts, elements = form(2)
    return grounder(texts, judge, verify).observe(image), elements


def test_it_puts_the_field_before_its_label(learned: VerifierNet, tmp_path: Path) -> None:
    weights.save(learned, tmp_path, {})
    judge = open_judge(tmp_path, Spelled())
    plain, elements = observed(judge, False)
    verified, _ = observed(judge, True)
    boxes = [Rect(*map(float, e.box)) for e in elements]
    before, after = ([o.ground(f"{e.label}").best for e in elements] for o in (plain, verified))
    hit = [
        sum(b is not None and box.contains(b.point) for b, box in zip(best, boxes, strict=True))
        for best in (before, after)
    ]
    assert hit[1] > hit[0], (
        "a law that knows letters alone takes the label; the verifier knows that entries are asked for"
    )
    assert hit[1] == len(boxes)


def test_places_beyond_the_budget_are_not_judged(learned: VerifierNet, tmp_path: Path) -> None:
    weights.save(learned, tmp_path, {})
    observation, _ = observed(None, False)
    weighed, judge = observation.weigh("Save"), TrainedJudge(tmp_path, Spelled())
    verifier: Verifier = MarkVerifier(judge, np.asarray(observation.image), weighed.scene, observation.looks(), 1)
    places = [Place(Point(200, 20), Rect(150, 8, 400, 36)), Place(Point(30, 20), Rect(20, 14, 60, 30))]
    scores = verifier.judge("Save", places)
    assert 0 < scores[0] < 1
    assert scores[0] != 0.5
    assert scores[1] == 0.5
    assert verifier.judge("Save", []) == []


def test_a_screen_with_nothing_on_it_can_be_judged(learned: VerifierNet, tmp_path: Path) -> None:
    weights.save(learned, tmp_path, {})
    observation = grounder([]).observe(Image.new("RGB", (200, 100), "white"))
    weighed, judge = observation.weigh("Save"), TrainedJudge(tmp_path, Spelled())
    verifier = MarkVerifier(judge, np.asarray(observation.image), weighed.scene, observation.looks())
    assert 0 < verifier.judge("Save", [Place(Point(20, 20), Rect(10, 10, 30, 30))])[0] < 1


def test_generated_screens_join_and_bad_counts_are_named(tmp_path: Path) -> None:
    assert [s.name for s in painted_screens(5, 2)] == ["painted-5", "painted-6"]
    with pytest.raises(BadInput, match="-1 generated screens"):
        painted_screens(0, -1)
    with pytest.raises(BadInput, match=r"screens\.jsonl"):
        captured_screens(tmp_path, "training")


def test_a_grounder_in_other_numbers_judges_with_the_same_weights() -> None:
    assert Grounder.open(numbers="bf16").judge is not None
