"""Other ways to say an instruction: by rules alone, always the same, and never losing what tells targets apart."""

from __future__ import annotations

import pytest

from reticle_grounding.errors import BadInput
from reticle_grounding.wordings import MAX_WORDINGS, check_given, wordings
from reticle_grounding.words import match, normalised, parse

INSTRUCTIONS = (
    "click the Save button",
    "Save",
    "open the Project menu",
    "please open Settings",
    "the Email field",
    "tick Remember me",
    "the second Delete button",
    "type into 'First name'",
    "enable spell checking",
    "the close icon in the toolbar",
    "the field below Name",
    "Date of birth",
    "I'm done with these preferences",
    "show or hide Final invoice",
    "?!",
    "+",
)


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("click the Save button", ("click the Store button", "Save", "press Save", "click the Keep button")),
        ("the Email field", ("the Mail field", "Email", "the Email box", "click into Email")),
        ("open the Project menu", ("Project", "the Project menu item", "open Project")),
        ("type into 'First name'", ("'First name'", "the 'First name' field", "click into 'First name'")),
        ("the field below Name", ("the box below Name",)),
        ("the close icon in the toolbar", ("the dismiss icon in the toolbar", "close in the toolbar")),
        ("the second Delete button", ("the second Remove button", "second Delete", "press second Delete")),
        ("Date of birth", ("Day of birth", "the Date of birth button", "click Date of birth")),
    ],
)
def test_wordings_follow_the_rules(instruction: str, expected: tuple[str, ...]) -> None:
    assert wordings(instruction, len(expected)) == expected


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_wordings_differ_from_the_instruction_and_from_each_other(instruction: str) -> None:
    made = wordings(instruction, MAX_WORDINGS)
    assert len({normalised(said) for said in (*made, instruction)}) == len(made) + 1
    assert made == wordings(instruction, MAX_WORDINGS)
    assert made[:2] == wordings(instruction, 2)
    assert all(said == " ".join(said.split()) and said for said in made)


@pytest.mark.parametrize("instruction", INSTRUCTIONS[:12])
def test_wordings_still_name_the_target(instruction: str) -> None:
    """Each wording matches, as a text, what the instruction asks for; a lost name would not."""
    for said in wordings(instruction, 4):
        assert match(parse(instruction), said).score > 0.3, said


def test_quotes_counts_and_places_stay() -> None:
    assert all("'Save as'" in said for said in wordings("press 'Save as' now", 8))
    assert all("third" in said for said in wordings("the third Remove button", 8))
    assert all(said.endswith(" below Total price") for said in wordings("the Open button below Total price", 8))


def test_sentences_get_no_kind_of_control() -> None:
    made = wordings("I'm done with these preferences", 8)
    assert made
    assert not [said for said in made if "button" in said or said.startswith("click")]


@pytest.mark.parametrize("count", [-1, MAX_WORDINGS + 1])
def test_impossible_counts_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match=f"{count} wordings"):
        wordings("Save", count)


def test_wordings_of_a_caller_lose_repetitions_only() -> None:
    assert check_given("Save", ["Store it", "save", "store it ", "keep the file"]) == ("Store it", "keep the file")
    with pytest.raises(BadInput, match="9 wordings"):
        check_given("Save", [f"word {i}" for i in range(9)])
