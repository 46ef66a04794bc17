"""What instructions name, and how texts answer to them."""

from __future__ import annotations

import pytest

from reticle_grounding.words import Role, lacks_action, match, parse, similarity, tokens, without_location


def best(instruction: str, texts: list[str]) -> str:
    wanted = parse(instruction)
    return max(texts, key=lambda text: match(wanted, text).score)


@pytest.mark.parametrize(
    ("instruction", "texts", "expected"),
    [
        ("open the Project menu", ["Open Project...", "Project", "Projects", "Menu"], "Project"),
        ("click Save As", ["Save", "Save As...", "Save All"], "Save As..."),
        ("open a file", ["File", "Open", "Open a file"], "Open a file"),
        ("open the View menu", ["Views", "View", "Menu", "Open"], "View"),
        ("click 'Find and Replace...'", ["Find", "Replace", "Find and Replace…"], "Find and Replace…"),
        ("press the OK button", ["OK", "Button", "Press"], "OK"),
        ("the “Wrap around” checkbox", ["Wrap around", "Around", "Check"], "Wrap around"),
        ("the field labelled Name", ["Name:", "Labels", "Fields"], "Name:"),
        ("show thumbnails", ["Show Thumbnails", "Show", "Thumbs"], "Show Thumbnails"),
        ("Delete in the Edit menu", ["Delete", "Edit", "Menu"], "Delete"),
        ("right-click the Trash", ["Right", "Trash", "Click here"], "Trash"),
        ("the Right-handed option", ["Left-handed", "Right-handed", "Options"], "Right-handed"),
    ],
)
def test_the_named_text_matches_best(instruction: str, texts: list[str], expected: str) -> None:
    assert best(instruction, texts) == expected


@pytest.mark.parametrize(
    ("instruction", "role"),
    [
        ("toggle Continuous", Role.CHECK),
        ("the Wrap around checkbox", Role.CHECK),
        ("the Search field", Role.FIELD),
        ("change the Font size", Role.FIELD),
        ("the Files of type drop-down", Role.FIELD),
        ("open the Edit menu", Role.MENU),
        ("the Shortcuts tab", Role.TAB),
        ("press the OK button", Role.BUTTON),
        ("Two pages", Role.ANY),
        ("the Search button", Role.BUTTON),
        ("the checkbox next to Billing", Role.CHECK),
        ("the field for the name", Role.FIELD),
        ("the Look in drop-down", Role.FIELD),
        ("the Widget style list", Role.FIELD),
        ("the number next to Zoom", Role.FIELD),
        ("date of birth field", Role.FIELD),
        ("where do I enter the address", Role.FIELD),
        ("how can I turn off the sound", Role.CHECK),
        ("the field of view", Role.FIELD),
        ("the search button for the list", Role.BUTTON),
        ("the sum of the numbers", Role.ANY),
    ],
)
def test_the_kind_of_control_is_taken_from_the_words(instruction: str, role: Role) -> None:
    assert parse(instruction).role is role


def test_ordinals_quotes_and_relations_are_found() -> None:
    assert parse("the second Delete").ordinal == 2
    assert parse("the last Delete button").ordinal == -1
    assert parse("the Delete button").ordinal is None
    assert parse('click "Save"').quoted
    assert not parse("don't save").quoted
    related = parse("Delete next to Inbox")
    assert (related.relation, related.anchor) == ("next to", ("inbox",))
    assert parse("the 'on and off' switch").relation is None


def test_an_ordinal_that_belongs_to_the_label_still_wins() -> None:
    assert best("the Third choice field", ["Choice:", "Third choice:", "Second choice:"]) == "Third choice:"


def test_case_ellipsis_mnemonics_and_ligatures_do_not_matter() -> None:
    for text in ("Save As…", "save as...", "_Save As", "&Save As"):
        assert match(parse("Save As"), text).exact, text
    assert tokens("conﬁguration") == ("configuration",)


def test_characters_that_readers_confuse_count_as_nearly_equal() -> None:
    assert similarity("file", "fi1e") == pytest.approx(0.97)
    assert similarity("on", "0n") == 0.0, "two letters are too few to forgive"
    assert similarity("views", "view") < 1.0
    assert similarity("save", "load") == 0.0


def test_signs_are_names_only_where_there_are_no_words() -> None:
    assert tokens("+") == ("+",)
    assert tokens("-0-") == ("0",)
    assert match(parse("press +"), "Off-by-one").score == 0.0


