"""Opening a grounder whose model computes in numbers of a chosen type."""

from __future__ import annotations

from pathlib import Path

from .calibration import load_calibration
from .number_types import NumberType
from .ocr import TextReader
from .options import GroundingConfig
from .predictor import Grounder
from .sources import PointerSource


def open_grounder(
    model_dir: Path | None = None, config: GroundingConfig | None = None, numbers: NumberType | None = None
) -> Grounder:
    """As :meth:`.predictor.Grounder.open`, with the model in these numbers; None leaves the type to the device.

    Raises as that does, and BadInput for int8 without the library it needs.
    """
    if numbers is None:
        return Grounder.open(model_dir, config)
    from .assets import embedded_model_dir
    from .matcher.matcher import open_matcher
    from .model.pointer_model import PointerModel

    config = config or GroundingConfig()
    model = PointerModel.open(
        model_dir if model_dir is not None else embedded_model_dir(),
        max_pixels=config.max_pixels,
        keep_ratio=config.keep_ratio,
        select=config.select,
        numbers=numbers,
    )
    matcher = open_matcher(embedded_model_dir())
    return Grounder(PointerSource(model), TextReader(config.ocr_threads), load_calibration(), config, matcher)
