"""`reticle rules show|set|remove`: what may be done alone, and in which application."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import typer

from reticle_app.config import AppRuleSetting, Settings, load_settings, save_settings
from reticle_grounding.errors import BadInput, ReticleError

from .ground import JsonOption
from .output import emit_json, say

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="What may be done alone, and where."
)
GOALS = (10, 20, 50, 100)
_SPAN = re.compile(r"(\d+)\s*(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="Window class or program, or * for all others.")]


@app.command("show")
def show(as_json: JsonOption = False) -> None:
    """Print the risk table of the measured curve, the rules for applications and what always asks."""
    from reticle_agent.applications import MONEY_WORDS, SHIPPED
    from reticle_agent.safety import CONSEQUENCE_WORDS

    settings, now = load_settings(), datetime.now(timezone.utc)
    risk = _risk(settings)
    rules = [_row(rule, now) for rule in settings.applications]
    if as_json:
        emit_json(
            {
                "mode": settings.mode,
                "one_wrong_in": settings.one_wrong_in,
                "ask_below": settings.ask_below,
                "risk": risk,
                "applications": rules,
                "shipped": {name: {"level": level, "why": why} for name, (level, why) in SHIPPED.items()},
                "always_ask": {"words": list(CONSEQUENCE_WORDS), "titles": list(MONEY_WORDS)},
                "forbidden": {"kinds": list(settings.forbidden_kinds), "words": list(settings.forbidden_words)},
            }
        )
        return
    for line in [*_risk_lines(settings, risk), *_rule_lines(rules)]:
        say(line)
    say(f"looked at only, without a rule of yours: {', '.join(sorted(SHIPPED))}")
    say(f"always asked about, targets: {', '.join(CONSEQUENCE_WORDS)}")
    say(f"always asked about, window titles: {', '.join(MONEY_WORDS)}")
    for word in (*settings.forbidden_kinds, *settings.forbidden_words):
        say(f"never done: {word}")


@app.command("set")
def set_rule(
    application: AppArgument,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="look, click or type.")],
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Ends after so long: 30m, 2h or 7d; default: never.")
    ] = None,
) -> None:
    """Allow to look, click or type in an application; replaces an earlier rule for it."""
    from reticle_agent.applications import AppRule

    now = datetime.now(timezone.utc).replace(microsecond=0)
    until = now + _span(lasting) if lasting is not None else None
    checked = AppRule(application, _level(level), now, until)
    rule = AppRuleSetting(app=checked.app.strip(), level=checked.level, since=now, until=until)
    settings = load_settings()
    others = tuple(other for other in settings.applications if _name(other) != checked.name)
    save_settings(settings.model_copy(update={"applications": (*others, rule)}))
    say(_line(_row(rule, now)))


@app.command("remove")
def remove(application: AppArgument) -> None:
    """Forget the rule for an application."""
    settings = load_settings()
    kept = tuple(rule for rule in settings.applications if _name(rule) != application.strip().casefold())
    if len(kept) == len(settings.applications):
        known = ", ".join(rule.app for rule in settings.applications) or "none"
        raise BadInput(f"there is no rule for '{application}'; the rules are for: {known}")
    save_settings(settings.model_copy(update={"applications": kept}))
    say(f"no rule for {application} any more")


def _name(rule: AppRuleSetting) -> str:
    return rule.app.strip().casefold()


def _level(text: str) -> Any:
    return text.strip().lower()  # AppRule refuses what is none


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None or not 1 <= int(found.group(1)) <= 10_000:
        raise BadInput(f"--for {text}: say a time such as 30m, 2h or 7d")
    return int(found.group(1)) * _UNITS[found.group(2)]


def _row(rule: AppRuleSetting, now: datetime) -> dict[str, Any]:
    from reticle_agent.applications import AppRule

    left = AppRule(rule.app, rule.level, rule.since, rule.until).seconds_left(now)
    return {
        "app": rule.app,
        "level": rule.level,
        "until": rule.until.isoformat() if rule.until else None,
        "holds": left is None or left > 0,
    }


def _line(row: dict[str, Any]) -> str:
    ending = f" until {row['until']}" if row["until"] else ""
    return f"{row['app']}: {row['level']}{ending}" + ("" if row["holds"] else " (does not hold)")


def _rule_lines(rows: list[dict[str, Any]]) -> list[str]:
    return [f"rule  {_line(row)}" for row in rows] or ["no rules of yours for applications"]


def _risk(settings: Settings) -> dict[str, Any]:
    from reticle_grounding.risk_curve import DATA_FILE, calibration_digest, load_risk_curve

    path = settings.risk_curve or DATA_FILE
    try:
        curve = load_risk_curve(path)
    except ReticleError as problem:
        return {"measured": False, "why": str(problem), "goals": []}
    if curve.calibration != calibration_digest():
        why = "the coefficients behind p_true have changed since it was measured"
        return {"measured": False, "why": f"{path}: {why}; see `reticle eval --risk`", "goals": []}
    goals = []
    for goal in dict.fromkeys([*GOALS, *([settings.one_wrong_in] if settings.one_wrong_in else [])]):
        point = curve.alone(goal)
        goals.append(
            {
                "one_wrong_in": goal,
                "p_true": point.p_true if point else None,
                "coverage": round(point.coverage, 4) if point else 0.0,
                "answered": point.answered if point else 0,
                "wrong": point.answered - point.right if point else 0,
            }
        )
    return {"measured": True, "model": curve.model, "targets": curve.total, "sets": list(curve.sets), "goals": goals}


def _risk_lines(settings: Settings, risk: dict[str, Any]) -> list[str]:
    if not risk["measured"]:
        return [f"no measured risk, so with --one-wrong-in everything is asked about: {risk['why']}"]
    lines = [f"risk of {risk['model']}, measured on {risk['targets']} instructions:"]
    for goal in risk["goals"]:
        mark = " (set)" if goal["one_wrong_in"] == settings.one_wrong_in else ""
        said = f"  at most 1 wrong in {goal['one_wrong_in']}{mark}: "
        if goal["p_true"] is None:
            lines.append(said + "acts alone nowhere, no threshold can be vouched for")
        else:
            lines.append(
                said + f"acts alone on {goal['coverage']:.0%}, from p_true {goal['p_true']:.2f} on "
                f"({goal['wrong']} of {goal['answered']} were wrong)"
            )
    return lines
