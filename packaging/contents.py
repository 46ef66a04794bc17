"""What goes into a packaged build and what stays out, as plain rules that the specs of all systems share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch, translate
from functools import cache
from pathlib import Path

OWN = ("reticle_app", "reticle_agent", "reticle_grounding", "reticle_kernels")

EXTRAS = ("server", "mcp")
"""Optional parts of the distribution that the build brings along."""

EXCLUDED_DISTRIBUTIONS = (
    # compilers for devices: the build is for the CPU
    "triton",
    # what torch asks for graphs of compiled partitions and for building extensions
    "networkx", "setuptools",
    # video, which nothing here reads
    "av", "qwen-vl-utils",
    # Qt beyond its essentials
    "pyside6-addons",
    # a faster way to fetch from the hub; models are fetched over plain HTTP, which can pause and go on
    "hf-xet",
)  # fmt: skip
"""Distributions that a dependency asks for and that stay out."""

KEPT_MODELS = frozenset(
    {"auto", "bert", "encoder_decoder", "qwen2", "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_vl", "gpt2"}
)
"""Folders of ``transformers.models`` that are used, or that importing those loads; the other ones are left out."""

KEPT_PARTS = {
    "transformers.models": KEPT_MODELS,
    # What torch loads of its compiler without compiling; a packaged build has no compiler to call anyway.
    "torch._inductor": frozenset(
        {
            "_functionalize_collectives", "analysis", "config", "cpp_builder", "cpu_vec_isa", "cudagraph_utils",
            "custom_graph_pass", "exc", "inductor_prims", "runtime", "standalone_compile", "test_operators", "utils",
        }
    ),
    "torch.testing._internal": frozenset({"common_dtype", "distributed", "logging_tensor"}),
    "torch.testing._internal.distributed": frozenset({"fake_pg"}),
    # colours for source text, which nothing here shows; rich names these when it shows an error of its own
    "pygments.lexers": frozenset({"_mapping", "python", "special"}),
}  # fmt: skip
"""Package -> what is kept of it; everything else in it is left out."""

EXCLUDED_MODULES = (
    "triton", "networkx", "setuptools", "av", "qwen_vl_utils",
    "torch.utils.tensorboard", "torch.utils.benchmark", "torch.utils.hipify", "torch.utils.bottleneck",
    "torchgen.packaged",
    # training loops, pipelines and command lines of others
    "transformers.cli", "transformers.testing_utils", "transformers.pipelines", "transformers.exporters",
    "transformers.hyperparameter_search", "transformers.modelcard",
    *(f"transformers.{name}" for name in (
        "trainer", "trainer_callback", "trainer_jit_checkpoint", "trainer_optimizer", "trainer_pt_utils",
        "trainer_seq2seq", "trainer_utils", "training_args", "training_args_seq2seq",
    )),
    # science that grounding does not use, beside what it does
    *(f"scipy.{name}" for name in (
        "cluster", "datasets", "differentiate", "fftpack", "integrate", "interpolate", "io", "misc", "odr", "signal",
        "stats",
    )),
    *(f"sympy.{name}" for name in (
        "benchmarks", "categories", "codegen", "core.benchmarks", "crypto", "diffgeom", "holonomic", "liealgebras",
        "parsing.autolev", "parsing.c", "parsing.fortran", "parsing.latex", "physics", "polys.benchmarks", "sandbox",
        "solvers.benchmarks", "stats", "testing", "vector",
    )),
    "numpy.distutils",
    # engines of text recognition other than the one in use
    *(f"rapidocr.inference_engine.{name}" for name in ("mnn", "openvino", "paddle", "pytorch", "tensorrt")),
)  # fmt: skip

SOURCES_NEEDED = (
    # reads its configuration as text
    "cv2",
    # finds its models by listing folders of sources
    "transformers",
    # their settings are read from their own source, comments included
    "torch._dynamo.config", "torch._export.config", "torch._functorch.config", "torch._inductor.config",
    "torch.compiler.config", "torch.distributed.config", "torch.fx.experimental._config",
    "torch.utils.serialization.config",
    # overloads that torch reads from their source, and warns about on every start where it cannot
    "torch.functional", "torch.nn.functional", "torch.nn.modules.rnn",
)  # fmt: skip
"""Modules and packages that come with their sources; of all others there is the bytecode alone."""

STANDARD_UNWANTED = frozenset(
    {
        "antigravity", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "this", "tkinter",
        "_tkinter", "turtle", "turtledemo", "venv",
    }
)  # fmt: skip
"""Of the standard library what stays out; everything else is in, since dependencies may import any of it."""

KEPT_QT = (
    "PySide6/__init__.py", "PySide6/_config.py", "PySide6/_git_pyside_version.py", "PySide6/support/*.py",
    *(f"PySide6/Qt{name}.*" for name in ("Core", "Gui", "Widgets", "Svg")),
    "PySide6/libpyside6.*", "PySide6/pyside6.abi3.dll",
    # Linux, Windows and macOS name the same libraries in three ways
    *(f"PySide6/{form.format(name)}" for name in ("Core", "Gui", "Widgets", "Svg", "DBus") for form in (
        "Qt/lib/libQt6{}.*", "Qt6{}.dll", "Qt/lib/Qt{}.framework/*",
    )),
    *(f"PySide6/Qt/lib/{name}.*" for name in (
        "libQt6XcbQpa", "libQt6WaylandClient", "libQt6OpenGL", "libicudata", "libicui18n", "libicuuc",
    )),
    # Qt's own words (buttons of file dialogs, keys in menus), for the languages that Reticle speaks
    "PySide6/*translations/qtbase_de.qm",
    *(f"PySide6/*plugins/{name}.*" for name in (
        "platforms/libqxcb", "platforms/libqwayland", "platforms/libqoffscreen", "platforms/qwindows",
        "platforms/libqcocoa", "styles/*", "imageformats/*qsvg", "imageformats/*qjpeg", "imageformats/*qgif",
        "imageformats/*qwebp", "imageformats/*qico", "iconengines/*qsvgicon",
        "platforminputcontexts/libcomposeplatforminputcontextplugin",
        "platforminputcontexts/libibusplatforminputcontextplugin", "platformthemes/libqxdgdesktopportal",
        "xcbglintegrations/*", "wayland-shell-integration/libxdg-shell", "wayland-decoration-client/libadwaita",
        "wayland-graphics-integration-client/libqt-plugin-wayland-egl",
    )),
)  # fmt: skip
"""Of Qt only what widgets on a desktop open; all else of its distribution stays out."""

UNWANTED_FILES = (
    # what torch runs when it starts is its memory manager; everything else there are tests and a compiler
    "torch/bin/[!t]*", "torch/bin/test_*", "torch/bin/upgrader_models/*", "torch/test/*", "torch/include/*",
    "torch/share/*", "torch/utils/model_dump/*", "torch/lib/libtorchbind_test*", "torch/lib/libjitbackend_test*",
    "torch/lib/libbackend_with_compiler*", "torch/lib/libaoti_custom_ops*", "torch/lib/*.a", "torch/lib/*.lib",
    "cv2/data/*", "cv2/qt/*", "*/tests/*", "*/conftest.py", "*.pyi", "*/py.typed", "*.h", "*.hpp", "*.cuh", "*.pxd",
    "*.pyx", "*.c", "*.cpp", "*.a", "*.cmake", "numpy/f2py/src/*",
    "numpy/_core/_simd.*", "numpy/_core/_*_tests.*", "scipy/special/cython_special.*",
    "rapidocr/models/*cls*", "onnxruntime/tools/*", "onnxruntime/transformers/*", "onnxruntime/quantization/*",
    "onnxruntime/datasets/*", "onnxruntime/capi/libonnxruntime.so*",
    "onnxruntime/capi/libonnxruntime_providers_cuda*", "onnxruntime/capi/libonnxruntime_providers_tensorrt*",
)  # fmt: skip
"""Patterns (of paths inside the build, forward slashes) of what a dependency brings and nothing here opens.

