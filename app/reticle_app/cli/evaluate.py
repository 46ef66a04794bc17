"""`reticle eval`: how often is the model right, does it know when, and is it better than text search?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import number_type
from reticle_grounding.strategies import strategy_named

from .evaluate_table import print_results
from .ground import (
    DtypeOption,
    JsonOption,
    KeepOption,
    ModelOption,
    PrefillOption,
    SecondLookOption,
    SelectOption,
    WordingsOption,
    check_prefill,
    follow_prefill,
)
from .output import emit_json, progress_bar, say

if TYPE_CHECKING:
    from reticle_grounding.evaluation.presets import Preset
    from reticle_grounding.evaluation.published import Choices
    from reticle_grounding.evaluation.results import Evaluation
    from reticle_grounding.evaluation.risk import Answer
    from reticle_grounding.evaluation.sets import TargetSet
    from reticle_grounding.number_types import NumberType
    from reticle_grounding.options import GroundingConfig
    from reticle_grounding.predictor import Grounder


def register(app: typer.Typer) -> None:
    app.command("eval")(evaluate)


def evaluate(
    targets: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of JSON lines with pictures in images/ beside each, or files or folders of ScreenSpot, -v2, "
            "-Pro, OSWorld-G, UI-Vision or VenusBench-GD as published."
        ),
    ] = None,
    captured: Annotated[
        list[Path] | None,
        typer.Option("--captured", help="Folder with screens.jsonl: its held-out applications; may be repeated."),
    ] = None,
    spoken: Annotated[
        list[Path] | None,
        typer.Option(
            "--spoken", help="As --captured, with instructions a language model wrote one by one; may be repeated."
        ),
    ] = None,
    composed: Annotated[
        list[Path] | None,
        typer.Option(
            "--composed", help="As --captured, asked by row or neighbour (the bin right of Drafts); may be repeated."
        ),
    ] = None,
    generated: Annotated[
        int | None, typer.Option("--generated", min=1, help="So many targets on newly generated screens.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most N targets of each set.")] = None,
    benchmark: Annotated[
        str | None,
        typer.Option("--format", help="Read the files as those of this benchmark; as a rule it is recognised."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="Folder of a benchmark's pictures, where it is not beside the files."),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            "--boxes", help="How a benchmark's boxes are written, such as xywh-pixels or xyxy-1; else detected."
        ),
    ] = None,
    applications: Annotated[
        bool, typer.Option("--applications", help="One row for each application of a benchmark as well.")
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="A paper's rule for picture sizes: gui-actor, gui-aima, focusui-7b or focusui-2b."
        ),
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Beside it plain text search, on the same reading.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Every set once more, the model judging its best candidates again.")
    ] = False,
    curve: Annotated[
        Path | None, typer.Option("--curve", help="Draw risk-coverage and reliability into this .png or .svg.")
    ] = None,
    risk: Annotated[
        Path | None,
        typer.Option("--risk", help="Write the curve over all sets, from which runs know when to act alone."),
    ] = None,
    model: ModelOption = None,
    keep_ratio: KeepOption = None,
    second_look: SecondLookOption = False,
    wordings: WordingsOption = 0,
    select: SelectOption = None,
    prefill: PrefillOption = "auto",
    dtype: DtypeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure accuracy, risk, calibration, rejection and time on labelled screens of one or several sets."""
    from reticle_grounding.evaluation.picture import check_ending, draw_curves
    from reticle_grounding.evaluation.presets import preset_named
    from reticle_grounding.evaluation.published import Choices
    from reticle_grounding.options import GroundingConfig
    from reticle_grounding.second_look import SecondLookRule

    check_prefill(prefill)
    if curve is not None:
        check_ending(curve)
    settings = load_settings()
    numbers = None if dtype is None else number_type(dtype)
    selection = None if select is None else strategy_named(select, keep_ratio).name
    rules = None if preset is None else preset_named(preset)
    choices = Choices(benchmark, images, boxes, applications, refined=rules is not None and rules.refined)
    if risk is not None and (verify or preset is not None or keep_ratio is not None):
        raise BadInput("--risk measures the model as runs use it; leave out --verify, --preset and --keep-ratio")
    answers: list[Answer] = []
    with _sets(targets or [], captured or [], spoken or [], composed or [], generated, limit, choices) as sets:
        again = SecondLookRule() if second_look else None
        config = GroundingConfig(keep_ratio=keep_ratio, select=selection, second_look=again, wordings=wordings)
        results = _measure(
            sets,
            chosen_model(model, settings),
            config,
            rules,
            numbers or settings.dtype,
            prefill=prefill,
            baselines=baselines,
            verify=verify,
            answers=answers,
        )
    if risk is not None:
        _save_risk(risk, results, answers)
    if curve is not None:
        draw_curves(results, curve)
    if as_json:
        emit_json(next(iter(results.values())) if len(results) == 1 else {"sets": results})
        return
    print_results(results)
    if curve is not None:
        say(f"picture: {curve}")
    if risk is not None:
        say(f"risk curve: {risk}")


