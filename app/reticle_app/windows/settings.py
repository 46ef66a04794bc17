"""The settings as a page: every key of the file with what it is for, checked as the file is, saved all or none."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from reticle_app.commands import Commands
from reticle_app.config import Settings, settings_path
from reticle_app.preferences import BadSettings, Preferences
from reticle_app.resources import app_icon
from reticle_app.theme import Choice, Theme
from reticle_app.translations import NAMES, tr
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import label, open_at_hint, push_button, tint
from reticle_app.widgets.form import ChecksField, Form, PathField, choice, number, share, switch, whole, words_list
from reticle_grounding.errors import ReticleError

from .header import mode_words
from .number_row import number_type_field
from .palettes import offer_palette

AT_START = frozenset({"language", "model", "head", "heads", "models", "traces", "desk_keys"})
"""What is read once, when the application starts."""
ELSEWHERE = frozenset({"version", "applications"})
"""Keys that this page does not change."""


class SettingsWindow(QMainWindow):
    def __init__(self, theme: Theme, preferences: Preferences, shared: Commands) -> None:
        super().__init__()
        self.theme, self._preferences = theme, preferences
        self._shown = preferences.current
        """The settings as the fields got them."""
        self.setWindowTitle(tr("Settings"))
        self.setWindowIcon(app_icon())
        self.setMinimumSize(640, 440)
        self.banner = Banner(theme)
        self.form = Form(theme)
        self.state = label("", "muted")
        self.state.setAccessibleDescription(tr("State of the settings"))
        self.file = label(str(settings_path()), "muted")
        self.file.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.revert = push_button(tr("Take changes back"), tr("Show the settings as they are kept"))
        self.save = push_button(tr("Save"), tr("Check and keep all settings (Ctrl+S)"), "primary")
        tint(theme, self.revert, "undo")
        tint(theme, self.save, "check", "on_accent")
        self._fill_form()
        self._lay_out()
        self.commands = Commands(self)
        group = tr("Settings")
        self.commands.add_button("settings.save", self.save, group=group, keys="Ctrl+S")
        self.commands.add_button("settings.revert", self.revert, group=group)
        self.commands.add("settings.close", tr("Close this window"), self.close, group=group, keys="Ctrl+W")
        self.palette_of_commands = offer_palette(self, theme, self.commands, shared)
        self.form.changed.connect(self._edited)
        self.save.clicked.connect(self._save)
        self.revert.clicked.connect(self.show_settings)
        self.banner.action.connect(self._save)
        preferences.changed.connect(self._changed_elsewhere)
        self.show_settings()
        open_at_hint(self)

    def sizeHint(self) -> QSize:
        return QSize(760, 720)

    def show_settings(self) -> None:
        """Shows what holds now; what was edited and not saved is gone."""
        self._shown = self._preferences.current
        for key, field in self.form.fields.items():
            field.show_value(getattr(self._preferences.current, key))
        self.form.show_problems({})
        self._say_fault()
        self._tell(tr("Nothing is changed."))
        for button in (self.save, self.revert):
            button.setEnabled(self._preferences.fault is not None and button is self.save)

    @property
    def edits(self) -> dict[str, object]:
        """Settings that differ from what holds."""
        current = self._preferences.current
        edited = {key: field.value for key, field in self.form.fields.items()}
        return {key: value for key, value in edited.items() if value != getattr(current, key)}

    # --- construction ---

    def _fill_form(self) -> None:
        form, theme = self.form, self.theme
        looks: list[tuple[Choice, str]] = [
            ("system", tr("Like the system")),
            ("light", tr("Light")),
            ("dark", tr("Dark")),
        ]
        form.section(tr("Look"))
        form.add("theme", tr("Colours"), choice(looks))
        languages = [(key, tr(name)) for key, name in NAMES.items()]
        form.add("language", tr("Language"), choice(languages), tr("From the next start on."))
        form.section(tr("Finding"))
        form.add("top_k", tr("Candidates"), whole(1, 9), tr("So many places are shown for an instruction."))
        model = PathField(theme, tr("Model"), tr("The one that ships with the program"))
        about = tr("Folder of a model, or the name of one that `reticle models` keeps. From the next start on.")
        form.add("model", tr("Model"), model, about)
        about = tr("What the model computes in, from its next opening on.")
        form.add("dtype", tr("Number type"), number_type_field(), about)
        head = PathField(theme, tr("Own head"), tr("The shipped law"), False)
        about = tr("What `reticle train head` learnt from your runs, a file or its name. From the next start on.")
        form.add("head", tr("Own head"), head, about)
        form.section(tr("Runs"))
        form.add("mode", tr("Mode of a run"), choice([(mode, words) for mode, words, _ in mode_words()]))
        form.add("ask_below", tr("Ask below"), share(), tr("Acting alone, less likely places are asked about."))
        about = tr("Acting alone, instead of the line above: act only where so few answers were measured wrong.")
        form.add("one_wrong_in", tr("At most one wrong in"), whole(1, 100_000, none=tr("not used")), about)
        about = tr("Measured curve for the line above; written by `reticle eval --risk`.")
        form.add(
            "risk_curve", tr("Risk curve"), PathField(theme, tr("Risk curve"), tr("The shipped one"), False), about
        )
        about = tr("Acting alone, the chosen place is shown for so long before it is used; 0 shows none.")
        form.add("countdown_s", tr("Countdown"), number(0, 30, 0.5, 1, " s"), about)
        form.add(
            "retries",
            tr("Further tries"),
            whole(0, 4),
            tr("Other places for a click that did nothing; each is asked about."),
        )
        form.add("max_steps", tr("Most steps"), whole(1, 1000), tr("A run ends after so many steps."))
        form.add("max_seconds", tr("Longest time"), number(1, 86_400, 10, 0, " s"), tr("A run ends after so long."))
        about = tr("So many screenshots of a run the model remembers beside the newest; 0: none.")
        form.add("history", tr("Screenshots remembered"), whole(0, 1000), about)
        about = tr("They may take so much memory; the oldest go first.")
        form.add("history_mb", tr("Memory for them"), whole(1, 1_000_000, " MB"), about)
        about = tr("1 to 9, arrows and Escape answer, whatever program has the keyboard. From the next start on.")
        form.add("desk_keys", tr("Keys on the desktop"), switch(tr("While something is asked")), about)
        form.section(tr("Never"), tr("Nobody is asked about these; they are refused."))
        kinds = [
            ("click", tr("Click")),
            ("drag", tr("Drag")),
            ("scroll", tr("Scroll")),
            ("type", tr("Type")),
            ("keys", tr("Keys")),
        ]
        form.add("forbidden_kinds", tr("Kinds of input"), ChecksField(kinds))
        about = tr("A target that is called, or reads, one of these is never used. One per line.")
        form.add("forbidden_words", tr("Words"), words_list(tr("Delete account")), about)
        self.rules = label("", "muted", wrap=True)
        form.section(tr("Folders"), tr("From the next start on."))
        form.add("traces", tr("Recorded runs"), PathField(theme, tr("Recorded runs")))
        form.add("models", tr("Models"), PathField(theme, tr("Models")))
        form.add("heads", tr("Own heads"), PathField(theme, tr("Own heads")))
        form.end()

    def _lay_out(self) -> None:
        self.area = area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.form)
        foot, row = QWidget(), QHBoxLayout()
        foot.setObjectName("footer")
        foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row.setContentsMargins(24, 10, 24, 10)
        row.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.state)
        words.addWidget(self.rules)
        row.addLayout(words, 1)
        row.addWidget(self.revert)
        row.addWidget(self.save)
        foot.setLayout(row)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(area, 1)
        column.addWidget(foot)
        centre = QWidget()
        centre.setLayout(column)
        self.setCentralWidget(centre)

    # --- what happens ---

    def _edited(self) -> None:
        edits = self.edits
        changed = bool(edits) or self._preferences.fault is not None
        self.save.setEnabled(changed)
        self.revert.setEnabled(bool(edits))
        self._tell(tr("%n setting(s) changed, not saved yet.", "", len(edits)) if edits else tr("Nothing is changed."))

    def _save(self) -> None:
        edits = self.edits
        try:
            kept = self._preferences.replace(edits)
        except BadSettings as error:
            self.form.show_problems(error.problems)
            QTimer.singleShot(0, self._show_focus)  # once the sentence has its place
            self._tell(tr("Not saved: something does not hold."))
            return
        except ReticleError as error:
            self.banner.tell("bad", tr("The settings could not be saved"), str(error))
            return
        self.show_settings()
        if kept is not None:
            self.banner.tell("good", tr("Saved"), tr("The file as it was is kept as {file}.").format(file=kept))
        later = AT_START & set(edits)
        self._tell(tr("Saved; some of it holds from the next start on.") if later else tr("Saved."))

    def _show_focus(self) -> None:
        """Scrolls to what has the keyboard: Qt does that for Tab alone."""
        control = self.focusWidget()
        if control is not None and self.form.isAncestorOf(control):
            self.area.ensureWidgetVisible(control, 0, 60)

    def _changed_elsewhere(self, settings: Settings) -> None:
        """The look or the mode was changed in passing; what is being edited here stays as it is."""
        before, self._shown = self._shown, settings
        for key, field in self.form.fields.items():
            if field.value == getattr(before, key):
                field.show_value(getattr(settings, key))
        self._say_fault()
        self._edited()

    def _say_fault(self) -> None:
        fault = self._preferences.fault
        rules = len(self._preferences.current.applications)
        self.rules.setText(tr("%n rule(s) for applications, see `reticle rules`.", "", rules))
        self.rules.setVisible(bool(rules))
        if fault is None:
            self.banner.hide()
            return
        text = "\n".join([*fault.problems, tr("The other settings hold. Saving keeps a copy of the file as it is.")])
        self.banner.tell("warn", tr("Some settings in {file} do not hold").format(file=fault.path), text)

    def _tell(self, words: str) -> None:
        self.state.setText(words)
