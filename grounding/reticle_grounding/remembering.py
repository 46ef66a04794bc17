"""A grounder for one run: each screenshot is looked at after those before it, with what was asked about them.

Importing this module loads no model library.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from .errors import BadInput
from .geometry import Transform
from .predictor import Grounder
from .reading import Reading, Vectors
from .regions import RegionRank
from .sources import PointerSource, Say
from .types import FloatMap

if TYPE_CHECKING:
    from .model.pointer_model import EncodedScreen, PointerModel


class RememberingSource:
    """A pointer model on the cache of a run, as :class:`~reticle_grounding.sources.AttentionSource`.

    The last instruction asked about a screenshot is written behind it when the next one comes. A screenshot that
    nothing was asked about leaves no trace.
    """

    def __init__(self, model: PointerModel, most: int, budget: int | None = None, folder: Path | None = None) -> None:
        """Args:
            most: screenshots that are remembered beside the newest.
            budget: bytes for their keys and values; None for no limit.
            folder: a saved history to go on with.

        Raises BadInput for a model that cannot keep a history, impossible numbers, and a folder of another model.
        """
        from .model.history import History
        from .model.history_files import load_history

        self.model = model
        self.history = History(model, budget, most) if folder is None else load_history(model, folder, budget, most)
        self._newest: _PastLook | None = None
        self._asked: tuple[str, Vectors | None] | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def takes_reading(self) -> bool:
        return self.model.channel is not None

    @property
    def max_pixels(self) -> int:
        """Model pixels that a picture has at most."""
        return self.model.processor.max_pixels

    def look(self, image: Image.Image) -> _PastLook:
        return self._seen(image, None, None)

    def look_with(self, image: Image.Image, reading: Reading, say: Say) -> _PastLook:
        return self._seen(image, reading, say)

    def judge(self, crop: Image.Image, instruction: str) -> float:
        return self.model.judge(crop, instruction)

    def attend(self, look: _PastLook, instruction: str, vector: Vectors | None) -> FloatMap | None:
        """On the history, for the newest screenshot; None for an older one, which its answer stands behind already."""
        if look is not self._newest:
            return None
        attention = self.history.ask(instruction, vector)
        self._asked = (instruction, vector)
        return attention

    def save(self, folder: Path) -> bool:
        """Writes the history into a folder, which is made; False when there is nothing to write.

        Raises BadInput for a folder that cannot be written to.
        """
        from .model.history_files import save_history

        self._settle()
        if not self.history.shots:
            return False
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot make the folder {folder}: {error.strerror or error}") from error
        save_history(self.history, folder)
        return True

    def _seen(self, image: Image.Image, reading: Reading | None, say: Say | None) -> _PastLook:
        self._settle()
        self.history.see(image, reading)
        screen = self.history.screen
        assert screen is not None
        self._newest = _PastLook(self, screen, image, reading, say)
        return self._newest

    def _settle(self) -> None:
        """Writes what was asked behind the newest screenshot, or takes it back where nothing was."""
        newest, asked = self._newest, self._asked
        self._newest = self._asked = None
        if newest is not None and asked is not None:
            self.history.settle(*asked)
        elif newest is not None:
            self.history.forget_newest()


class _PastLook:
    """One screenshot of a run."""

    def __init__(
        self,
        owner: RememberingSource,
        screen: EncodedScreen,
        image: Image.Image,
        reading: Reading | None,
        say: Say | None,
    ) -> None:
        self._owner, self._screen, self._image, self._reading, self._say = owner, screen, image, reading, say
        self._alone: EncodedScreen | None = None

    @property
    def transform(self) -> Transform:
        return self._screen.transform

    @property
    def timings_ms(self) -> Mapping[str, float]:
        return (self._alone or self._screen).timings_ms

    @property
    def region_rank(self) -> RegionRank:
        return self._owner.model.region_rank

    def attend(self, instruction: str) -> FloatMap:
        """An older screenshot is asked without its history, which has gone on."""
        vector = self._say([instruction]) if self._say else None
        attention = self._owner.attend(self, instruction, vector)
        if attention is not None:
            return attention
        model = self._owner.model
        if self._alone is None:
            self._alone = model.encode(self._image, self._reading)
        return model.attend(self._alone, instruction, vector)


def remembering(grounder: Grounder, most: int, budget: int | None = None, folder: Path | None = None) -> Grounder:
    """A grounder with the same parts that keeps a history; the given one goes on without. See RememberingSource.

    Raises BadInput as that does, and for a grounder without a pointer model or with a second look, whose crops are no
    screenshots of a run.
    """
    source = grounder.source
    if not isinstance(source, PointerSource):
        raise BadInput(f"{grounder.name} has no pointer model, so it cannot keep a history")
    if grounder.config.second_look is not None:
        raise BadInput("a history cannot be kept together with a second look; choose one")
    return grounder.altered(source=RememberingSource(source.model, most, budget, folder))


def save_past(grounder: Grounder, folder: Path) -> bool:
    """Saves the history of a grounder made by :func:`remembering`; False when it saw nothing. Raises BadInput."""
    if not isinstance(grounder.source, RememberingSource):
        raise BadInput(f"{grounder.name} keeps no history")
    return grounder.source.save(folder)
