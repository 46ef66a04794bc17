"""What goes into a packaged build and what stays out, as plain rules that the specs of all systems share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

OWN = ("reticle_app", "reticle_agent", "reticle_grounding", "reticle_kernels")

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
}  # fmt: skip
"""Package -> what is kept of it; everything else in it is left out."""

EXCLUDED_MODULES = (
    # compilers and devices: the build is for the CPU
    "triton", "torch.utils.tensorboard", "torch.utils.benchmark", "torch.utils.hipify", "torch.utils.bottleneck",
    # tests, builders and notebooks
    "pytest", "_pytest", "hypothesis", "mypy", "setuptools", "pip", "wheel", "pkg_resources", "IPython", "matplotlib",
    "torchgen.packaged", "transformers.cli", "transformers.testing_utils", "transformers.pipelines",
    "transformers.exporters", "transformers.hyperparameter_search", "transformers.modelcard",
    *(f"transformers.{name}" for name in (
        "trainer", "trainer_callback", "trainer_jit_checkpoint", "trainer_optimizer", "trainer_pt_utils",
        "trainer_seq2seq", "trainer_utils", "training_args", "training_args_seq2seq",
    )),
    # science that grounding does not use, below what it does
    *(f"scipy.{name}" for name in (
        "cluster", "datasets", "differentiate", "fftpack", "integrate", "interpolate", "io", "misc", "odr", "signal",
        "stats",
    )),
    *(f"sympy.{name}" for name in (
        "benchmarks", "categories", "codegen", "crypto", "diffgeom", "holonomic", "liealgebras", "physics",
        "sandbox", "stats", "testing", "vector",
    )),
    # graphs that only compiled partitioning draws, video, other windows
    "networkx", "av", "qwen_vl_utils", "torchvision", "torchaudio", "tkinter", "_tkinter",
    # one's own training and fitting need the checkout's data
    "qtawesome",
    # Qt beyond widgets and SVG
    *(f"PySide6.Qt{name}" for name in (
        "3DCore", "Bluetooth", "Charts", "Concurrent", "DataVisualization", "Designer", "Graphs", "Help", "Location",
        "Multimedia", "Network", "NetworkAuth", "Nfc", "OpenGL", "OpenGLWidgets", "Pdf", "PdfWidgets", "Positioning",
        "PrintSupport", "Qml", "Quick", "Quick3D", "QuickControls2", "QuickWidgets", "RemoteObjects", "Scxml",
        "Sensors", "SerialBus", "SerialPort", "SpatialAudio", "Sql", "StateMachine", "SvgWidgets", "Test",
        "TextToSpeech", "UiTools", "WebChannel", "WebEngineCore", "WebEngineQuick", "WebEngineWidgets", "WebSockets",
        "WebView", "Xml",
    )),
)  # fmt: skip

SOURCES_NEEDED = {
    # their settings are read from their own source, comments included
    "torch._dynamo.config": "pyz+py",
    "torch._inductor.config": "pyz+py",
    "torch._functorch.config": "pyz+py",
    "torch.fx.experimental._config": "pyz+py",
    "torch.export._config": "pyz+py",
    "torch.compiler.config": "pyz+py",
    "torch.distributed.config": "pyz+py",
    # finds its models by listing folders of sources
    "transformers": "pyz+py",
    "torch": "pyz",
    "scipy": "pyz",
}
"""Module or package -> how it is collected; the longest name that fits holds."""

METADATA = (
    "reticle", "torch", "transformers", "huggingface_hub", "tokenizers", "safetensors", "numpy", "packaging", "pyyaml",
    "regex", "requests", "tqdm", "filelock", "typer", "rich", "pillow",
)  # fmt: skip
"""Distributions whose version is asked for while the program runs."""

UNWANTED_FILES = (
    "torch/bin/*", "torch/test/*", "torch/include/*", "torch/share/*", "torch/utils/model_dump/*",
    "torch/lib/libtorchbind_test*", "torch/lib/libjitbackend_test*", "torch/lib/libbackend_with_compiler*",
    "torch/lib/libaoti_custom_ops*", "torch/lib/*.a", "torch/lib/*.lib", "torch/_inductor/codegen/*.h",
    "PySide6/Qt/translations/*", "PySide6/Qt/qml/*", "PySide6/Qt/lib/libQt6Qml*", "PySide6/Qt/lib/libQt6Quick*",
    "PySide6/Qt/lib/libQt6Pdf*", "PySide6/Qt/lib/libQt6VirtualKeyboard*", "PySide6/Qt/lib/libQt6Network*",
    "PySide6/Qt/lib/libQt6OpenGL*", "PySide6/Qt/plugins/imageformats/libqpdf*", "PySide6/Qt/plugins/tls/*",
    "PySide6/Qt/plugins/networkinformation/*", "PySide6/Qt/plugins/qmltooling/*",
    "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboard*", "PySide6/Qt/plugins/platforms/libqeglfs*",
    "PySide6/Qt/plugins/platforms/libqlinuxfb*", "PySide6/Qt/plugins/platforms/libqvkkhrdisplay*",
    "PySide6/Qt/plugins/platforms/libqvnc*", "PySide6/Qt/plugins/egldeviceintegrations/*",
    "PySide6/Qt/plugins/platformthemes/libqgtk3*",
    "libgtk-3*", "libgdk-3*", "libepoxy*", "libatspi*", "libatk-*", "libatk-bridge*",
    "cv2/data/*", "cv2/qt/*", "scipy/*/tests/*", "numpy/*/tests/*", "*/tests/test_*", "*.pyi", "*.h", "*.hpp", "*.cuh",
    "rapidocr/models/*cls*", "onnxruntime/tools/*", "onnxruntime/transformers/*", "onnxruntime/quantization/*",
    "onnxruntime/capi/libonnxruntime_providers_cuda*", "onnxruntime/capi/libonnxruntime_providers_tensorrt*",
)  # fmt: skip
"""Patterns (of paths inside the build, forward slashes) of what a dependency brings and nothing here opens.

