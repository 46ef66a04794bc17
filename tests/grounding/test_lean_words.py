"""A vocabulary without unused places and other scripts says the same of what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import Tokens
from reticle_grounding.matcher.store import FILE, header, load, save
from reticle_grounding.training.lean_words import leaner, wanted

SPECIAL = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, "save", "λ", "##ing", "open", "[unused1]", "é", "→", "##の", "print", "東"]


def tokens() -> Tokens:
    numbers = {token: i for i, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(t, numbers[t]) for t in ("[CLS]", "[SEP]")]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return Tokens(tokenizer)


def net() -> MatcherNet:
    torch.manual_seed(0)
    return MatcherNet(len(VOCABULARY)).eval()


@pytest.mark.parametrize(
    ("token", "kept"),
    [("save", True), ("##ing", True), ("é", True), ("→", True), ("[CLS]", True), ("[unused7]", False), ("λ", False)],
)
def test_what_an_english_interface_says_is_kept(token: str, kept: bool) -> None:
    assert wanted(token) is kept


def test_vectors_of_what_is_left_do_not_change() -> None:
    big, known = net(), tokens()
    lean, fewer = leaner(big, known)
    assert fewer.tokenizer.get_vocab_size() == len(VOCABULARY) - 5
    phrases = ["save", "saving open", "open → print", "é"]
    with torch.no_grad():
        assert torch.equal(lean.say(fewer, phrases), big.say(known, phrases))
        unknown = lean.say(fewer, ["λ"])
        assert torch.equal(unknown, big.say(known, ["[UNK]"]))


def test_a_lean_matcher_is_read_again(tmp_path: Path) -> None:
    lean, fewer = leaner(net(), tokens())
    save(lean, tmp_path, {"steps": "7"})
    fewer.save(tmp_path)
    again = load(tmp_path)
    assert header(tmp_path)["steps"] == "7"
    assert (tmp_path / FILE).is_file()
    with torch.no_grad():
        said, once = (n.say(Tokens.of(tmp_path), ["save print"]) for n in (again, lean))
    assert float((said * once).sum()) > 0.999


def test_the_shipped_vocabulary_is_lean() -> None:
    shipped = Tokens.of(embedded_model_dir())
    assert all(wanted(token) for token in shipped.tokenizer.get_vocab())