@pytest.mark.parametrize(
    ("instruction", "label"),
    [
        ("All", "All"),
        ("go to All", "All"),
        ("the All link", "All"),
        ("type into the From field", "From:"),
        ("the To field", "To"),
        ("switch it off", "Off"),
        ("Please click on Here", "here"),
    ],
)
def test_labels_of_stop_words_are_labels(instruction: str, label: str) -> None:
    assert match(parse(instruction), label).score > 0.9
    assert not match(parse(instruction), "Settings").score


def test_stop_words_of_a_sentence_name_nothing() -> None:
    assert parse("what is this").readings == ()
    assert match(parse("show all files"), "All").score < 0.8
    assert match(parse("open the settings from here"), "Here").score < 0.5


def test_unrelated_text_does_not_match() -> None:
    found = match(parse("empty the trash"), "Preferences")
    assert (found.score, found.exact) == (0.0, False)


@pytest.mark.parametrize("instruction", ["", "   ", "the", "click", "'", "…", "🙂", "x" * 2000])
def test_any_text_can_be_parsed(instruction: str) -> None:
    assert match(parse(instruction), "Save").score < 1.0


@pytest.mark.parametrize(
    ("instruction", "first", "sides", "role"),
    [
        ("File menu, top left", ("file", "menu"), (-1.0, -1.0), Role.MENU),
        ("look in combo box, currently Computer", ("look", "in", "combo", "box"), (0.0, 0.0), Role.FIELD),
        ("Save, please", (), (0.0, 0.0), Role.ANY),
        ("rightmost button at the bottom of the window", (), (1.0, 1.0), Role.BUTTON),
        ("the arrow to the left of Save", (), (0.0, 0.0), Role.ANY),
        ("align left", (), (0.0, 0.0), Role.ANY),
        ("second icon after the bell", (), (0.0, 0.0), Role.ICON),
        ('press "Left, then top left"', (), (0.0, 0.0), Role.ANY),
    ],
)
def test_what_follows_a_comma_and_sides_of_the_screen_tell_where(
    instruction: str, first: tuple[str, ...], sides: tuple[float, float], role: Role
) -> None:
    wanted = parse(instruction)
    assert (wanted.first, wanted.sides, wanted.role) == (first, sides, role)


def test_the_name_before_a_comma_is_matched_whole() -> None:
    wanted = parse("Detailed view, last icon in the top row")
    assert match(wanted, "Detailed view").score > 0.95
    assert match(wanted, "Detailed view").score > match(wanted, "Top row").score


@pytest.mark.parametrize(
    ("instruction", "left"),
    [
        ("the envelope in the toolbar", "the envelope"),
        ("settings, the cogwheel at the top right", "settings, the cogwheel"),
        ("the floppy disk in the toolbar, to store my songs", "the floppy disk, to store my songs"),
        ("File menu at the very left of the menu bar", "File menu"),
        ("my own folder, in the panel on the left", "my own folder"),
        ("playlists in the left sidebar, below Queue", "playlists, below Queue"),
        ("the box at the top where I can look things up", "the box where I can look things up"),
    ],
)
def test_the_part_of_the_screen_is_left_out(instruction: str, left: str) -> None:
    assert without_location(instruction) == left


@pytest.mark.parametrize(
    "instruction",
    [
        "scroll to the top",
        "click the one in the toolbar",  # nothing else is said
        'click "text in the toolbar"',
        "the fourth cover in the top row",
        "save",
        "",
    ],
)
def test_elsewhere_an_instruction_stays_whole(instruction: str) -> None:
    assert without_location(instruction) == instruction


@pytest.mark.parametrize(
    ("instruction", "text", "lacks"),
    [
        ("clear the playlist", "Playlist", True),
        ("please save the playlist", "Playlist", True),
        ("save the playlist", "Save", False),
        ("delete all messages", "Remove all", False),  # a synonym
        ("clear the playlist", "Clear", False),
        ("open the File menu", "File", False),  # an opener is no action of a program
        ("the playlist", "Playlist", False),
        ("search", "Find", False),  # nothing is said of what it is done to
    ],
)
def test_a_text_may_lack_what_is_to_be_done(instruction: str, text: str, lacks: bool) -> None:
    assert lacks_action(parse(instruction), text) is lacks
