"""A run that remembers: chosen by options or settings, held by the model process, kept beside the trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_fakes.demo_worker import open_demo
from PIL import Image, ImageDraw

from reticle_agent.stop import StopToken
from reticle_app.cli.run import chosen_past
from reticle_app.config import Settings
from reticle_app.past import FOLDER, PastOptions, begin_past, end_past
from reticle_app.protocol import Message, Pixels, decode_error, decode_grounding
from reticle_app.task import StoppableGrounder, TaskOptions
from reticle_app.worker import ModelServer
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import load_calibration
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder as Predictor
from reticle_grounding.sources import PointerSource

SIZE = (168, 112)


class NoReader:
    def read(self, *_: object) -> list[object]:
        return []


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The shipped model on small pictures, nothing read."""
    source = PointerSource(PointerModel.open(embedded_model_dir()))
    return Predictor(source, NoReader(), load_calibration(), GroundingConfig(reading="off"))


def shown(number: int) -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(image).rectangle((2, 2, 10 + 9 * number, 20), fill="navy")
    return image


def observed(server: ModelServer, number: int, past: bool = True) -> int:
    header = {"op": "observe", "id": 1, "width": SIZE[0], "height": SIZE[1], **({"past": True} if past else {})}
    body, _ = server.answer(Message(header, b"".join(Pixels(shown(number)).parts())))
    if "error" in body:
        raise decode_error(body["error"])
    return body["ok"]["observation"]


def asked(server: ModelServer, observation: int) -> object:
    header = {"op": "ground", "id": 2, "observation": observation, "instruction": "the bar", "top_k": 3}
    return decode_grounding(*(lambda body, payload: (body["ok"], payload))(*server.answer(Message(header))))


def told(server: ModelServer, **header: object) -> object:
    body, _ = server.answer(Message({"id": 3, **header}))
    if "error" in body:
        raise decode_error(body["error"])
    return body["ok"]


def test_the_model_process_keeps_the_history_of_a_run_apart_from_other_questions(predictor, tmp_path):
    server = ModelServer(lambda _folder, _tuning: predictor)
    told(server, op="open", model_dir="")
    with pytest.raises(BadInput, match="keeps no history"):
        observed(server, 0)
    told(server, op="remember", most=2, budget=10**8)
    plain = asked(server, observed(server, 1, past=False))
    first = observed(server, 0)
    asked(server, first)
    later = asked(server, observed(server, 1))
    assert abs(later.attention - plain.attention).max() > 1e-5, "the second screenshot is seen after the first"
    again = asked(server, observed(server, 1, past=False))
    assert abs(again.attention - plain.attention).max() < 1e-6, "who asks beside the run is asked without its past"
    assert told(server, op="end_past", folder=str(tmp_path / FOLDER)) == {"saved": True}
    assert (tmp_path / FOLDER / "history.json").is_file()
    with pytest.raises(BadInput, match="keeps no history"):
        told(server, op="end_past", folder=str(tmp_path / FOLDER))
    told(server, op="remember", most=2, budget=10**8, folder=str(tmp_path / FOLDER))
    with pytest.raises(BadInput, match="whole number 'most'"):
        told(server, op="remember", budget=10**8)


def test_a_model_that_cannot_remember_says_so():
    server = ModelServer(lambda folder, tuning: open_demo(folder, tuning))
    told(server, op="open", model_dir="")
    with pytest.raises(BadInput, match="cannot keep a history"):
        told(server, op="remember", most=2, budget=1000)


def test_a_run_s_history_is_saved_beside_the_trace_and_taken_up_again(predictor, tmp_path):
    lines: list[str] = []
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir(), after.mkdir()
    grounder = StoppableGrounder(predictor, StopToken())
    past = begin_past(grounder, PastOptions(3), before, lines.append)
    assert lines == ["the run that is continued kept no history; a new one begins"]
    past.observe(shown(0)).ground("the bar")
    end_past(past, before, lines.append)
    assert lines[1:] == [f"history: {before / FOLDER}"]
    begin_past(grounder, PastOptions(3), before, lines.append).observe(shown(1)).ground("the bar")
    assert len(lines) == 2

    class Full:
        def end_past(self, folder: Path) -> bool:
            raise ReticleError("the disk is full")

    end_past(Full(), after, lines.append)
    assert lines[-1] == "the history was not kept: the disk is full"

    class Without:
        name = "plain"

    with pytest.raises(BadInput, match="plain cannot keep a history"):
        begin_past(Without(), PastOptions(3), None, lines.append)


def test_what_is_remembered_is_chosen_at_the_command_line_or_in_the_settings(tmp_path):
    none, some = Settings(), Settings(history=5, history_mb=300)
    assert chosen_past(None, None, none) is None
    assert chosen_past(3, None, none) == PastOptions(3, 1024)
    assert chosen_past(None, None, some) == PastOptions(5, 300)
    assert chosen_past(0, None, some) is None
    assert chosen_past(2, 64, some) == PastOptions(2, 64)
    with pytest.raises(BadInput, match=r"--history-mb .* --history N"):
        chosen_past(None, 64, none)
    assert TaskOptions.of(some, "x", "confirm").past == PastOptions(5, 300)
    assert TaskOptions.of(none, "x", "confirm").past is None
    for options, said in ((PastOptions(0), "0 screenshots"), (PastOptions(1, 0), "0 megabytes")):
        with pytest.raises(BadInput, match=said):
            options.check()
