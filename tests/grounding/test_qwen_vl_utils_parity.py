"""Our picture sizes are those of qwen-vl-utils, whose own code is asked where it can be loaded.

The library imports torchvision for its video readers. Where torchvision cannot be loaded beside the installed torch, an
empty module of that name stands in, in a process of its own; sizes never touch it.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from reticle_grounding.geometry import Size
from reticle_grounding.model.processor import ImageProcessor

ASK = """
import importlib.util, json, sys, types
try:
    import torchvision
except Exception:
    vision = types.ModuleType("torchvision")
    vision.io, vision.transforms = types.ModuleType("torchvision.io"), types.ModuleType("torchvision.transforms")
    vision.transforms.InterpolationMode = object
    for name in ("", ".io", ".transforms"):
        sys.modules["torchvision" + name] = vision if not name else getattr(vision, name[1:])
from qwen_vl_utils.vision_process import smart_resize
print(json.dumps([smart_resize(h, w, 28, lo, hi) for w, h, lo, hi in json.load(sys.stdin)]))
"""
# Sides under half a patch are left out: there the library and the image processor of transformers differ themselves.
SIDES = [20, 27, 42, 98, 640, 800, 1080, 1280, 1801, 2160, 3840, 6016]
LIMITS = [(3136, 12_845_056), (3136, 5_720_064), (3136, 2_109_744), (50_176, 602_112)]


def test_sizes_are_those_of_the_library() -> None:
    cases = [(w, h, lo, hi) for w in SIDES for h in SIDES for lo, hi in LIMITS if max(w, h) / min(w, h) <= 200]
    done = subprocess.run([sys.executable, "-c", ASK], input=json.dumps(cases), capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(done.stderr)
    theirs = [(w, h) for h, w in json.loads(done.stdout)]
    ours = [ImageProcessor(min_pixels=lo, max_pixels=hi).target_size(Size(w, h)) for w, h, lo, hi in cases]
    assert [(s.width, s.height) for s in ours] == theirs
