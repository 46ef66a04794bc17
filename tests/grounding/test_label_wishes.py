"""Wishes known by heart: what is known of texts, the file, what the law hears, and what is written down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.matcher.quantised import Quantised, quantise
from reticle_grounding.matcher.sentences import DIM, Tokens
from reticle_grounding.matcher.store import load as load_net
from reticle_grounding.matcher.wishes import FILE, LEAN, LEAST, KnownTexts, WishMemory, load, save
from reticle_grounding.training import label_wishes
from reticle_grounding.training.concepts import concepts
from reticle_grounding.training.label_wishes import by_label, write
from reticle_grounding.training.spoken import kept_places, lexicon
from reticle_grounding.training.spoken import label_wishes as written_wishes

BASIS = torch.eye(DIM)[:, :LEAN]


def axis(*numbers: int) -> torch.Tensor:
    """[n, DIM] unit vectors."""
    return torch.eye(DIM)[list(numbers)]


def exactly(vectors: torch.Tensor) -> Quantised:
    """Codes that say [n, LEAN] vectors of zeros and ones without loss."""
    book = torch.zeros(LEAN, 256, 1)
    book[:, 1] = 1.0
    return Quantised(vectors.to(torch.uint8), book)


def memory() -> WishMemory:
    """Label i is axis i. Label 0 has the wishes 10 and 11, label 1 the wish 12, label 2 the wishes 13, 14 and 15."""
    return WishMemory(
        BASIS, axis(0, 1, 2)[:, :LEAN], exactly(axis(10, 11, 12, 13, 14, 15)[:, :LEAN]), torch.tensor([2, 1, 3])
    )


def known(*texts: torch.Tensor) -> KnownTexts:
    return memory().known(torch.cat(texts).numpy())


def test_a_text_is_asked_for_by_the_wishes_for_its_label() -> None:
    found = known(axis(2), axis(0))
    assert found.heard(axis(14).numpy()).tolist() == [1.0, 0.0]
    assert found.heard(axis(11).numpy()).tolist() == [0.0, 1.0]
    assert found.heard(axis(12).numpy()).tolist() == [0.0, 0.0]  # nobody reads label 1 here


def test_of_several_phrases_the_best_counts() -> None:
    assert known(axis(0)).heard(axis(20, 10, 30).numpy()).tolist() == [1.0]


def test_what_a_label_lacks_to_the_text_is_taken_off() -> None:
    near = torch.nn.functional.normalize(axis(0) + 0.5 * axis(40), dim=1)
    lacking = 1 - float(near[0, 0])
    assert 0.0 < lacking < 1 - LEAST
    assert known(near).heard(axis(10).numpy()) == pytest.approx([1.0 - lacking], abs=1e-5)


def test_of_a_text_like_no_known_label_nothing_is_known() -> None:
    found = known(axis(50), axis(1))
    assert found.often.tolist()[0] == 0.0 < found.often.tolist()[1]
    assert found.heard(axis(12).numpy()).tolist() == [0.0, 1.0]
    nothing = known(axis(50))
    assert nothing.heard(axis(12).numpy()).tolist() == [0.0]


def test_more_wishes_are_known_more_often() -> None:
    often = known(axis(0), axis(1), axis(2)).often
    assert often[1] < often[0] < often[2] < 1.0


def test_the_file_comes_back_as_it_was(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(3)
    labels, wishes = (torch.nn.functional.normalize(torch.randn(n, LEAN, generator=draw), dim=1) for n in (40, 90))
    counts = [2] * 30 + [3] * 10
    kept = quantise(labels, 64), quantise(wishes, 32)
    assert save(tmp_path, BASIS, *kept, counts) == tmp_path / FILE
    assert [p.name for p in tmp_path.iterdir()] == [FILE]
    asked = torch.nn.functional.pad(labels[:7], (0, DIM - LEAN)).numpy()
    before = WishMemory(BASIS, kept[0].vectors(), kept[1], torch.tensor(counts)).known(asked)
    after = load(tmp_path).known(asked)
    assert np.array_equal(after.wishes, before.wishes)
    assert np.array_equal(after.heard(asked), before.heard(asked))
    assert after.often.min() > 0.0


@pytest.mark.parametrize("fault", ["no file", "garbage", "a tensor less", "too few wishes", "an empty label", "basis"])
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, fault: str) -> None:
    path = tmp_path / FILE
    if fault == "garbage":
        path.write_bytes(b"no tensors")
    elif fault != "no file":
        draw = torch.Generator().manual_seed(4)
        save(tmp_path, BASIS, *(quantise(torch.randn(8, LEAN, generator=draw), 32) for _ in range(2)), [1] * 8)
        tensors = load_file(path)
        if fault == "a tensor less":
            del tensors["wishes.book"]
        elif fault == "too few wishes":
            tensors["wishes"] = tensors["wishes"][:7].clone()
        elif fault == "an empty label":
            tensors["counts"] = torch.tensor([0, 2, 1, 1, 1, 1, 1, 1], dtype=torch.int32)
        else:
            tensors["basis"] = tensors["basis"][:, :5].clone()
        save_file(tensors, path)
    with pytest.raises(CheckpointError, match=FILE):
        load(tmp_path)


def test_labels_are_known_as_somebody_would_say_them() -> None:
    table = by_label()
    assert len({label.casefold() for label in table}) == len(table) > 20_000
    assert all(wishes and len(set(wishes)) == len(wishes) for wishes in table.values())
    assert not any(label.endswith(("…", "...", ":")) for label in table)


def test_wishes_do_not_say_the_label() -> None:
    told = [(label, words) for label, wishes in written_wishes() for words in wishes]
    assert len(written_wishes()) > 5000
    assert len(told) > 50_000
    assert all(1 < len(words) <= 120 and words == " ".join(words.split()) for _, words in told)
    assert sum(label.strip(".…:").casefold() in words.casefold() for label, words in told) < 0.005 * len(told)


def test_what_is_kept_for_measuring_is_not_known_by_heart() -> None:
    table = by_label()
    heard = {words for wishes in table.values() for words in wishes}
    kept = {w for c in concepts() for w in c.unheard} | {w for p in kept_places() for ws in p.values() for w in ws}
    assert len(kept & heard) < 0.06 * len(kept)  # what was written for another place, too


def test_the_shipped_memory_knows_what_people_say() -> None:
    matcher = open_matcher(embedded_model_dir())
    names = ["Zoom In", "Undo", "Word Wrap", "Xq zzt 81"]
    found = matcher.known(matcher.say(names))
    assert found is not None
    for wish, right in (("make the letters bigger", 0), ("bring back what I just deleted", 1), ("fold long lines", 2)):
        heard = found.heard(matcher.say([wish]))
        assert int(heard.argmax()) == right
        assert heard[right] > 0.5
    assert found.often[:3].min() > 0.5 > found.often[3]


def test_what_is_written_is_what_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = embedded_model_dir()
    tower, tokens = load_net(folder).words, Tokens.of(folder)
    places = [dict(place) for place in lexicon()[:12]]
    table = {label: list(wishes) for place in places for label, wishes in place.items()}
    assert write(tmp_path, tower, tokens, table) == {"labels": len(table), "wishes": sum(map(len, table.values()))}
    made = load(tmp_path)
    label, wishes = next(iter(table.items()))
    matcher = open_matcher(folder)
    heard = made.known(matcher.say([label, "Xq zzt 81"])).heard(matcher.say([wishes[0]]))
    assert heard[0] > 0.7 > heard[1]
    with pytest.raises(BadInput, match="no label"):
        write(tmp_path, tower, tokens, {})
    monkeypatch.setattr(label_wishes, "by_label", lambda: table)
    monkeypatch.setattr("sys.argv", ["label_wishes", str(tmp_path / "none")])
    with pytest.raises(CheckpointError):
        label_wishes.main()
