"""The trainer: exact packing, resumable runs, and a model that learns what it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from PIL import Image, ImageDraw
from tokenizers import Tokenizer

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size
from reticle_grounding.model.checkpoint import load_checkpoint, save_checkpoint
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.prompts import CHAT_TOKENS, POINTER_TOKENS, PROFILES
from reticle_grounding.training.build import TINY, new_model, processor
from reticle_grounding.training.commands import main
from reticle_grounding.training.crops import CELL, crop, soft_labels
from reticle_grounding.training.feed import Bucket, Feed, Stage, stack
from reticle_grounding.training.muon import orthogonalised
from reticle_grounding.training.optim import rate
from reticle_grounding.training.packing import segment_mask
from reticle_grounding.training.prepare import train_for
from reticle_grounding.training.scenes import Scene, stored_scenes, write_scenes
from reticle_grounding.training.spelling import GRAMS, gram_shares, spelled_embeddings
from reticle_grounding.training.tokenizer import interface_corpus, train_tokenizer
from reticle_grounding.training.train import PROFILE, TrainConfig, train
from reticle_grounding.training.trainer import Step, Weights, window_order
from reticle_grounding.training.validate import validate

SQUARE = Size(224, 224)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Operators this small wait for each other more than they compute; on a busy machine many times more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(interface_corpus(0, 200), 1200)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"), 100, 3)


@pytest.fixture(scope="module")
def scene(scenes: Path) -> Scene:
    return stored_scenes(scenes)[0].open()


def test_the_tokenizer_keeps_control_tokens_and_restores_text(tokenizer: Tokenizer) -> None:
    for token in (*CHAT_TOKENS, *POINTER_TOKENS, "True", "False"):
        assert len(tokenizer.encode(token, add_special_tokens=False).ids) == 1, token
    for text in ("Find and Replace...", "naïve – 12%", "C:\\x"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_segments_do_not_see_each_other() -> None:
    mask = segment_mask(prefix=2, count=2, length=2)[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 1, 1],
    ]


def test_packed_instructions_point_as_single_ones_do(tokenizer: Tokenizer, scene: Scene) -> None:
    model = new_model(TINY, tokenizer, 0)
    step = Step(model, tokenizer, PROFILE, Weights()).eval()
    batch = stack([crop(scene, Random(1), SQUARE, 0)], processor())
    visual = model.vision(batch.pixels, batch.grid)
    texts = ["the Save button", "open the File menu and wait", "x"]
    packed = step.packer.pack([texts], (8, 8), visual.device)
    states = model.decode(model.embed(packed.ids, visual), packed.positions, packed.mask)
    together = states[0, packed.queries[0]]
    for text, query in zip(texts, together, strict=True):
        words = tokenizer.encode(text + PROFILES[PROFILE].answer_start, add_special_tokens=False).ids
        ids = torch.tensor([step.packer.prefix(64) + words])
        alone = model.decode(model.embed(ids, visual), model.positions(ids, batch.grid))[0, -1]
        assert torch.allclose(alone, query, atol=1e-5)


def test_raw_patches_are_kept_in_the_order_of_the_labels(tokenizer: Tokenizer, scene: Scene) -> None:
    """The tower holds patches window by window; the merged ones it returns are in reading order."""
    model = new_model(TINY, tokenizer, 0)
    step = Step(model, tokenizer, PROFILE, Weights()).eval()
    batch = stack([crop(scene, Random(n), SQUARE, 0) for n in range(2)], processor())
    merged, raw = step.see(batch)
    assert sorted(window_order(batch, model).tolist()) == list(range(128))
    assert torch.allclose(model.backbone.model.visual.merger(raw), merged, atol=1e-5)


def test_orthogonalised_updates_have_even_singular_values() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(3, 20, 50)))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_the_learning_rate_rises_then_falls() -> None:
    assert rate(0, 10, 0.0) < rate(9, 10, 0.0) == 1.0
    assert rate(100, 10, 0.5) > rate(100, 10, 1.0) > 0


def test_names_become_shares_of_their_grams() -> None:
    shares = gram_shares(["Save", "save...", "Open", ""])
    assert shares.shape == (4, GRAMS)
    assert torch.allclose(shares[0], shares[1])
    assert shares[0] @ shares[0] > shares[0] @ shares[2]
    assert shares[3].sum() == 0


def test_tokens_start_near_tokens_that_are_spelled_alike(tokenizer: Tokenizer) -> None:
    table = torch.nn.functional.normalize(spelled_embeddings(tokenizer, 256), dim=-1)
    ids = {text: tokenizer.encode(text).ids for text in ("the", " the", "system")}
    assert all(len(found) == 1 for found in ids.values())
    the, again, other = (table[ids[text][0]] for text in ids)
    assert the @ again > 0.5 > the @ other


def tiny_config(out: Path, scenes: Path, tokenizer: Tokenizer, steps: int) -> TrainConfig:
    file = out.parent / "tokenizer.json"
    tokenizer.save(str(file))
    stages = (Stage(1.0, (Bucket(1.0, 2, 2, Size(112, 112)),), (("generated", 1.0),)),)
    return TrainConfig(out, scenes, tokenizer=file, minutes=0, steps=steps, size=TINY, stages=stages, log_every=1)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, scenes: Path, tokenizer: Tokenizer) -> None:
    seen: list[int] = []
    config = tiny_config(tmp_path / "run", scenes, tokenizer, 2)
    train(config, lambda step, _progress, _values: seen.append(step))
    folder = train(replace(config, steps=4), lambda step, _progress, _values: seen.append(step))
    assert seen == [1, 2, 3, 4]
    assert load_checkpoint(folder).profile.name == PROFILE
    assert (config.out / "curves.png").is_file()
    assert (config.out / "curves.csv").read_text().count("\n") == 5


def test_a_run_needs_time_and_screens(tmp_path: Path, scenes: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(BadInput, match="minutes or steps"):
        train(tiny_config(tmp_path / "run", scenes, tokenizer, 0))
    with pytest.raises(BadInput, match="no generated screens"):
        train(tiny_config(tmp_path / "run", tmp_path / "empty", tokenizer, 1))


def test_broken_feeds_reach_the_trainer(scenes: Path) -> None:
    def fail() -> Scene:
        raise OSError("disk gone")

    files = [replace(stored_scenes(scenes)[0], open=fail)]
    stage = Stage(1.0, (Bucket(1.0, 1, 1, SQUARE),), (("generated", 1.0),))
    with Feed({"generated": files}, (stage,), processor(), 0) as feed, pytest.raises(OSError, match="disk gone"):
        next(iter(feed))


def test_it_learns_eight_screens_by_heart(scenes: Path, tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    step = Step(new_model(TINY, tokenizer, 0), tokenizer, PROFILE, Weights(reading=0.1))
    opened = [file.open() for file in stored_scenes(scenes)]
    cut = [crop(opened[n % 3], Random(n), Size(112, 112), 2) for n in range(40)]
    batch = stack([c for c in cut if c.targets][:8], processor())
    optimizer = torch.optim.AdamW(step.parameters(), lr=3e-3)
    for _ in range(250):
        loss, log = step(batch)
        if log["hit"] == 1.0 and log["pointer"] < 0.3:
            break  # before the next step, which may undo it
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(step.parameters(), 1.0)
        optimizer.step()
    step.eval()
    with torch.no_grad():
        assert step(batch)[1]["hit"] == 1.0
        merged, _ = step.see(batch)
    assert merged.shape == (8 * (112 // CELL) ** 2, TINY.width)
    assert all(soft_labels(t.bbox, batch.size).any() for c in batch.crops for t in c.targets if t.bbox)


def test_validation_counts_every_kind(tmp_path: Path, scenes: Path, tokenizer: Tokenizer) -> None:
    model = new_model(TINY, tokenizer, 0)
    save_checkpoint(model, tokenizer, tmp_path, name="tiny", prompt=PROFILE, processor=processor().capped(400 * 300))
    score = validate(tmp_path, stored_scenes(scenes)[:1], per_screen=6)
    assert score.screens == 1
    assert score.kinds["all"].n == sum(s.n for kind, s in score.kinds.items() if kind != "all") <= 6
    assert all(0 <= s.hit_at_1 <= s.hit_at_3 <= 1 for s in score.kinds.values())


def test_the_commands_print_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", str(tmp_path / "s"), "-n", "1", "--collage"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": str(tmp_path / "s")}
    assert main(["targets", str(tmp_path / "t"), "-n", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: the number of targets must be positive")


def test_captured_screens_tune_what_attention_makes_of_the_reading(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "images").mkdir(parents=True)
    lines = []
    image = Image.new("RGB", (320, 200), "white")  # one for all, so that it is read once
    ImageDraw.Draw(image).text((40, 40), "Button", fill="black")
    for i in range(7):
        image.save(folder / f"images/{i}.png")
        element = {"role": "push button", "name": "Button", "bbox": [30, 30, 120, 60], "text_visible": True}
        lines.append(json.dumps({"image": f"images/{i}.png", "app": f"app-{i}", "elements": [element]}) + "\n")
    (folder / "screens.jsonl").write_text("".join(lines), "utf-8")
    seen: list[tuple[int, int]] = []
    made = train_for(tmp_path / "run", minutes=0.02, captured=[folder], progress=lambda *at: seen.append(at))
    assert 0 < seen[-1][0] <= seen[-1][1]
    assert (7, 7) in seen
    model = PointerModel.open(Path(str(made["checkpoint"])))
    assert model.channel is not None
    with pytest.raises(BadInput, match="no screens to train on"):
        train_for(tmp_path / "other", minutes=0.02, captured=[_only_held_out(tmp_path)])


def _only_held_out(tmp_path: Path) -> Path:
    folder = tmp_path / "bare"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (320, 200), "white").save(folder / "images/0.png")
    (folder / "screens.jsonl").write_text(json.dumps({"image": "images/0.png", "app": "a", "elements": []}) + "\n")
    return folder
