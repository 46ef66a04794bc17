"""A planner that runs a model on this machine: what was chosen, and how much memory it will take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import NumberType

from .planning import MAX_MISSES, Planning

if TYPE_CHECKING:
    from reticle_agent.planner.endpoint import ReadScreen
    from reticle_agent.planner.local import Writer
    from reticle_agent.seams import Planner, Screen, TraceSink
    from reticle_agent.stop import StopToken

DEVICES = ("cpu", "cuda")
GIB = 2**30
_IN_FULL: dict[NumberType, Literal["float32", "bfloat16", "int8"]] = {
    "fp32": "float32",
    "bf16": "bfloat16",
    "int8": "int8",
}


@dataclass(frozen=True, slots=True)
class LocalChoice:
    """A model on this machine as the user named it; nothing is checked yet."""

    model: Path
    """Its folder."""
    screens: int = 4
    """Screens in one prompt, the newest included."""
    picture: bool = True
    """Whether the model sees the screen."""
    marks: bool = False
    """Whether the texts in the picture are numbered."""
    text: bool = True
    """Whether it is told the text on the screen."""
    pixels: int | None = None
    """Model pixels of a screen; None is the writer's own limit."""
    timeout_s: float = 300.0
    max_tokens: int = 200_000
    numbers: NumberType | None = None
    device: str = "cpu"


def local_choice(
    planner: str,
    model: Path | None,
    *,
    screens: int = 4,
    picture: bool = True,
    marks: bool = False,
    text: bool = True,
    pixels: int | None = None,
    timeout_s: float = 300.0,
    max_tokens: int = 200_000,
    numbers: NumberType | None = None,
    device: str = "cpu",
) -> LocalChoice | None:
    """What the options say; None for another planner. Raises BadInput for options that do not go together."""
    if planner != "local":
        if model is not None or marks or pixels is not None or not picture or not text:
            raise BadInput("a model folder to plan with and its options are only used with --planner local")
        return None
    if model is None:
        raise BadInput("--planner local needs --planner-model DIR, the folder of a vision-language model")
    if device not in DEVICES:
        raise BadInput(f"--planner-device {device}: it is one of {', '.join(DEVICES)}")
    if not picture and not text:
        raise BadInput("a planner that is shown neither picture nor text knows nothing of the screen")
    return LocalChoice(model, screens, picture, marks, text, pixels, timeout_s, max_tokens, numbers, device)


def plan_with_local(task: str, choice: LocalChoice) -> Planning:
    """Checks the choice and the folder before anything is loaded or started. Raises BadInput."""
    from reticle_agent.planner.endpoint import Vault
    from reticle_agent.planner.local import LocalOptions, LocalPlanner
    from reticle_agent.provenance import UserWords
    from reticle_agent.trace import ModelFacts
    from reticle_grounding.planning.opening import PIXELS, check_device, check_folder, open_writer

    if not task.strip():
        raise BadInput("the instruction is empty; say what to do")
    if choice.marks and not choice.text:
        raise BadInput("marks number the text that was read; show the text of the screen too")
    options = LocalOptions(
        max_tokens=choice.max_tokens,
        screens=choice.screens,
        timeout_s=choice.timeout_s,
        picture=choice.picture,
        marks=choice.marks,
    )
    check_device(choice.device)
    check_folder(choice.model)
    size = memory_needed(choice)
    check_memory(choice, size)
    vault = Vault(task)
    opened: list[Writer] = []
    readers: list[ReadScreen] = []

    def prepare() -> None:
        from .planning import reader

        pixels = choice.pixels or PIXELS
        opened.append(open_writer(choice.model, numbers=choice.numbers, device=choice.device, max_pixels=pixels))
        if choice.text:
            readers.append(reader())

    def make(screen: Screen, trace: TraceSink, token: StopToken) -> Planner:
        read = readers[0] if readers else None
        return LocalPlanner(opened[0], options, screen=screen, trace=trace, token=token, read=read)

    name = choice.model.resolve().name
    shown = " and ".join(word for word, on in (("its text", choice.text), ("a picture of it", choice.picture)) if on)
    return Planning(
        ModelFacts("planner", name, dtype=numbers_of(choice), device=choice.device),
        vault.secrets,
        UserWords(task),
        MAX_MISSES,
        make,
        f"{name} plans on this machine (some {size / GIB:.1f} GiB); it is shown the task and of the screen {shown}",
        prepare=prepare,
    )


def numbers_of(choice: LocalChoice) -> NumberType:
    """What the model computes in."""
    return choice.numbers or ("fp32" if choice.device == "cpu" else "bf16")


def memory_needed(choice: LocalChoice) -> int:
    """Bytes that the model takes at the most while it is opened, told from the headers of its files.

    Raises BadInput for files that are damaged.
    """
    from reticle_grounding.model.checkpoint import read_config
    from reticle_grounding.model.weights import shard_files

    from .models.headers import headers_of
    from .models.memory import predict

    tied = bool(read_config(choice.model).tie_word_embeddings)
    headers = [header for file in shard_files(choice.model) for header in headers_of(file)]
    return predict(headers, tied=tied).opening(_IN_FULL[numbers_of(choice)])


def check_memory(choice: LocalChoice, size: int) -> None:
    """Raises BadInput for a model larger than this machine; that of a graphics card is not looked at."""
    from .models.memory import machine_memory

    there = machine_memory()
    if choice.device == "cpu" and there is not None and size > there:
        raise BadInput(
            f"{choice.model} takes some {size / GIB:.1f} GiB in {numbers_of(choice)}, and this machine has "
            f"{there / GIB:.1f}; take a smaller model or --planner-dtype bf16"
        )
