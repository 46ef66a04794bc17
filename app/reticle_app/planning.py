"""Which planner a run uses, and what the rest of the run must know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reticle_grounding.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from reticle_agent.perform import Witness
    from reticle_agent.planner.endpoint import ReadScreen
    from reticle_agent.provenance import UserWords
    from reticle_agent.replay.recording import Recording
    from reticle_agent.seams import Planner, Screen, TraceSink
    from reticle_agent.stop import StopToken
    from reticle_agent.trace import ModelFacts

KEY_VARIABLE = "RETICLE_ENDPOINT_KEY"
"""Environment variable with the endpoint's key; a command line would show it to every user of the machine."""
PLANNERS = ("rules", "endpoint", "local")
MAX_MISSES = 2
"""A model may fail or miss its target so many times in a row; it is told and plans anew."""


MEMORY_TOKENS = 800
"""Of what was read earlier in a run, in each request, where nothing else is said."""
MAX_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class EndpointChoice:
    """An endpoint as the user named it; nothing is checked yet."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    picture: bool = False
    """Whether the screen is sent as a picture."""
    marks: bool = False
    """Whether the texts in the picture are numbered."""
    text: bool = True
    """Whether the text on the screen is sent."""
    plain_http: bool = False
    """Whether another machine may be spoken to without encryption."""
    timeout_s: float = 60.0
    max_tokens: int = 200_000
    memory: int = 0
    """Tokens of what was read earlier in the run, in each request."""
    examples: int = 0
    """Runs of before with similar tasks that are shown to the model."""


def endpoint_choice(
    planner: str,
    url: str | None,
    model: str | None,
    environment: Mapping[str, str],
    *,
    picture: bool = False,
    marks: bool = False,
    text: bool = True,
    plain_http: bool = False,
    timeout_s: float = 60.0,
    max_tokens: int = 200_000,
    memory: int | None = None,
    examples: int = 0,
) -> EndpointChoice | None:
    """What the options say; None for another planner. Raises BadInput for options that do not go together."""
    if planner not in PLANNERS:
        raise BadInput(f"the planner is one of {', '.join(PLANNERS)}, not '{planner}'")
    if planner != "endpoint":
        asked = url is not None or model is not None or memory is not None or examples > 0
        if asked or picture or marks or plain_http or not text:
            raise BadInput("an endpoint is only used with --planner endpoint")
        return None
    if not url or not model:
        raise BadInput("--planner endpoint needs --endpoint URL and --endpoint-model NAME")
    key = environment.get(KEY_VARIABLE) or None
    if not 0 <= examples <= MAX_EXAMPLES:
        raise BadInput(f"--endpoint-examples {examples}: it must be 0 to {MAX_EXAMPLES}")
    if memory is not None and memory > 0 and not text:
        raise BadInput("the memory holds text that was read; send the text of the screen too")
    kept = (MEMORY_TOKENS if text else 0) if memory is None else memory
    return EndpointChoice(url, model, key, picture, marks, text, plain_http, timeout_s, max_tokens, kept, examples)


@dataclass(frozen=True, slots=True)
class Planning:
    """A planner to be, and its consequences for the run."""

    facts: ModelFacts
    secrets: list[str]
    """Texts the trace must never hold."""
    told: UserWords | None
    """Set where a model plans: what the user did not say is asked about."""
    max_misses: int
    make: Callable[[Screen, TraceSink, StopToken], Planner]
    announcement: str = ""
    """What the person is told before the run."""
    witness: Witness | None = None
    """What knows the targets from a recording."""
    parent_id: str | None = None
    """The trace that is done again."""
    prepare: Callable[[], None] = lambda: None
    """Loads what takes long, before the run begins."""


def plan_with_rules(task: str) -> Planning:
    """Raises BadInput naming the words that are not understood."""
    from reticle_agent.planner import RulePlanner, parse
    from reticle_agent.trace import ModelFacts, secrets_of

    secrets = secrets_of(parse(task))
    return Planning(ModelFacts("planner", "rules"), secrets, None, 0, lambda screen, trace, token: RulePlanner())


def plan_replay(recording: Recording) -> Planning:
    """The steps of a recorded run, each target held to what it looked like."""
    from reticle_agent.replay.again import ReplayPlanner, ReplayWitness
    from reticle_agent.trace import ModelFacts

    return Planning(
        ModelFacts("planner", "replay"),
        list(recording.secrets),
        None,
        0,
        lambda screen, trace, token: ReplayPlanner(recording),
        witness=ReplayWitness(recording),
        parent_id=recording.id,
    )


def plan_with_endpoint(
    task: str, choice: EndpointChoice, traces: Path | None = None, resume: Path | None = None
) -> Planning:
    """Checks the choice before anything is started. Raises BadInput.

    ``traces`` is where examples are looked for, ``resume`` the run whose screens are remembered.
    """
    from reticle_agent.memory.examples import examples
    from reticle_agent.memory.turns import turns_of
    from reticle_agent.planner.endpoint import Connection, EndpointOptions, EndpointPlanner, Vault, parse_address
    from reticle_agent.provenance import UserWords
    from reticle_agent.stop import StopToken
    from reticle_agent.trace import ModelFacts, TraceReader

    if not task.strip():
        raise BadInput("the instruction is empty; say what to do")
    if choice.marks and not choice.text:
        raise BadInput("marks number the text that was read; send the text of the screen too")
    address = parse_address(choice.url, allow_plain=choice.plain_http)
    options = EndpointOptions(
        choice.model, choice.max_tokens, picture=choice.picture, marks=choice.marks, memory_tokens=choice.memory
    )
    Connection(address, StopToken(), choice.key, choice.timeout_s)
    vault = Vault(task)
    read = reader() if choice.text else None
    remembered = turns_of(TraceReader.open(resume)) if resume is not None and choice.memory else []
    looks = choice.examples > 0 and traces is not None and traces.is_dir()
    alike = examples(traces, task, choice.examples) if looks and traces is not None else []

    def make(screen: Screen, trace: TraceSink, token: StopToken) -> Planner:
        link = Connection(address, token, choice.key, choice.timeout_s)
        return EndpointPlanner(
            link,
            options,
            screen=screen,
            trace=trace,
            token=token,
            read=read,
            remembered=remembered,
            examples=alike,
        )

    sent = [name for name, on in (("its text", choice.text), ("a picture of it", choice.picture)) if on]
    past = f"; so are {len(alike)} earlier runs of similar tasks" if alike else ""
    seen = f"what is on the screen is sent there ({' and '.join(sent)})" if sent else "nothing of the screen is sent"
    return Planning(
        ModelFacts("planner", choice.model, endpoint_kind="openai"),
        [*vault.secrets, *([choice.key] if choice.key else [])],
        UserWords(task),
        MAX_MISSES,
        make,
        f"the task goes to {choice.model} at {address.host}; {seen}{past}",
    )


def reader() -> ReadScreen:
    """What reads the text of a picture."""
    import numpy as np

    from reticle_grounding.ocr import TextReader

    reader = TextReader()
    return lambda image: reader.read(np.asarray(image.convert("RGB")))
