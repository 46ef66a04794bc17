"""`reticle ground IMAGE "instruction"`: where on this picture is it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_app.own_heads import head_file, with_head
from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import NUMBER_TYPES, number_type
from reticle_grounding.strategies import STRATEGIES, strategy_named

from .output import emit_json, say

if TYPE_CHECKING:
    from PIL.Image import Image

    from reticle_grounding.predictor import Grounder
    from reticle_grounding.types import Grounding

PREFILL = ("dense", "auto", "sparse")

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="Model folder, or a name from `reticle models list`; default is the embedded model."),
]
KeepOption = Annotated[
    float | None,
    typer.Option("--keep-ratio", help="Share of the picture's patches the model reads, for models that can choose."),
]
SecondLookOption = Annotated[
    bool, typer.Option("--second-look", help="Enlarge the surroundings of an unsure answer and look at them once more.")
]
WordingsOption = Annotated[
    int, typer.Option("--wordings", min=0, max=8, help="Ask in up to N other words as well, made by rules.")
]
SelectOption = Annotated[
    str | None,
    typer.Option(
        "--select",
        help=f"What the model leaves out of a picture: {', '.join(STRATEGIES)}. Those that drop patches want a "
        "--keep-ratio.",
    ),
]
PrefillOption = Annotated[
    str,
    typer.Option(
        "--prefill", help="Attention to long prompts: dense, sparse, or auto for sparse where that is faster."
    ),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        "--dtype",
        help=f"Numbers the model computes in: {', '.join(NUMBER_TYPES)}; default is the settings', then fp32 on the "
        "processor and bf16 on a GPU. int8 holds the language model's matrices and wants the extra 'quant'.",
    ),
]
HeadOption = Annotated[
    str | None,
    typer.Option(
        "--head",
        help="Head of `reticle train head` that weighs the candidates, a file or a kept name; none is the shipped law. "
        "Default is the settings'.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    app.command()(ground)


def ground(
    image: Annotated[Path, typer.Argument(help="Screenshot.")],
    instruction: Annotated[str, typer.Argument(help="What to point at, in plain words.")],
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=20, help="Candidates to return.")] = 5,
    save: Annotated[Path | None, typer.Option("--save", help="Write the annotated picture here.")] = None,
    model: ModelOption = None,
    keep_ratio: KeepOption = None,
    second_look: SecondLookOption = False,
    wordings: WordingsOption = 0,
    wording: Annotated[
        list[str] | None,
        typer.Option("--wording", help="Other words for the same target, instead of those of rules; may be repeated."),
    ] = None,
    select: SelectOption = None,
    prefill: PrefillOption = "auto",
    dtype: DtypeOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Point at what the words mean on a picture; "found" says whether it is on this screen at all."""
    from reticle_grounding.images import load_image
    from reticle_grounding.options import GroundingConfig
    from reticle_grounding.predictor import Grounder, check_instruction
    from reticle_grounding.second_look import SecondLookRule

    check_instruction(instruction)
    numbers = None if dtype is None else number_type(dtype)
    chosen = None if select is None else strategy_named(select, keep_ratio).name
    picture = load_image(image)
    _check_target(save)
    check_prefill(prefill)
    again = SecondLookRule() if second_look else None
    config = GroundingConfig(keep_ratio=keep_ratio, select=chosen, second_look=again, wordings=wordings)
    settings = load_settings()
    own = head_file(head, settings)
    grounder = with_head(Grounder.open(chosen_model(model, settings), config, numbers or settings.dtype), own)
    follow_prefill(grounder, prefill)
    grounding = grounder.observe(picture).ground(instruction, top_k, other_words=wording or None)
    if save is not None:
        _save(picture, grounding, save)
    if as_json:
        emit_json(document(grounding))
    else:
        _print(grounding, save)


def document(grounding: Grounding) -> dict[str, Any]:
    """The JSON form of a grounding; coordinates are pixels of the given picture."""
    return {
        "instruction": grounding.instruction,
        "found": grounding.found,
        "threshold": round(grounding.threshold, 4),
        "candidates": [
            {
                "rank": c.rank,
                "point": [round(c.point.x, 1), round(c.point.y, 1)],
                "region": [round(v, 1) for v in c.region.as_tuple()],
                "p_true": round(c.p_true, 4),
                "attention": round(c.attention_mass, 6),
                "origin": c.origin,
                "text": c.text,
            }
            for c in grounding.candidates
        ],
        "opinions": [
            {
                "kind": o.kind,
                "instruction": o.instruction,
                "part": [round(v, 1) for v in o.part.as_tuple()],
                "point": None if o.point is None else [round(o.point.x, 1), round(o.point.y, 1)],
                "p_true": None if o.p_true is None else round(o.p_true, 4),
                "agrees": o.agrees,
            }
            for o in grounding.opinions
        ],
        "image": {"width": grounding.image_size.width, "height": grounding.image_size.height},
        "timings_ms": {name: round(ms, 1) for name, ms in grounding.timings_ms.items()},
        "model": grounding.model,
    }


def check_prefill(mode: str) -> None:
    """Says before a model is opened that there is no such mode. Raises BadInput."""
    if mode not in PREFILL:
        raise BadInput(f"--prefill {mode}: it must be {', '.join(PREFILL[:-1])} or {PREFILL[-1]}")


def follow_prefill(grounder: Grounder, mode: str) -> None:
    """Lets a grounder's model attend to long prompts in this way."""
    from reticle_grounding.sources import PointerSource

    if isinstance(grounder.source, PointerSource):
        grounder.source.use_prefill(mode)


def _check_target(save: Path | None) -> None:
    """Says before the work, not after it, that the picture cannot be written."""
    if save is None:
        return
    if save.suffix.lower() not in {".png", ".jpg", ".jpeg", ".webp"}:
        raise BadInput(f"--save {save}: the name must end in .png, .jpg or .webp")
    if not save.parent.is_dir():
        raise BadInput(f"--save {save}: there is no folder {save.parent}")


def _save(picture: Image, grounding: Grounding, save: Path) -> None:
    from reticle_grounding.annotate import annotate

    try:
        annotate(picture, grounding).save(save)
    except OSError as error:
        raise BadInput(f"cannot write {save}: {error.strerror or error}") from error


def _print(grounding: Grounding, save: Path | None) -> None:
    if not grounding.found:
        say(f"not found on this screen: {grounding.instruction}")
    for c in grounding.candidates:
        text = f'  "{c.text}"' if c.text else ""
        say(f"{c.rank}  p={c.p_true:.2f}  at {c.point.x:.0f},{c.point.y:.0f}  from {c.origin}{text}")
    for o in grounding.opinions:
        edges = ",".join(f"{v:.0f}" for v in o.part.as_tuple())
        asked = f'"{o.instruction}"' if o.kind == "wording" else f"at {edges}"
        say(f"{o.kind} {asked}: {'agrees' if o.agrees else 'does not agree'}")
    say(f"{grounding.timings_ms.get('total', 0.0):.0f} ms with {grounding.model}")
    if save is not None:
        say(f"picture: {save}")
