"""What a person would say to mean an element."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

from .canvas import Box, Element, Kind
from .icons import icon_functions, icon_numbers
from .words import label as some_label

TEXT_FORMS = (
    "{name}",
    "{name}",
    "{lower}",
    "click {name}",
    "click on {name}",
    "click '{name}'",
    "the {name} {role}",
    "click the {name} {role}",
    "press {name}",
    "select {name}",
    "choose {name}",
    'the {role} "{name}"',
    "press the {lower} {role}",
)
ROLE_FORMS = {
    "menu": ("open the {name} menu", "the {name} menu", "{name} menu", "open {name}"),
    "menu item": ("choose {name} from the menu", "the {name} menu item", "{name}", "pick {name}"),
    "tab": ("switch to the {name} tab", "the {name} tab", "open the {lower} tab", "go to {name}"),
    "link": ("follow the {name} link", "the {name} link", "go to {name}", "open {lower}"),
    "list item": ("select {name} in the list", "open {name}", "the {name} entry", "the row {name}"),
    "tree item": ("expand {name}", "select {name} in the tree", "open {name}"),
    "cell": ("the cell {name}", "the row with {name}", "the cell with {name}"),
    "column header": ("sort by {name}", "the {name} column", "the {lower} column header"),
    "key": ("press {name}", "the {name} key", "the {name} button"),
    "heading": ("the heading {name}", "the title {name}", "the {name} section"),
}
FIELD_FORMS = {
    "field": (
        "the {name} field",
        "type into {name}",
        "enter the {lower}",
        "{name}",
        "the {lower} box",
        "click into the {name} entry",
        "the text field for {lower}",
    ),
    "drop-down": (
        "the {name} drop-down",
        "choose the {lower}",
        "change the {lower}",
        "open the {name} list",
        "{name}",
        "the {name} combo box",
    ),
    "spin box": ("set the {lower}", "the {name} spin box", "change the {lower}", "the number next to {name}", "{name}"),
    "slider": ("the {name} slider", "drag the {lower} slider", "adjust the {lower}", "{name}"),
    "check box": (
        "tick {name}",
        "the {name} check box",
        "{name}",
        "turn on {lower}",
        "uncheck {name}",
        "enable {lower}",
        "toggle {name}",
    ),
    "radio button": ("select {name}", "the {name} radio button", "the {name} option", "{name}", "choose {lower}"),
    "switch": ("turn on {name}", "the {name} switch", "toggle {lower}", "switch off {lower}"),
}
ICON_FORMS = (
    "the {name} icon",
    "{name}",
    "{lower}",
    "click the {lower} icon",
    "the {lower} button",
    "the {name} button",
    "{lower} button in the toolbar",
)
ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Target:
    """An instruction and where it points; ``bbox`` is None when nothing on the screen matches."""

    instruction: str
    bbox: Box | None
    kind: Kind
    label: str = ""
    """Plain name of what is meant, for auxiliary losses; empty when absent."""
    indirect: bool = False
    """The instruction does not say the visible label."""


def plain(name: str) -> str:
    """The name as compared between elements: no case, no ellipsis, no colon."""
    return " ".join(name.casefold().replace("…", "").rstrip(".:* ").split())


def sayable(words: str) -> bool:
    """Whether words hold no sign of an icon font (a private character of Unicode), which nobody can say."""
    return not any("\ue000" <= c <= "\uf8ff" for c in words)


def phrase(rng: Random, element: Element) -> tuple[str, bool]:
    """(instruction, indirect) for one element that is unique by its name."""
    name = element.label.strip()
    if rng.random() < 0.5:
        name = name.rstrip(":").removesuffix("...").removesuffix("…") or name
    indirect = False
    if element.says and rng.random() < 0.35:
        return _varied(rng, rng.choice(element.says)), True
    if element.kind == "icon":
        phrases = icon_functions()[icon_numbers()[element.icon] - 1].phrases if element.icon in icon_numbers() else ()
        indirect = bool(phrases) and rng.random() < 0.6
        form = rng.choice(phrases) if indirect else rng.choice(ICON_FORMS)
    elif element.kind == "field":
        form = rng.choice(FIELD_FORMS.get(element.role, FIELD_FORMS["field"]))
    else:
        form = (
            rng.choice(ROLE_FORMS[element.role])
            if element.role in ROLE_FORMS and rng.random() < 0.4
            else rng.choice(TEXT_FORMS)
        )
    said = form if indirect else form.format(name=name, lower=name.lower(), role=element.role)
    return _varied(rng, said), indirect


def _varied(rng: Random, said: str) -> str:
    draw = rng.random()
    if draw < 0.3 and said:
        return said[0].upper() + said[1:]
    if draw < 0.36:
        return said + "."
    if draw < 0.42:
        return "please " + said[0].lower() + said[1:] if said else said
    return said


def requests(rng: Random, count: int) -> list[Target]:
    """Instructions about made-up elements of all kinds, without a place: what the words mean can be learned alone."""
    roles = {"fields": ("field", "drop-down", "spin box", "slider"), "checks": ("check box", "radio button", "switch")}
    out: list[Target] = []
    for _ in range(count):
        if rng.random() < 0.4:
            name = rng.choice(icon_functions()).name
            element = Element("button", (0, 0, 0, 0), name, "icon", name)
        else:
            choice = rng.choice(("buttons", "fields", "checks", "tabs", "links", "sections"))
            kind: Kind = "field" if choice in roles else "text"
            role = rng.choice(roles.get(choice, ("button", *ROLE_FORMS)))
            element = Element(role, (0, 0, 0, 0), some_label(rng, choice, 0.5), kind)
        said, indirect = phrase(rng, element)
        out.append(Target(said, None, element.kind, element.label, indirect))
    return out


def targets_of(rng: Random, elements: list[Element], absent: int) -> list[Target]:
    """One target per element that its name or an ordinal makes unique, then ``absent`` ones that nothing matches."""
    groups: defaultdict[str, list[Element]] = defaultdict(list)
    for element in elements:
        groups[plain(element.label)].append(element)
    targets: list[Target] = []
    for name, group in groups.items():
        if len(group) == 1:
            said, indirect = phrase(rng, group[0])
            targets.append(Target(said, group[0].box, group[0].kind, group[0].label, indirect))
        elif len(group) <= len(ORDINALS) and name:
            targets.append(_ordinal(rng, group))
    return targets + [_absent(rng, set(groups)) for _ in range(absent)]


def _ordinal(rng: Random, group: list[Element]) -> Target:
    ordered = sorted(group, key=lambda e: (e.box[1] // 8, e.box[0]))
    index = rng.randrange(len(ordered))
    element = ordered[index]
    word = "last" if index == len(ordered) - 1 and rng.random() < 0.3 else ORDINALS[index]
    return Target(f"the {word} {element.label}", element.box, element.kind, element.label)


def _absent(rng: Random, present: set[str]) -> Target:
    """Something that could be on a screen but is not on this one."""
    lists = ("buttons", "fields", "checks", "tabs", "links", "sections")
    while True:
        if rng.random() < 0.25:
            name = rng.choice(icon_functions()).name
            element = Element("button", (0, 0, 0, 0), name, "icon", name)
        else:
            choice = rng.choice(lists)
            kind: Kind = "field" if choice in ("fields", "checks") else "text"
            role = {"fields": "field", "checks": "check box", "tabs": "tab", "links": "link"}.get(choice, "button")
            element = Element(role, (0, 0, 0, 0), some_label(rng, choice), kind)
        if not any(
            plain(element.label) in name or (len(name) > 3 and name in plain(element.label)) for name in present
        ):
            said, indirect = phrase(rng, element)
            return Target(said, None, element.kind, "", indirect)
