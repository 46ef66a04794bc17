"""How much of what a long run has shown is still there when it is asked for, by budget.

    python benchmarks/memory.py [--runs N] [--steps N] [--budgets 100,200,...]

Runs are generated: a person's errands through mail, files, invoices, a calendar, orders, settings, contacts and a
terminal, each some steps long, on screens with the menus of the program, texts, and figures that nobody asks for. Six
facts of each run are asked for at its end, in other words than those on the screen where there are some; half of them
stand in one line with their label, the others on a line of their own. A fact counts as recalled when its value stands
whole in what is put before the planner. Compared: the memory with and without its two parts, and plain truncation.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from reticle_agent.memory.memory import Memory, truncated
from reticle_agent.memory.segments import Segment
from reticle_agent.memory.tokens import cost
from reticle_agent.memory.turns import Turn

FIRST = ["Freya", "Amir", "Lucia", "Tomas", "Nadia", "Oskar", "Priya", "Jonas", "Mei", "Bruno", "Elif", "Anders"]
LAST = ["Garcia", "Novak", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Schmidt", "Rossi", "Haddad", "Kowalski"]
CITIES = ["Porto", "Tromso", "Graz", "Leeds", "Aarhus", "Bilbao", "Ghent", "Turku", "Split", "Cork"]
THINGS = ["desk lamp", "rain jacket", "garden hose", "camera bag", "coffee mill", "bicycle pump", "wall clock"]
MENUS = {
    "mail": ["File", "Edit", "View", "Message", "Help", "Inbox", "Sent", "Drafts", "Reply", "Forward"],
    "files": ["File", "Edit", "View", "Go", "Bookmarks", "Help", "Home", "Documents", "Downloads", "Trash"],
    "invoices": ["Customers", "Invoices", "Payments", "Reports", "Help", "New invoice", "Print", "Export"],
    "calendar": ["Today", "Day", "Week", "Month", "New event", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "shop": ["Home", "My orders", "Basket", "Wish list", "Account", "Contact us", "Search", "Log out"],
    "settings": ["Network", "Display", "Sound", "Users", "Power", "About", "Apply", "Cancel", "OK"],
    "contacts": ["Add contact", "Edit", "Delete", "Groups", "Import", "Export", "Favourites"],
    "terminal": ["File", "Edit", "View", "Search", "Terminal", "Tabs", "Help"],
}


@dataclass(frozen=True, slots=True)
class Fact:
    """What is asked for at the end."""

    value: str
    question: str


@dataclass(frozen=True, slots=True)
class Run:
    turns: list[Turn]
    facts: list[Fact]
    task: str


def person(rng: Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def told(rng: Random, label: str, value: str, *, split: bool) -> list[str]:
    return [label, value] if split else [rng.choice([f"{label}: {value}", f"{label}  {value}"])]


def errand(rng: Random, kind: str) -> tuple[list[list[str]], list[str], list[Fact]]:
    """Screens of one errand (without menus), what is done on them, and what may be asked about them."""
    who, city, split = person(rng), rng.choice(CITIES), rng.random() < 0.5
    number, price = (
        f"{rng.choice('ABCDEFGH')}-{rng.randint(10000, 99999)}",
        f"{rng.randint(9, 980)}.{rng.randint(10, 99)}",
    )
    day, hour = (
        f"{rng.randint(1, 28)} {rng.choice(['March', 'April', 'May'])}",
        f"{rng.randint(8, 18)}:{rng.choice(['05', '15', '40'])}",
    )
    phone, size = f"+{rng.randint(30, 49)} {rng.randint(100, 999)} {rng.randint(100000, 999999)}", rng.randint(3, 900)
    if kind == "mail":
        fact = Fact(hour, f"at what time does {who} want to meet")
        body = [f"From {who}", f"Subject Meeting in {city}", *told(rng, "Time", hour, split=split), "Best wishes", who]
        return (
            [[f"{person(rng)} Weekly report", f"{who} Meeting in {city}"], body],
            ["click Inbox", f"click {who}"],
            [fact],
        )
    if kind == "files":
        name = f"plan-{city.lower()}-{rng.randint(2, 9)}.ods"
        fact = Fact(name, f"which file holds the plan for {city}")
        rows = [f"{rng.choice(THINGS)}.png {rng.randint(3, 900)} kB" for _ in range(4)]
        return [rows, [*rows[:2], f"{name} {size} kB", *rows[2:]]], ["click Documents", "scroll down 3"], [fact]
    if kind == "invoices":
        title = f"Invoice for {who}"
        lines = [
            title,
            f"Address {rng.randint(1, 90)} Mill Lane, {city}",
            *told(rng, "Total", f"{price} EUR", split=split),
        ]
        facts = [Fact(f"{price} EUR", f"what is the total of the invoice for {who}")]
        return [[person(rng), person(rng), who], lines], ["click Invoices", f"click {who}"], facts
    if kind == "calendar":
        event = f"{rng.choice(['Dentist', 'Choir', 'Yoga', 'Review'])} {city}"
        lines = [event, *told(rng, "Starts", f"{day}, {hour}", split=split), "Remind me 10 minutes before"]
        return (
            [[day, event], lines],
            ["click Month", f"click {event}"],
            [Fact(f"{day}, {hour}", f"when does {event} start")],
        )
    if kind == "shop":
        thing = rng.choice(THINGS)
        lines = [
            f"Your order: {thing}",
            *told(rng, "Order number", number, split=split),
            f"Price {price}",
            f"Delivery to {city}",
        ]
        return (
            [[thing, rng.choice(THINGS)], lines],
            ["click My orders", f"click {thing}"],
            [Fact(number, f"type the number of the order of the {thing}")],
        )
    if kind == "contacts":
        lines = [who, *told(rng, "Mobile", phone, split=split), f"E-mail {who.split()[0].lower()}@example.org", city]
        return (
            [[person(rng), who], lines],
            ["type a name", f"click {who}"],
            [Fact(phone, f"call {who}: the mobile number")],
        )
    if kind == "settings":
        lines = [
            f"Device name {rng.choice(THINGS).replace(' ', '-')}-{rng.randint(1, 9)}",
            f"Brightness {rng.randint(10, 90)}%",
        ]
        return (
            [lines, [*lines, f"Version {rng.randint(1, 9)}.{rng.randint(0, 20)}"]],
            ["click Display", "click About"],
            [],
        )
    noise = [
        f"drwxr-xr-x {rng.randint(1, 9)} user user {rng.randint(100, 9999)} {rng.choice(THINGS)}" for _ in range(8)
    ]
    return [noise[:4], noise], ["type ls", "press Enter"], []


def generated(seed: int, steps: int) -> Run:
    """One run; the same seed gives the same run."""
    rng = Random(seed)
    turns: list[Turn] = []
    facts: list[Fact] = []
    while len(turns) < steps:
        kind = rng.choice(list(MENUS))
        screens, deeds, about = errand(rng, kind)
        facts += about
        for screen, deed in zip(screens, deeds, strict=True):
            filler = [f"{rng.choice(THINGS)} {rng.randint(1, 99)}" for _ in range(rng.randint(2, 8))]
            place = rng.randint(0, len(filler))
            lines = [*MENUS[kind], *filler[:place], *screen, *filler[place:], f"{rng.randint(2, 60)} items"]
            turns.append(Turn(len(turns), tuple(lines), deed, "done"))
    rng.shuffle(facts)
    return Run(
        turns[:steps],
        [f for f in facts if any(f.value in line for t in turns[:steps] for line in t.lines)][:6],
        "do my errands",
    )


def asked(run: Run, fact: Fact) -> list[tuple[str, float]]:
    return [(run.task, 0.5), (fact.question, 1.0)]


def with_memory(run: Run, fact: Fact, budget: int) -> list[str]:
    return [text for part in Memory(run.turns).recall(asked(run, fact), budget) for text in part.lines]


def without_segments(run: Run, fact: Fact, budget: int) -> list[str]:
    """Selection alone: the whole run is one segment."""
    memory = Memory(run.turns)
    whole = Memory([])
    whole.segments = [Segment(tuple(run.turns))]
    whole._scorer, whole._bags, whole._seen, whole._length = (
        memory._scorer,
        [memory._seen],
        memory._seen,
        memory._length,
    )
    return [text for part in whole.recall(asked(run, fact), budget) for text in part.lines]


def without_question(run: Run, fact: Fact, budget: int) -> list[str]:
    return [text for part in Memory(run.turns).recall([], budget) for text in part.lines]


def without_selection(run: Run, fact: Fact, budget: int) -> list[str]:
    """Segments alone: the best ones whole, from their first line on, until the budget is used up."""
    from reticle_agent.memory.select import asked_for

    memory = Memory(run.turns)
    wanted = memory._scorer.weighted(asked_for(asked(run, fact)))
    kept: list[str] = []
    for index in sorted(range(len(memory.segments)), key=lambda i: (-memory._relevance(i, wanted), -i)):
        for turn in memory.segments[index].turns:
            for text in (*turn.lines, turn.done):
                budget -= cost(text) + 2
                if budget < 0:
                    return kept
                kept.append(text)
    return kept


def newest(run: Run, fact: Fact, budget: int) -> list[str]:
    return truncated(run.turns, budget)


WAYS: dict[str, Callable[[Run, Fact, int], Sequence[str]]] = {
    "plain truncation": newest,
    "segments, not compressed": without_selection,
    "selection, not segmented": without_segments,
    "memory, nothing asked": without_question,
    "memory": with_memory,
}


def recall(runs: Sequence[Run], way: Callable[[Run, Fact, int], Sequence[str]], budget: int) -> tuple[float, float]:
    """Share of the facts whose value is there, and the tokens used on average."""
    hits: list[bool] = []
    used: list[int] = []
    for run in runs:
        for fact in run.facts:
            kept = way(run, fact, budget)
            hits.append(any(fact.value in text for text in kept))
            used.append(sum(cost(text) + 2 for text in kept))
    return sum(hits) / len(hits), sum(used) / len(used)


def main() -> int:
    """Measures all ways at all budgets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1000, help="of the first run")
    parser.add_argument("--budgets", default="100,200,400,800,1600")
    chosen = parser.parse_args()
    runs = [generated(seed, chosen.steps) for seed in range(chosen.seed, chosen.seed + chosen.runs)]
    budgets = [int(b) for b in chosen.budgets.split(",")]
    whole = [sum(cost(x) + 2 for t in run.turns for x in (*t.lines, t.done)) for run in runs]
    facts = sum(len(run.facts) for run in runs)
    out = [
        f"{len(runs)} runs of {chosen.steps} steps, {facts} facts; a whole run is {sum(whole) / len(whole):.0f} tokens",
        "",
    ]
    out += ["| budget | " + " | ".join(WAYS) + " |", "|---|" + "---|" * len(WAYS)]
    for budget in budgets:
        cells = [recall(runs, way, budget) for way in WAYS.values()]
        out.append(f"| {budget} | " + " | ".join(f"{share:.0%}" for share, _ in cells) + " |")
        worst = max(used for _, used in cells)
        assert worst <= budget, f"{worst} tokens used of {budget}"
    sys.stdout.write("\n".join(out) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
