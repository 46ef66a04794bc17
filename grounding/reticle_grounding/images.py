"""Pictures in, RGB out; whatever cannot be used is a ``BadInput`` with one clear line."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .errors import BadInput
from .geometry import Size

MAX_SIDE = 20_000
"""Pixels along one side."""
MAX_PIXELS = 200_000_000
"""Pixels of the whole picture; the model sees large ones downscaled."""
MAX_ASPECT = 200
_DECODING = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises on damaged files, beside its own errors."""
SENT_FORMATS = ("PNG", "JPEG", "WEBP")
"""What :func:`decode_image` reads; every further format is more code for bytes of unknown origin."""
_TURNED = (5, 6, 7, 8)
"""Orientations of the EXIF specification that swap width and height."""
_WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def load_image(path: Path | str) -> Image.Image:
    """The picture at ``path`` as RGB, upright; the first frame of an animation.

    Transparency is laid on white, 16-bit values are scaled. Raises BadInput for anything that is no usable picture.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path} is a folder; give the path of one picture")
    try:
        with _own_size_limit(), Image.open(path) as opened:
            check_image(opened)
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            return as_rgb(opened)
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except UnidentifiedImageError:
        raise BadInput(f"{path} is not a picture in a known format") from None
    except PermissionError:
        raise BadInput(f"{path} may not be read") from None
    except Image.DecompressionBombError:
        raise BadInput(f"{path} has more than {MAX_PIXELS // 10**6} million pixels") from None
    except _DECODING as error:
        raise BadInput(f"{path} is damaged or cut short: {error}") from error


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in ``data`` (PNG, JPEG or WebP) as RGB, as :func:`load_image` gives it.

    Raises BadInput for anything else, and before decoding for more than ``max_pixels`` pixels.
    """
    try:
        with _own_size_limit(), Image.open(io.BytesIO(data), formats=SENT_FORMATS) as opened:
            if opened.width * opened.height > max_pixels:
                said = f"the picture is {opened.width}x{opened.height}"
                raise BadInput(f"{said}; at most {max_pixels / 10**6:g} million pixels are accepted")
            check_image(opened)
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            return as_rgb(opened)
    except UnidentifiedImageError:
        raise BadInput(f"the bytes are no picture; send {', '.join(SENT_FORMATS)}") from None
    except Image.DecompressionBombError:
        raise BadInput(f"the picture has more than {MAX_PIXELS // 10**6} million pixels") from None
    except _DECODING as error:
        raise BadInput(f"the picture is damaged or cut short: {error}") from error


def picture_size(path: Path) -> Size:
    """Width and height of a picture as :func:`load_image` gives it, from the file's header alone.

    Raises BadInput for a file that is no picture or may not be read.
    """
    try:
        with _own_size_limit(), Image.open(path) as opened:
            width, height = opened.size
            turned = opened.getexif().get(ExifTags.Base.Orientation) in _TURNED
    except (UnidentifiedImageError, *_DECODING) as error:
        raise BadInput(f"{path} is no readable picture: {error}") from error
    return Size(height, width) if turned else Size(width, height)


def check_image(image: Image.Image) -> None:
    """Raises BadInput for sides that are zero, beyond ``MAX_SIDE``, too many pixels or too long a strip."""
    width, height = image.size
    said = f"the picture is {width}x{height}"
    if not width or not height:
        raise BadInput(f"{said}; it has no pixels")
    if max(width, height) > MAX_SIDE:
        raise BadInput(f"{said}; at most {MAX_SIDE} pixels per side are accepted")
    if width * height > MAX_PIXELS:
        raise BadInput(f"{said}; at most {MAX_PIXELS // 10**6} million pixels are accepted")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInput(f"{said}; one side may be at most {MAX_ASPECT} times the other")


def as_rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode as RGB. Raises BadInput for sides that :func:`check_image` refuses."""
    check_image(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    if image.mode in _WIDE_MODES:
        return _narrowed(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _narrowed(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit or float grey -> 8 bits over the range the values use (0..1, 0..65535, or 0..their maximum)."""
    with np.errstate(invalid="ignore"):  # NaN of a signalling kind, in a damaged file
        values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    if image.mode == "F":
        full = 1.0 if top <= 1 else 255.0 if top <= 255 else top
    else:
        full = 65535.0 if top <= 65535 else top
    return Image.fromarray(np.clip(np.rint(values / full * 255), 0, 255).astype(np.uint8))


@contextmanager
def _own_size_limit() -> Iterator[None]:
    """Replaces Pillow's limit by ours while a file is open; ``check_image`` looks at the size before any decoding."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # of damaged parts that Pillow does without
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