``rapidocr``'s classifier of upside-down lines is among them: reading is set up without it.
"""

KEPT_METADATA = ("METADATA", "entry_points.txt")
"""Of what an installer writes beside a distribution: its version is asked for while the program runs."""

LICENCES = ("licen[cs]e*", "notice*", "copying*", "authors*", "copyright*")


def wanted_module(name: str) -> bool:
    """Whether a module goes into the build: not excluded, and kept where only parts of its package are."""
    if any(name == out or name.startswith(f"{out}.") for out in EXCLUDED_MODULES):
        return False
    for package, parts in KEPT_PARTS.items():
        if name.startswith(f"{package}.") and name[len(package) + 1 :].split(".")[0] not in parts:
            return False
    return True


def module_of(path: str) -> str:
    """The module of a source, for other files the package in whose folder they lie; forward slashes."""
    folder, _, file = path.rpartition("/")
    if not file.endswith(".py") or file == "__init__.py":
        return folder.replace("/", ".")
    return path.removesuffix(".py").replace("/", ".")


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all: tens of thousands of files are asked about."""
    return re.compile("|".join(translate(pattern) for pattern in patterns))


def wanted_file(path: str) -> bool:
    """Whether a file, named by its path inside the build, is kept."""
    path = path.replace("\\", "/")
    folder, _, name = path.rpartition("/")
    if ".dist-info" in folder:
        return name in KEPT_METADATA or _any_of(LICENCES).match(name.lower()) is not None
    if path.startswith("PySide6/") and not _any_of(KEPT_QT).match(path):
        return False
    return wanted_module(module_of(path)) and not _any_of(UNWANTED_FILES).match(path)


def with_source(path: str) -> bool:
    """Whether a source, named by its path inside the build, comes beside its bytecode."""
    name = module_of(path.replace("\\", "/"))
    return any(name == needed or name.startswith(f"{needed}.") for needed in SOURCES_NEEDED)


def submodules(package: str, folder: Path, wanted: Callable[[str], bool] = wanted_module) -> list[str]:
    """The package and all modules below it that are wanted, in order, found by their files without importing any.

    Args:
        package: its dotted name.
        folder: where its ``__init__.py`` lies. Raises FileNotFoundError when it does not.
        wanted: asked about each dotted name.
    """
    if not (folder / "__init__.py").is_file():
        raise FileNotFoundError(f"{folder} is not the folder of the package {package}: it has no __init__.py")
    found = [package] if wanted(package) else []
    for entry in sorted(folder.iterdir()):
        name = f"{package}.{entry.name.split('.')[0]}"
        if not wanted(name):
            continue
        if (entry / "__init__.py").is_file():
            found += submodules(name, entry, wanted)
        elif entry.suffix == ".py" and entry.stem not in {"__init__", "__main__"} and entry.stem.isidentifier():
            found.append(name)
    return found


def unmatched(patterns: Sequence[str], paths: Iterable[str]) -> list[str]:
    """Patterns that match none of the paths: rules that have lost their reason."""
    seen = [path.replace("\\", "/") for path in paths]
    return [pattern for pattern in patterns if not any(fnmatch(path, pattern) for path in seen)]
