"""Word vectors: words that keep the same company are alike."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from reticle_grounding.errors import BadInput
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.phrases import SENSES, senses, vocabulary
from reticle_grounding.training import senses as training
from reticle_grounding.training.matcher_train import started


def test_every_word_of_the_list_has_its_row() -> None:
    words = vocabulary()
    assert len(words) == SENSES - 1
    assert sorted(words.values()) == list(range(1, SENSES))


def test_unknown_words_and_other_forms() -> None:
    assert senses("qqzzxw") == [0]
    assert senses("") == [0]
    assert senses("Save the picture") == [vocabulary()[w] for w in ("save", "the", "picture")]
    assert set(senses("keyboardings")) <= {0, *vocabulary().values()}


def test_words_in_the_same_company_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "WIDTH", 6)
    monkeypatch.setattr(training, "SHIFT", 0.0)
    rng = Random(0)
    settings = {"cat": "fur milk purr whiskers", "kitten": "fur milk purr whiskers", "car": "wheel road motor brake"}
    sentences = [
        [name, *rng.sample(company.split(), 3), rng.choice(["alpha", "beta", "gamma", "delta", "epsilon"])]
        for _ in range(200)
        for name, company in settings.items()
    ]
    words, vectors = training.vectors(sentences)
    table = dict(zip(words, vectors, strict=True))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)
    assert table["cat"] @ table["kitten"] > table["cat"] @ table["car"] + 0.2


def test_dictionary_and_pages_become_sentences(tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text('  licence\n001 03 n 02 spool 0 bobbin 1 000 | a winder; "wind it"\n')
    assert next(training.dictionary(tmp_path)) == ["spool", "bobbin", "a", "winder", "spool", "bobbin"]
    (tmp_path / "a.html").write_text("<p>Open the file. Close it</p><script>var x</script>")
    assert ["open", "the", "file"] in list(training.pages(tmp_path, (".html",)))


def test_vectors_of_another_list_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("one two\n")
    np.save(tmp_path / "vectors.npy", np.zeros((2, 96), np.float16))
    with pytest.raises(BadInput, match="sense_words"):
        started(None, tmp_path)


def test_senses_speak_where_spelling_is_hidden() -> None:
    torch.manual_seed(0)
    net = MatcherNet().eval()
    row = vocabulary()["save"]
    net.phrases.senses[row] = torch.randint(-60, 60, (96,), dtype=torch.int8)
    with torch.no_grad():
        hidden = net.say(["save", "zzqq"], torch.zeros(2))
        spelled = net.say(["save", "zzqq"])
    assert not torch.allclose(hidden[0], hidden[1], atol=1e-3)
    assert not torch.allclose(hidden[0], spelled[0], atol=1e-3)
