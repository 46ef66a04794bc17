"""Pictures as the vision tower wants them: resized, normalised, cut into patches. PIL, numpy and OpenCV only.

Sizes and order follow the published Qwen2-VL image processor (PIL variant). A picture is resized once, as in training;
the published inference script resizes those above its limit twice.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.errors import WHOLE_FOLDER, BadInput, CheckpointError
from reticle_grounding.geometry import Size

FILE = "preprocessor_config.json"
MAX_ASPECT = 200
KIND = "Qwen"
"""How the class names of image processors begin that cut pictures so."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Patches:
    """One picture, ready for the vision tower."""

    still: npt.NDArray[np.float32]
    """[rows * columns, channels, patch * patch] of one frame; the four patches of a merged patch lie together."""
    frames: int
    """How many equal frames the picture counts as."""
    grid: tuple[int, int, int]
    """Frames, rows and columns of raw patches."""
    size: Size
    """Model pixels."""
    picture: npt.NDArray[np.uint8]
    """[height, width, 3] the resized picture."""

    @property
    def pixels(self) -> npt.NDArray[np.float32]:
        """[rows * columns, channels * frames * patch * patch], made when asked for."""
        return np.repeat(self.still[:, :, None], self.frames, axis=2).reshape(len(self.still), -1)


@dataclass(frozen=True)
class ImageProcessor:
    """Settings of ``preprocessor_config.json``."""

    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    patch: int = 14
    merge: int = 2
    frames: int = 2
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    resample: int = int(Image.Resampling.BICUBIC)
    rescale: float = 1 / 255

    @classmethod
    def open(cls, directory: Path) -> ImageProcessor:
        """Reads ``preprocessor_config.json``; a missing file or nonsense in it is a CheckpointError."""
        path = directory / FILE
        try:
            return cls.from_config(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}; {WHOLE_FOLDER}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path} does not describe an image processor: {error}") from error

    @classmethod
    def from_config(cls, config: dict[str, object]) -> ImageProcessor:
        """Limits stand under ``min_pixels`` and ``max_pixels`` or, in newer files, in ``size``.

        Raises ValueError for a processor that cuts pictures in another way, and for values that cannot be.
        """
        kind = config.get("image_processor_type")
        if kind is not None and not str(kind).startswith(KIND):
            raise ValueError(f"it is a {kind}, and these models want one of the {KIND} kind; take the model's own file")
        size = config.get("size")
        edges = size if isinstance(size, dict) else {}
        given = {
            "min_pixels": config.get("min_pixels", edges.get("shortest_edge")),
            "max_pixels": config.get("max_pixels", edges.get("longest_edge")),
            "patch": config.get("patch_size"),
            "merge": config.get("merge_size"),
            "frames": config.get("temporal_patch_size"),
            "resample": config.get("resample"),
        }
        numbers: dict[str, Any] = {name: _whole(name, value) for name, value in given.items() if value is not None}
        return cls(
            **numbers,
            mean=_floats("image_mean", config.get("image_mean"), CLIP_MEAN),
            std=_floats("image_std", config.get("image_std"), CLIP_STD),
            rescale=_floats("rescale_factor", [config.get("rescale_factor", 1 / 255)], (0.0,))[0],
        )._checked()

    def _checked(self) -> ImageProcessor:
        """Itself. Raises ValueError for values with which no picture can be seen."""
        if self.min_pixels > self.max_pixels:
            raise ValueError(f"min_pixels is {self.min_pixels}, more than max_pixels, {self.max_pixels}")
        if min(self.std) <= 0 or self.rescale <= 0:
            raise ValueError("image_std and rescale_factor must be above 0")
        if self.resample not in {int(filter_) for filter_ in Image.Resampling}:
            raise ValueError(f"resample is {self.resample}, which is no filter of the picture library")
        return self

    def to_config(self) -> dict[str, object]:
        """The contents of a ``preprocessor_config.json`` that other readers of the format understand."""
        return {
            "image_processor_type": "Qwen2VLImageProcessor",
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            "min_pixels": self.min_pixels,
            "max_pixels": self.max_pixels,
            "size": {"shortest_edge": self.min_pixels, "longest_edge": self.max_pixels},
            "patch_size": self.patch,
            "merge_size": self.merge,
            "temporal_patch_size": self.frames,
            "resample": self.resample,
            "rescale_factor": self.rescale,
        }

    @property
    def cell(self) -> int:
        """Model pixels along one side of a merged patch."""
        return self.patch * self.merge

    def capped(self, max_pixels: int | None) -> ImageProcessor:
        """The same with a lower limit of pixels, for slow machines. Raises BadInput below one merged patch."""
        if max_pixels is None:
            return self
        if max_pixels < self.cell**2:
            raise BadInput(f"max_pixels must be at least {self.cell**2}, not {max_pixels}")
        limit = min(self.max_pixels, max_pixels)
        return replace(self, max_pixels=limit, min_pixels=min(self.min_pixels, limit))

    def target_size(self, image: Size) -> Size:
        """Model pixels for a picture: whole merged patches, within the limits, aspect kept as well as that allows.

        Raises BadInput for pictures more than 200 times longer than wide.
        """
        longest, shortest = max(image.width, image.height), min(image.width, image.height)
        if shortest < 1 or longest > MAX_ASPECT * shortest:
            said = f"{image.width}x{image.height}"
            raise BadInput(f"the picture is {said}; its sides may differ by {MAX_ASPECT} times at most")
        sides, cell = (image.width, image.height), self.cell
        width, height = (round(side / cell) * cell for side in sides)
        if width * height > self.max_pixels:
            shrink = math.sqrt(image.area / self.max_pixels)
            width, height = (max(cell, math.floor(side / shrink / cell) * cell) for side in sides)
        elif width * height < self.min_pixels:
            grow = math.sqrt(self.min_pixels / image.area)
            width, height = (math.ceil(side * grow / cell) * cell for side in sides)
        return Size(width, height)

    @cached_property
    def _levels(self) -> npt.NDArray[np.float32]:
        """[1, 256, channels]: what each of the 256 byte values becomes."""
        values = np.arange(256)[:, None] * self.rescale
        return np.asarray((values - np.array(self.mean)) / np.array(self.std), np.float32)[None]

    def __call__(self, image: Image.Image) -> Patches:
        """An RGB picture -> normalised patches. Raises BadInput for impossible sides."""
        size = self.target_size(Size(*image.size))
        resized = np.asarray(image.resize((size.width, size.height), Image.Resampling(self.resample)))
        rows, columns = size.height // self.patch, size.width // self.patch
        cells = cv2.LUT(resized, self._levels).reshape(
            rows // self.merge, self.merge, self.patch, columns // self.merge, self.merge, self.patch, 3
        )
        still = np.ascontiguousarray(cells.transpose(0, 3, 1, 4, 6, 2, 5)).reshape(rows * columns, 3, self.patch**2)
        return Patches(still, self.frames, (1, rows, columns), size, resized)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        if name == "resample" and value == 0:
            return 0
        raise ValueError(f"{name} must be a positive whole number, not {value!r}")
    return value


def _floats(name: str, value: object, default: tuple[float, ...]) -> tuple[float, ...]:
    """As many numbers as ``default`` has, which stands for None."""
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(v, int | float) and math.isfinite(v) for v in value):
        raise ValueError(f"{name}: expected a list of numbers, not {value!r}")
    if len(value) != len(default):
        raise ValueError(f"{name} holds {len(value)} numbers instead of {len(default)}")
    return tuple(float(v) for v in value)