@contextmanager
def _sets(
    targets: list[Path],
    captured: list[Path],
    spoken: list[Path],
    composed: list[Path],
    generated: int | None,
    limit: int | None,
    choices: Choices,
) -> Iterator[list[TargetSet]]:
    """All sets named on the command line; bad ones are told before any model is opened."""
    from reticle_grounding.evaluation import sets
    from reticle_grounding.evaluation.published import read_set

    if not (targets or captured or spoken or composed) and generated is None:
        raise BadInput(
            "nothing to measure: name a targets file, --captured FOLDER, --spoken FOLDER, --composed FOLDER or "
            "--generated N"
        )
    with ExitStack() as stack:
        found = [read_set(path, limit, choices) for path in targets]
        found += [sets.captured(folder, limit) for folder in captured]
        found += [sets.spoken(folder, limit) for folder in spoken]
        found += [sets.composed(folder, limit) for folder in composed]
        if generated is not None:
            found.append(stack.enter_context(sets.generated(min(generated, limit or generated))))
        yield found


def _measure(
    sets: list[TargetSet],
    model: Path | None,
    config: GroundingConfig,
    preset: Preset | None,
    numbers: NumberType | None = None,
    *,
    prefill: str,
    baselines: bool,
    verify: bool,
    answers: list[Answer],
) -> dict[str, Evaluation]:
    """Results by name, in the order of the command line."""
    from reticle_grounding.evaluate import evaluate_set
    from reticle_grounding.evaluation.presets import Applied
    from reticle_grounding.predictor import Grounder

    # All rules before any model, so that a preset without one for some set is told at once.
    benchmarks = [s.origin.name if s.origin else None for s in sets]
    rules = [None if preset is None else Applied(preset, preset.rule(benchmark)) for benchmark in benchmarks]
    first: Grounder | None = None
    results: dict[str, Evaluation] = {}
    for name, measured, applied in zip(distinct([s.name for s in sets]), sets, rules, strict=True):
        limit = applied.rule.max_pixels if applied else None
        if first is None or first.config.max_pixels != limit:
            first = Grounder.open(model, replace(config, max_pixels=limit), numbers)
            follow_prefill(first, prefill)
        for suffix, grounder in [("", first), *([(" + verifier", _verifying(first))] if verify else [])]:
            with progress_bar(name + suffix) as progress:
                results[name + suffix] = evaluate_set(
                    measured, grounder, progress, baselines=baselines, applied=applied, answers=answers
                )
    return results


def _save_risk(path: Path, results: dict[str, Evaluation], answers: list[Answer]) -> None:
    from reticle_grounding.risk_curve import measured

    names = [f"{name} ({result['n']})" for name, result in results.items()]
    measured(next(iter(results.values()))["model"], names, answers).save(path)


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number where one comes again."""
    counts: Counter[str] = Counter()
    told = []
    for name in names:
        counts[name] += 1
        told.append(name if counts[name] == 1 else f"{name} {counts[name]}")
    return told


def _verifying(grounder: Grounder) -> Grounder:
    """The same model, reader and probabilities, judging the best candidates once more."""
    return grounder.altered(config=replace(grounder.config, vlm_verifier=True))
