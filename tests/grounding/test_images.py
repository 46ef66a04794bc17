import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.images import MAX_SIDE, as_rgb, check_image, load_image


def saved(tmp_path, image, name="picture.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def test_missing_file_folder_and_text_are_named(tmp_path):
    with pytest.raises(BadInput, match=r"no file .*nothing\.png"):
        load_image(tmp_path / "nothing.png")
    with pytest.raises(BadInput, match="is a folder"):
        load_image(tmp_path)
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(BadInput, match="not a picture"):
        load_image(tmp_path / "words.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(BadInput, match="not a picture"):
        load_image(tmp_path / "empty.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_picture_cut_short_is_refused_or_read_but_never_crashes(tmp_path, kind, share):
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind)
    path = tmp_path / "cut"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
    with pytest.raises(BadInput, match=r"damaged or cut short|not a picture"):
        load_image(path)


def test_modes_become_rgb_with_the_same_look(tmp_path):
    for mode, colour in (("L", 200), ("P", 3), ("1", 1), ("CMYK", (0, 0, 0, 255)), ("RGB", (1, 2, 3))):
        name = "picture.tif" if mode == "CMYK" else "picture.png"
        image = load_image(saved(tmp_path, Image.new(mode, (9, 7), colour), name))
        assert (image.mode, image.size) == ("RGB", (9, 7))
    assert load_image(saved(tmp_path, Image.new("CMYK", (4, 4), (0, 0, 0, 255)), "k.jpg")).getpixel((1, 1))[0] < 10


def test_transparency_is_laid_on_white(tmp_path):
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    half.putpixel((0, 0), (255, 0, 0, 255))
    image = load_image(saved(tmp_path, half))
    assert image.getpixel((0, 0)) == (255, 0, 0)
    assert image.getpixel((3, 3)) == (255, 255, 255)
    palette = Image.new("P", (4, 4), 0)
    assert load_image(saved(tmp_path, palette, "p.gif", transparency=0)).getpixel((0, 0)) == (255, 255, 255)
    grey = Image.new("LA", (4, 4), (10, 0))
    assert as_rgb(grey).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    levels = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
    image = load_image(saved(tmp_path, Image.fromarray(levels)))
    assert [image.getpixel((x, y))[0] for y in (0, 1) for x in (0, 1)] == [0, 100, 200, 255]
    floats = Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32))
    assert [as_rgb(floats).getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_animations_give_their_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.webp"):
        path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], lossless=True)
        assert load_image(path).getpixel((4, 4)) == (255, 0, 0)


def test_orientation_of_cameras_is_applied(tmp_path):
    image = Image.new("RGB", (30, 10), "red")
    image.putpixel((0, 0), (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = load_image(saved(tmp_path, image, exif=exif))
    assert turned.size == (10, 30)
    assert turned.getpixel((9, 0)) == (0, 0, 255)


def test_one_pixel_works(tmp_path):
    assert load_image(saved(tmp_path, Image.new("RGB", (1, 1), "red"))).size == (1, 1)


def test_the_longest_accepted_side_works(tmp_path):
    assert load_image(saved(tmp_path, Image.new("1", (MAX_SIDE, 1000)))).size == (MAX_SIDE, 1000)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (20_001, 300, "20000 pixels per side"),
        (20_000, 20_000, "200 million"),
        (65_535, 65_535, "200 million|pixels per side"),
        (2010, 10, "at most 200 times"),
    ],
)
def test_too_large_pictures_are_refused_before_decoding(tmp_path, width, height, said):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height) + b"\0\0\0\0IDAT")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(BadInput, match=said):
        load_image(path)
    assert before == Image.MAX_IMAGE_PIXELS


def test_no_pixels_are_refused():
    with pytest.raises(BadInput, match="no pixels"):
        check_image(Image.new("RGB", (0, 5)))


def test_the_result_is_a_copy():
    image = Image.new("RGB", (3, 3), "red")
    as_rgb(image).putpixel((0, 0), (0, 0, 0))
    assert image.getpixel((0, 0)) == (255, 0, 0)
