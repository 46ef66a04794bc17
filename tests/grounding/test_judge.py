"""The judge: instruction and caption read together."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.features import FEATURES, JUDGED, judged
from reticle_grounding.matcher.judge import FILE, MAX_PAIR, Judge, JudgeNet, Pairs, load, save
from reticle_grounding.matcher.matcher import NoMatcher, TrainedMatcher
from reticle_grounding.matcher.sentences import SentenceTower, Tokens
from reticle_grounding.training.judge_samples import JudgeSample, read
from reticle_grounding.training.judge_train import FIRST, OTHERS, chosen_candidates, loss_of, validate

WORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "icon", "text", "save", "print", "undo", "the", "file", "pin", "near"]


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [(w, WORDS.index(w)) for w in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    return made


@pytest.fixture(scope="module")
def tower() -> SentenceTower:
    torch.manual_seed(0)
    return SentenceTower().eval()


def begun(tower: SentenceTower) -> JudgeNet:
    torch.manual_seed(1)
    net = JudgeNet()
    net.begin(tower)
    net.change()
    return net


def sample(right: int | None, count: int = 3) -> JudgeSample:
    captions = ["icon print", "icon save", "text undo the file", *(["text pin near"] * (count - 3))]
    return JudgeSample("save the file", captions, [i == right for i in range(count)], False, "icon")


def test_changes_that_were_not_trained_change_nothing(tower: SentenceTower) -> None:
    """Until the low-rank products are trained, the encoder says of a phrase what the tower says."""
    net = begun(tower)
    ids, mask = Tokens(tokenizer())(["save the file"])
    with torch.inference_mode():
        own = tower.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        changed = net.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    assert torch.allclose(own, changed, atol=1e-6)


def test_only_the_changes_the_positions_and_the_head_are_trained(tower: SentenceTower) -> None:
    trained = {name for name, p in begun(tower).named_parameters() if p.requires_grad}
    assert all(n.endswith((".down", ".up", "position_embeddings.weight")) or "encoder" not in n for n in trained)
    count = sum(p.numel() for n, p in begun(tower).named_parameters() if n in trained)
    assert count < 800_000


def test_stored_and_merged_it_judges_as_it_did_in_training(tower: SentenceTower, tmp_path: Path) -> None:
    net = begun(tower)
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p += 0.02 * torch.randn_like(p)
                p.copy_(p.to(torch.bfloat16).float())
    tokenizer().save(str(tmp_path / "matcher-tokenizer.json"))
    assert save(net, tmp_path / "new", {}).is_file()
    save(net, tmp_path, {})
    captions = ["icon print", "icon save the file near near near", "pin"]
    again = load(tmp_path, tower)("save the file", captions, size=2)
    assert again == pytest.approx(Judge(net, Pairs(tokenizer()))("save the file", captions), abs=2e-4)
    assert load(tmp_path, tower)("save the file", []) == []


def test_long_pairs_are_cut(tower: SentenceTower) -> None:
    ids, kinds, mask = Pairs(tokenizer())([("save " * 90, "icon " * 90), ("save", "icon")])
    assert ids.shape == kinds.shape == mask.shape == (2, MAX_PAIR)
    assert kinds[1, :5].tolist() == [0, 0, 0, 1, 1]
    assert len(Judge(begun(tower), Pairs(tokenizer()))("save " * 90, ["icon " * 90])) == 1


def test_broken_weights_are_named(tower: SentenceTower, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"none")
    with pytest.raises(CheckpointError, match=FILE):
        load(tmp_path, tower)
    save_file({"out.bias": torch.zeros(3)}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match="does not fit"):
        load(tmp_path, tower)


def test_a_step_shows_the_best_screened_and_right_ones_that_were_missed() -> None:
    many = JudgeSample("x", ["c"] * 40, [i == 33 for i in range(40)], True, "text")
    kept = chosen_candidates(Random(0), many)
    assert kept[:FIRST] == list(range(FIRST))
    assert 33 in kept
    assert len(kept) == FIRST + 1 + OTHERS == len(set(kept))


def test_the_loss_asks_for_the_right_one_or_for_none(tower: SentenceTower) -> None:
    net, pairs = begun(tower), Pairs(tokenizer())
    with torch.no_grad():
        present = loss_of(net, pairs, [sample(1)], [[0, 1, 2]])[0]
        absent = loss_of(net, pairs, [sample(None)], [[0, 1, 2]])[0]
        net.out.bias.fill_(-9.0)
        assert loss_of(net, pairs, [sample(None)], [[0, 1, 2]])[0] < 0.01 < absent
        assert loss_of(net, pairs, [sample(1)], [[0, 1, 2]])[0] > present


def test_a_few_steps_teach_a_few_pairs(tower: SentenceTower) -> None:
    torch.set_num_threads(1)
    net, pairs = begun(tower), Pairs(tokenizer())
    absent = JudgeSample("the pin", ["icon print", "text undo"], [False, False], False, "icon")
    samples = [sample(1), absent, JudgeSample("undo", ["icon print", "text undo"], [False, True], True, "text")]
    chosen = [range(len(s.captions)) for s in samples]
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    for _ in range(40):
        loss, _ = loss_of(net, pairs, samples, chosen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.4
    found = validate(net, pairs, samples)
    assert found["all judged"] == 1.0
    assert found["all screened"] == 0.0


def test_samples_come_from_lines_of_json(tmp_path: Path) -> None:
    row = {"instruction": "save", "captions": ["a"], "right": [True], "spoken": True, "kind": "text"}
    (tmp_path / "s.jsonl").write_text(json.dumps(row) + "\n")
    assert read(tmp_path / "s.jsonl") == [JudgeSample("save", ["a"], [True], True, "text")]
    (tmp_path / "s.jsonl").write_text('{"instruction": "save"}\n')
    with pytest.raises(BadInput, match=r"s\.jsonl"):
        read(tmp_path / "s.jsonl")


def test_what_the_judge_says_becomes_features() -> None:
    rows = [dict.fromkeys(FEATURES, 0.0) for _ in range(3)]
    made = judged(rows, [4.0, 0.0, -40.0], [-1.0, 3.0, 1.0])
    assert all(tuple(row) == JUDGED for row in made)
    assert [row["judge_top"] for row in made] == [0.0, 1.0, 0.0]
    assert [row["judge_lead"] for row in made] == [-0.5, 0.25, -0.25]
    assert [row["screened"] for row in made] == [0.5, 0.0, -1.5]
    assert judged(rows[:1], [1.0], [1.0])[0]["judge_lead"] == 0.0


def test_without_a_judge_nothing_is_said() -> None:
    assert not NoMatcher().judges
    assert NoMatcher().judge("save", ["icon", "text"]) == [0.0, 0.0]


def test_the_shipped_judge_knows_what_is_meant() -> None:
    matcher = TrainedMatcher(embedded_model_dir())
    assert matcher.judges
    captions = [
        "text Freya Garcia; above: Chats",
        "icon pin, bookmark; left: Freya Garcia",
        "icon pin; left: Omar Haddad",
    ]
    scores = matcher.judge("click the pin icon next to Freya Garcia", captions)
    assert max(range(3), key=lambda i: scores[i]) == 1
    words = ["text Save", "text Cancel", "text Print"]
    assert matcher.judge("Save", words)[0] > 0.0
    assert max(matcher.judge("zebra crossing", words)) < 0.0
