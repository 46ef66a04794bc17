"""The words of the windows in the person's language: Qt's translations, one file per language below ``resources``.

All strings stand in English in the code, inside :func:`tr`, or inside ``QT_TR_NOOP`` where a module keeps them as
constants and passes them to :func:`tr` when they are shown. ``packaging/translate.sh`` collects them (``lupdate``) into
``resources/translations/reticle_*.ts`` and compiles those (``lrelease``) into the ``.qm`` files that are loaded here.
What the layers below say, such as the text of an error, stays English: they know nothing of Qt.
"""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from .resources import resource_path


def QT_TR_NOOP(text: str) -> str:
    """Marks a text for ``lupdate``, which knows this name; :func:`tr` translates it where it is shown."""
    return text


LanguageChoice = Literal["system", "en", "de"]
NAMES: dict[LanguageChoice, str] = {"system": QT_TR_NOOP("Like the system"), "en": "English", "de": "Deutsch"}
"""A language is named in itself, so that who needs it can read it."""
SHIPPED: tuple[LanguageChoice, ...] = tuple(one for one in get_args(LanguageChoice) if one != "system")
OF_LOWER_LAYERS = (
    # statuses of runs and steps, as traces hold them
    QT_TR_NOOP("done"), QT_TR_NOOP("refused"), QT_TR_NOOP("failed"), QT_TR_NOOP("dry run"), QT_TR_NOOP("unknown"),
    QT_TR_NOOP("stopped"), QT_TR_NOOP("not found"), QT_TR_NOOP("unfinished"), QT_TR_NOOP("damaged"),
    QT_TR_NOOP("running"), QT_TR_NOOP("error"), QT_TR_NOOP("limit"), QT_TR_NOOP("not_found"),
    # formats that an answer is written in
    QT_TR_NOOP("annotated picture"), QT_TR_NOOP("attention map and candidates for NumPy"), QT_TR_NOOP("all as text"),
    # phases of an answer
    QT_TR_NOOP("observe"), QT_TR_NOOP("ocr"), QT_TR_NOOP("suffix"), QT_TR_NOOP("match"), QT_TR_NOOP("regions"),
    QT_TR_NOOP("wordings"), QT_TR_NOOP("rank"), QT_TR_NOOP("verify"), QT_TR_NOOP("total"),
)  # fmt: skip
"""Words that come from modules without Qt and are passed to :func:`tr` where they are shown."""

_installed: list[QTranslator] = []


def tr(text: str, note: str = "", n: int = -1) -> str:
    """The text in the language in use.

    ``note`` tells apart what is one word in English only; ``n`` replaces ``%n`` and chooses singular or plural.
    """
    return QCoreApplication.translate("", text, note or None, n)


def language_of(choice: LanguageChoice) -> str:
    """The shipped language that a choice means here; English where the system's one is not shipped."""
    if choice != "system":
        return choice
    wanted = [name.split("-")[0] for name in QLocale.system().uiLanguages()]
    return next((name for name in wanted if name in SHIPPED), "en")


def speak(choice: LanguageChoice) -> str:
    """Makes :func:`tr` and Qt's own dialogs speak a language; windows made from now on use it. Returns its code."""
    language = language_of(choice)
    for old in _installed:
        QCoreApplication.removeTranslator(old)
    _installed.clear()
    own = QTranslator()
    if own.load(resource_path(f"translations/reticle_{language}.qm")):
        _install(own)
    of_qt = QTranslator()
    if language != "en" and of_qt.load(
        f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    ):
        _install(of_qt)
    return language


def _install(translator: QTranslator) -> None:
    QCoreApplication.installTranslator(translator)
    _installed.append(translator)
