"""What the inspector shows of an answer: patches, regions at a threshold, read-outs, and files of all that. No Qt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Point, Rect, Space
from reticle_grounding.types import Grounding, ScreenElement

from .protocol import encode_candidate, encode_elements
from .tuning import Tuning

FORMATS = {".png": "annotated picture", ".npz": "attention map and candidates for NumPy", ".json": "all as text"}


@dataclass(frozen=True, slots=True)
class PatchFacts:
    """One patch of the map under the pointer."""

    row: int
    column: int
    attention: float
    """Share of all attention, 0..1."""
    of_peak: float
    """Share of the largest value, 0..1."""
    place: int
    """1 for the most attended patch."""
    count: int
    """Patches of the map."""
    region: int | None
    """Number of the region at the present threshold that holds it, from 1."""
    area: Rect
    """The patch in capture pixels."""
    kept: bool
    """Whether the language model saw it. A dropped patch has no key to attend to, hence exactly no attention."""
    keep_ratio: float | None
    """Share of the patches that were to be kept, best instruction scores first; None where nothing was left out."""


@dataclass(frozen=True, slots=True)
class MapFacts:
    """The map as a whole."""

    rows: int
    columns: int
    entropy_bits: float
    """0 for one patch, log2 of the patches for an even map."""
    even_bits: float
    peak: float


def map_facts(grounding: Grounding) -> MapFacts:
    """Read-outs of the whole map."""
    attention = grounding.attention.astype(np.float64)
    share = attention[attention > 0]
    share = share / share.sum() if share.size else share
    rows, columns = attention.shape
    entropy = float(-(share * np.log2(share)).sum()) if share.size else 0.0
    return MapFacts(rows, columns, entropy, float(np.log2(max(1, attention.size))), float(attention.max(initial=0.0)))


def regions_at(grounding: Grounding, threshold: float) -> list[Rect]:
    """Connected regions of patches above a share of the maximum (capture pixels), best mean first; none for a flat map.

    Raises BadInput for a threshold outside 0..1.
    """
    from reticle_grounding.regions import find_regions

    if not 0 <= threshold <= 1:
        raise BadInput(f"the threshold is {threshold}; it is a share of the maximum, 0 to 1")
    attention = grounding.attention
    if float(attention.max()) <= 1.0001 * float(attention.min()):
        return []
    screen = Rect.of_size(grounding.image_size)
    found = [region.mapped(grounding.transform).rect for region in find_regions(attention, min(threshold, 0.999))]
    return [rect.intersection(screen) or rect for rect in found]


def patch_at(grounding: Grounding, at: Point, regions: Sequence[Rect], tuning: Tuning) -> PatchFacts | None:
    """The patch under a capture pixel; None outside of the map."""
    column, row = grounding.transform.point(at, Space.CAPTURE, Space.PATCH).pixel()
    rows, columns = grounding.attention.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return None
    value = float(grounding.attention[row, column])
    area = grounding.transform.rect(Rect(column, row, column + 1, row + 1), Space.PATCH, Space.CAPTURE)
    inside = next((i for i, rect in enumerate(regions, 1) if rect.contains(area.center)), None)
    return PatchFacts(
        row=row,
        column=column,
        attention=value,
        of_peak=value / max(float(grounding.attention.max()), 1e-12),
        place=1 + int((grounding.attention > value).sum()),
        count=rows * columns,
        region=inside,
        area=area,
        kept=tuning.keep_ratio is None or value > 0,
        keep_ratio=tuning.keep_ratio,
    )


def export(
    path: Path, image: Image.Image, grounding: Grounding, elements: Sequence[ScreenElement] = (), heat: bool = True
) -> Path:
    """Writes an answer as ``.png``, ``.npz`` or ``.json``, by the name's end. Raises BadInput for another end or place.

    The npz holds ``attention`` [n_h, n_w], ``points`` [k, 2], ``regions`` [k, 4] (capture pixels) and ``p_true`` [k].
    """
    write = {".png": _write_png, ".npz": _write_npz, ".json": _write_json}.get(path.suffix.lower())
    if write is None:
        raise BadInput(f"{path.name}: the name must end in {', '.join(FORMATS)}")
    try:
        write(path, image, grounding, elements, heat)
    except OSError as error:
        raise ReticleError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    return path


def _write_png(
    path: Path, image: Image.Image, grounding: Grounding, elements: Sequence[ScreenElement], heat: bool
) -> None:
    from reticle_grounding.annotate import annotate

    annotate(image, grounding, heat).save(path)


def _write_npz(
    path: Path, image: Image.Image, grounding: Grounding, elements: Sequence[ScreenElement], heat: bool
) -> None:
    found = grounding.candidates
    np.savez_compressed(
        path,
        attention=grounding.attention,
        points=np.array([[c.point.x, c.point.y] for c in found], dtype=np.float64).reshape(-1, 2),
        regions=np.array([c.region.as_tuple() for c in found], dtype=np.float64).reshape(-1, 4),
        p_true=np.array([c.p_true for c in found], dtype=np.float64),
        image_size=np.array([grounding.image_size.width, grounding.image_size.height]),
    )


def _write_json(
    path: Path, image: Image.Image, grounding: Grounding, elements: Sequence[ScreenElement], heat: bool
) -> None:
    facts = map_facts(grounding)
    content = {
        "instruction": grounding.instruction,
        "model": grounding.model,
        "image_size": [grounding.image_size.width, grounding.image_size.height],
        "found": grounding.found,
        "threshold": grounding.threshold,
        "candidates": [encode_candidate(c) for c in grounding.candidates],
        "map": {"rows": facts.rows, "columns": facts.columns, "entropy_bits": facts.entropy_bits, "peak": facts.peak},
        "timings_ms": dict(grounding.timings_ms),
        **encode_elements(elements),
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
