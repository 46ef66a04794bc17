"""Pictures of the window in every state: ``python tests/app/make_screenshots.py OUT [--size WxH] [--theme NAME]``.

Uses the statistics-only demo model unless ``--model DIR`` names a real one ("embedded" for the shipped checkpoint). Run
it under a display of the wanted size; set QT_SCALE_FACTOR for HiDPI. ``--picture FILE --words TEXT`` sets the content.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1] / "agent"))

from agent_fakes.recorded import recorded
from app_fakes.parts import WORKER, FakeBody, FakeScreen
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from reticle_agent.actions import Click, TypeText
from reticle_agent.seams import StepOutcome
from reticle_app.config import Settings, SettingsFault
from reticle_app.gui import Parts, build, open_picture, tell_fault
from reticle_app.preferences import Preferences
from reticle_app.remote import RemoteGrounder
from reticle_app.runner import RunEnd
from reticle_app.widgets.canvas import Canvas

STATES = ("empty", "grounded", "running", "refused", "not-found", "error", "loading")
WINDOWS = (
    "palette", "palette-search", "palette-none", "shortcuts", "settings", "settings-wrong", "settings-fault",
    "inspector-empty", "inspector", "inspector-compare", "traces-none", "traces", "traces-run", "traces-deleted",
    "models", "models-reopen", "welcome-check", "welcome-permissions", "welcome-pointer", "welcome-tour",
)  # fmt: skip
"""States of the palette and of the other windows."""


def settings_picture() -> Image.Image:
    """A generated settings dialog, for pictures that need no capture."""
    image = Image.new("RGB", (1280, 800), (58, 84, 120))
    draw = ImageDraw.Draw(image)
    font, bold = ImageFont.load_default(17), ImageFont.load_default(20)
    draw.rounded_rectangle((240, 110, 1040, 690), 14, fill=(250, 250, 251))
    draw.text((270, 132), "Preferences", fill=(30, 30, 30), font=bold)
    for i, words in enumerate(("General", "Appearance", "Keyboard", "Network", "Privacy", "About")):
        top = 190 + 52 * i
        if i == 1:
            draw.rounded_rectangle((256, top - 12, 440, top + 30), 8, fill=(222, 230, 250))
        draw.text((274, top), words, fill=(45, 45, 45), font=font)
    for i, (words, colour) in enumerate((("Accent colour", "red"), ("Background", "blue"), ("Selection", "green"))):
        top = 200 + 80 * i
        draw.text((490, top + 12), words, fill=(45, 45, 45), font=font)
        draw.rounded_rectangle((900, top, 980, top + 44), 8, fill=colour)
    draw.rounded_rectangle((800, 620, 900, 664), 8, outline=(170, 170, 170), width=2, fill="white")
    draw.rounded_rectangle((916, 620, 1016, 664), 8, fill=(40, 90, 220))
    draw.text((822, 632), "Cancel", fill=(45, 45, 45), font=font)
    draw.text((940, 632), "Apply", fill="white", font=font)
    return image


def spin(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        loop = QEventLoop()
        QTimer.singleShot(30, loop.quit)
        loop.exec()


class Studio:
    """Brings the window into a state and saves what is on it."""

    def __init__(self, app: QApplication, args: argparse.Namespace) -> None:
        self.args = args
        image = open_picture(args.picture) if args.picture else settings_picture()
        steps = [Click("the Apply button"), TypeText("reticle", "the search field"), Click(args.words)]
        real = args.model is not None
        model_dir = "" if args.model in (None, "embedded") else args.model
        grounder = RemoteGrounder(model_dir) if real else RemoteGrounder(command=WORKER)
        self.body = FakeBody(grounder, FakeScreen(image), [steps[2]])
        self.done = [StepOutcome(steps[0], "done"), StepOutcome(steps[1], "refused", "you said no")]
        self.screen = FakeScreen(image)
        self.steps = steps
        settings = Settings(theme=args.theme, language=args.language, traces=args.out / "runs")
        preferences = Preferences(settings, lambda _: None)
        self.parts: Parts = build(app, settings, grounder, self.body, lambda desk: self.screen, preferences)
        self.shown: QWidget = self.parts.window
        self.window, self.control = self.parts.window, self.parts.controller

    def show(self) -> None:
        width, height = (int(n) for n in self.args.size.split("x"))
        self.window.resize(width, height)
        self.window.move(0, 0)
        self.window.show()
        spin(0.2)

    def ready(self) -> None:
        spin(60, lambda: self.window.footer.model.text().endswith("ready"))

    def ground(self, words: str) -> None:
        self.window.header.field.setText(words)
        self.control.capture(None)
        spin(5, lambda: self.window.canvas.has_picture and not self.control.busy)
        self.control.find(words)
        spin(120, lambda: self.control.grounding is not None and not self.control.busy)

    def bring(self, state: str) -> None:
        if state == "loading":
            return
        self.ready()
        if state in WINDOWS:
            self.open(state)
        if state == "grounded":
            self.ground(self.args.words)
        elif state == "not-found":
            self.ground("the nothing button" if self.args.model is None else "the purple elephant")
        elif state == "error":
            self.ground(self.args.words)
            self.control._model_ended("the model process ended (signal 9, SIGKILL); restart it")
        elif state in ("running", "refused"):
            self.run(state)

    def open(self, state: str) -> None:
        """Another window, or the palette over this one."""
        tools, palette = self.parts.tools, self.window.command_palette
        if state.startswith(("palette", "shortcuts")):
            self.ground(self.args.words)
            palette.open("shortcuts" if state == "shortcuts" else "commands")
            palette.field.setText({"palette-search": "zoom", "palette-none": "xyzzy"}.get(state, ""))
        elif state.startswith("settings"):
            path = self.args.out / "settings.json"
            if state == "settings-fault":
                self.parts.preferences.fault = SettingsFault(path, ('countdown_s: "soon" should be a valid number',))
                tell_fault(self.parts)
            tools.show_settings()
            self.shown = tools.settings_window
            if state == "settings-wrong":
                self.shown.form.fields["traces"].control.setText("")
                self.shown.save.click()
        elif state.startswith("models"):
            tools.show_models()
            self.shown = tools.models_window
            spin(30, lambda: bool(self.shown.entries) and not tools.managing.busy)
            if state == "models-reopen":
                box = self.shown.page.numbers.field.control
                box.setCurrentIndex(box.findData("bf16"))
                self.shown.page.ensureWidgetVisible(self.shown.page.numbers)
        elif state.startswith("welcome"):
            tools.show_welcome()
            self.shown = tools.welcome_window
            pages = ("check", "permissions", "pointer", "tour")
            self.shown.go(pages.index(state.partition("-")[2]))
        elif state.startswith("inspector"):
            if state != "inspector-empty":
                self.ground(self.args.words)
            tools.show_inspector_here()
            self.shown = tools.inspector_window
            spin(30, lambda: state == "inspector-empty" or self.shown.panes[0].grounding is not None)
            if state == "inspector-compare":
                self.shown.compare_button.click()
                self.shown.panes[1].find_button.click()
                spin(30, lambda: self.shown.panes[1].grounding is not None)
        else:
            self.browse(state)

    def browse(self, state: str) -> None:
        folder = self.args.out / "runs"
        if state != "traces-none" and not (folder / "one").exists():
            folder.mkdir(parents=True, exist_ok=True)
            recorded(folder / "one")
            recorded(folder / "two")
        self.parts.tools.show_traces()
        self.shown, browsing = self.parts.tools.traces_window, self.parts.tools.browsing
        spin(30, lambda: not browsing.busy)
        if state in ("traces-run", "traces-deleted"):
            self.shown.list.setCurrentRow(0)
            spin(30, lambda: not browsing.busy)
            self.shown.right.click()
            spin(30, lambda: not browsing.busy)
        if state == "traces-deleted":
            self.shown.delete_button.click()
            spin(30, lambda: not browsing.busy)

    def run(self, state: str) -> None:
        self.window.header.field.setText(f"click the Apply button, type 'reticle', then click {self.args.words}")
        self.control.run(self.window.header.words)
        spin(60, lambda: self.window.side.approval.isVisible())
        self.control.runs.show_steps(self.steps[2], tuple(self.done))
        self.control.runs.mark_step(asking=True)
        spin(0.6)
        if state == "refused":
            self.control.runs.refuse()
            spin(5, lambda: not self.parts.runner.running)
            self.control.runs.show_steps(None, (*self.done, StepOutcome(self.steps[2], "refused", "you said no")))
            self.window.side.approval.clear()
            self.control.runs.end(RunEnd("refused", "you refused a step, nothing was sent after it"))
        self.parts.desk.clear()

    def close(self) -> None:
        self.window.close()
        spin(3, lambda: not self.window.isVisible())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1280x800", help="size of the window in logical pixels")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--states", nargs="+", default=list(STATES), choices=STATES + WINDOWS)
    parser.add_argument("--language", choices=("en", "de"), default="en")
    parser.add_argument("--other-size", help="size of the other windows; the one they open with if none")
    parser.add_argument("--model")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--words", default="the red colour")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    for state in args.states:
        studio = Studio(app, args)
        studio.show()
        studio.bring(state)
        spin(0.4)
        if studio.shown is not studio.window and args.other_size:
            studio.shown.resize(*(int(n) for n in args.other_size.split("x")))
            spin(0.3)
        spin(5, lambda: all(c.rests for c in app.allWidgets() if isinstance(c, Canvas)))
        path = args.out / f"{state}-{args.theme}{'' if args.language == 'en' else '-' + args.language}.png"
        studio.shown.grab().save(str(path))
        print(path)
        studio.close()


if __name__ == "__main__":
    main()
