"""The tables of concepts that teach what icons and labels mean."""

from __future__ import annotations

import json
import re
from importlib import resources

from reticle_grounding.training.concepts import by_icon, by_label, concepts, kin
from reticle_grounding.training.instructions import plain

TABLES = resources.files("reticle_grounding.training.data").joinpath("concepts")


def test_every_row_is_complete() -> None:
    files = [f for f in TABLES.iterdir() if f.name.endswith(".json")]
    assert len(files) > 10
    for file in files:
        for name, row in json.loads(file.read_text("utf-8")).items():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), name
            assert row["labels"], name
            assert len(row["phrases"]) >= 6, name
            assert all(text == text.strip() and text for key in row for text in row[key]), name


def test_kept_wordings_are_not_trained_with() -> None:
    kept = sum(len(c.unheard) for c in concepts())
    heard = sum(len(c.phrases) for c in concepts())
    assert 0.08 < kept / (kept + heard) < 0.18
    assert all(not set(c.unheard) & set(c.phrases) for c in concepts())


def test_a_concept_is_written_once() -> None:
    names = [c.name for c in concepts()]
    assert len(names) == len(set(names)) > 700


def test_kinship_holds_both_ways_and_with_oneself() -> None:
    table = kin()
    assert all(name in group for name, group in table.items())
    assert all(name in table[other] for name, group in table.items() for other in group)


def test_a_label_of_several_concepts_stands_for_none() -> None:
    shared = [c for c in concepts() if "close" in {plain(label) for label in c.labels}]
    assert len(shared) > 1
    assert "close" not in by_label()


def test_icons_lead_to_their_concepts() -> None:
    names = {concepts()[n].name for n in by_icon()["document save"]}
    assert "save" in names
