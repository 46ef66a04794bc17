import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file

from reticle_grounding.geometry import Rect, Size, Space, Transform
from reticle_grounding.regions import find_regions

SPARSE = {0: 0.02, 1: 0.05, 2: 0.20, 3: 0.10, 5: 0.0601, 8: 0.12, 9: 0.02, 11: 0.08} | {
    15: 0.06,
    16: 0.07,
    17: 0.03,
    22: 0.05,
}


def grid(values: dict[int, float], columns: int = 6, rows: int = 4) -> np.ndarray:
    flat = np.zeros(columns * rows, np.float32)
    for index, value in values.items():
        flat[index] = value
    return flat.reshape(rows, columns)


def unit(region, columns: int, rows: int) -> tuple[float, float]:
    return region.point.x / columns, region.point.y / rows


@pytest.mark.parametrize(
    ("threshold", "count", "best", "scores"),
    [
        (0.1, 2, (0.4343971633, 0.1888297855), (0.1175, 0.05835)),
        (0.2, 3, (0.4343971633, 0.1888297855), None),
        (0.3, 3, (0.4563492063, 0.1964285695), (0.14, 0.07005, 0.07)),
        (0.4, 1, (0.4563492063, 0.1964285695), (0.14,)),
        (0.5, 1, (0.4166666667, 0.2187499978), (0.16,)),
    ],
)
def test_reference_map(threshold, count, best, scores):
    found = find_regions(grid(SPARSE), threshold)
    assert len(found) == count
    assert unit(found[0], 6, 4) == pytest.approx(best, abs=1e-8)
    if scores:
        assert [region.mean for region in found] == pytest.approx(scores, abs=1e-7)


def test_reference_map_other_regions():
    second, third = find_regions(grid(SPARSE))[1:]
    assert unit(second, 6, 4) == pytest.approx((0.9166666667, 0.2677551732), abs=1e-8)
    assert unit(third, 6, 4) == pytest.approx((0.75, 0.625), abs=1e-8)
    assert second.patches == ((0, 5), (1, 5))
    assert second.rect == Rect(5, 0, 6, 2)


def test_rows_do_not_wrap():
    assert len(find_regions(grid({5: 0.5, 6: 0.5}))) == 2


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_maps_without_a_usable_peak_have_no_regions(value):
    assert find_regions(np.full((3, 4), value, np.float32)) == []
    assert find_regions(np.zeros((0, 0), np.float32)) == []


def test_one_nan_spoils_the_map():
    attention = grid(SPARSE)
    attention[2, 2] = np.nan
    assert find_regions(attention) == []


def test_threshold_one_finds_nothing_instead_of_failing():
    assert find_regions(grid(SPARSE), 1.0) == []


def test_a_large_flat_map_is_one_region_in_linear_time():
    small, large = np.ones((16, 16), np.float32), np.ones((128, 128), np.float32)

    def best(attention: np.ndarray) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            assert len(find_regions(attention)) == 1
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(large) < 64 * 20 * best(small)


@settings(max_examples=150, deadline=None)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32)),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]),
    st.integers(1, 3000),
    st.integers(1, 3000),
)
def test_regions_partition_what_passed_and_keep_their_point(attention, threshold, width, height):
    rows, columns = attention.shape
    found = find_regions(attention, threshold)
    passed = {(int(r), int(c)) for r, c in np.argwhere(attention > attention.max() * np.float32(threshold))}
    assert sorted(patch for region in found for patch in region.patches) == sorted(passed)
    assert [r.mean for r in found] == sorted((r.mean for r in found), reverse=True)
    transform = Transform.for_image(Size(width, height), Size(columns * 28, rows * 28), 28)
    picture = Rect.of_size(Size(width, height))
    for region in found:
        assert region.rect.contains(region.point)
        assert region.mass == pytest.approx(sum(float(attention[p]) for p in region.patches))
        moved = region.mapped(transform, Space.CAPTURE)
        assert moved.rect.contains(moved.point)
        assert picture.contains(moved.point)


def test_parity_with_the_reference_on_all_published_maps(golden):
    if not (golden / "pure_gui_actor" / "cases.json").is_file():
        pytest.skip(f"no pure_gui_actor in {golden}")
    cases = json.loads((golden / "pure_gui_actor" / "cases.json").read_text())["regions"]
    maps = load_file(golden / "pure_gui_actor" / "cases.safetensors")
    for name, case in cases.items():
        columns, rows = case["n_width"], case["n_height"]
        attention = maps[f"regions.{name}.attn"].reshape(rows, columns)
        for variant in case["variants"]:
            if "rect_center" in variant["options"]:
                continue
            found = find_regions(attention, variant["options"].get("activation_threshold", 0.3))
            if "error" in variant:
                assert found == [], name
                continue
            np.testing.assert_allclose([unit(r, columns, rows) for r in found], variant["centers"], atol=1e-6)
            np.testing.assert_allclose([r.mean for r in found], variant["scores"], atol=1e-6)
            for region, points in zip(found, variant["patch_points"], strict=True):
                ours = [((c + 0.5) / columns, (r + 0.5) / rows) for r, c in region.patches]
                np.testing.assert_allclose(sorted(ours), sorted(map(tuple, points)), atol=1e-9)