``rapidocr``'s classifier of upside-down lines is among them: reading is set up without it.
"""



def wanted_module(name: str) -> bool:
    """Whether a module goes into the build: not excluded, and kept where only parts of its package are."""
    if any(name == out or name.startswith(f"{out}.") for out in EXCLUDED_MODULES):
        return False
    for package, parts in KEPT_PARTS.items():
        if name.startswith(f"{package}.") and name[len(package) + 1 :].split(".")[0] not in parts:
            return False
    return True


def wanted_file(path: str) -> bool:
    """Whether a file, named by its path inside the build, is kept."""
    path = path.replace("\\", "/")
    return wanted_source(path) and not any(fnmatch(path, pattern) for pattern in UNWANTED_FILES)


def wanted_source(path: str) -> bool:
    """False for files of parts of packages that are left out."""
    folder, _, file = path.rpartition("/")
    stem = file.split(".")[0]
    module = folder.replace("/", ".") if stem == "__init__" or not file.endswith(".py") else f"{folder}/{stem}"
    return wanted_module(module.replace("/", "."))


def submodules(package: str, folder: Path, wanted: Callable[[str], bool] = wanted_module) -> list[str]:
    """The package and all modules below it that are wanted, in order, found by their files without importing any.

    Importing to look, as PyInstaller's own search does, takes torch a minute for each package asked about.

    Args:
        package: its dotted name.
        folder: where its ``__init__.py`` lies. Raises FileNotFoundError when it does not.
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


def data_files(package: str, folder: Path, suffixes: Collection[str] = ()) -> list[tuple[str, str]]:
    """(file, folder in the build) of all files of a package that are no sources, or of those with these suffixes."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    chosen = (p for p in files if (p.suffix in suffixes if suffixes else p.suffix not in {".py", ".pyc", ".pyi"}))
    return [(str(p), (Path(package.replace(".", "/")) / p.parent.relative_to(folder)).as_posix()) for p in chosen]


def left_out(package: str, folder: Path) -> list[str]:
    """Modules and packages directly in ``package`` that :func:`wanted_module` leaves out, for a build to skip early."""
    names = (e.stem for e in sorted(folder.iterdir()) if e.suffix == ".py" or (e / "__init__.py").is_file())
    return [f"{package}.{n}" for n in names if n != "__init__" and not wanted_module(f"{package}.{n}")]


def kept(entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Of (path in the build, source, kind) the wanted ones, in their order."""
    return [entry for entry in entries if wanted_file(entry[0])]


def kept_modules(entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Of (module, source, kind) the wanted ones, in their order."""
    return [entry for entry in entries if wanted_module(entry[0])]


def unmatched(patterns: Sequence[str], paths: Iterable[str]) -> list[str]:
    """Patterns that match none of the paths: rules that have lost their reason."""
    seen = [path.replace("\\", "/") for path in paths]
    return [pattern for pattern in patterns if not any(fnmatch(path, pattern) for path in seen)]
