"""What goes into a packaged build and what stays out, as plain rules that the specs of all systems share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch

OWN = ("reticle_app", "reticle_agent", "reticle_grounding", "reticle_kernels")

KEPT_MODELS = frozenset(
    {"auto", "bert", "encoder_decoder", "qwen2", "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_vl", "gpt2"}
)
"""Folders of ``transformers.models`` that are used, or that importing those loads; the other ones are left out."""

EXCLUDED_MODULES = (
    # compilers and devices: the build is for the CPU
    "triton", "torch.utils.tensorboard", "torch.utils.benchmark", "torch.utils.hipify", "torch.utils.bottleneck",
    # tests, builders and notebooks
    "pytest", "_pytest", "hypothesis", "mypy", "setuptools", "pip", "wheel", "pkg_resources", "IPython", "matplotlib",
    "scipy.datasets", "torchgen.packaged", "torch.testing._internal.opinfo",
    "torch.testing._internal.common_methods_invocations",
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

_MODEL = re.compile(r"^transformers[./]models[./]([a-z0-9_]+)(?:[./]|$)")


def wanted_module(name: str) -> bool:
    """Whether a module goes into the build: not excluded, and no model of transformers that nothing uses."""
    if any(name == out or name.startswith(f"{out}.") for out in EXCLUDED_MODULES):
        return False
    return wanted_model(name)


def wanted_model(path: str) -> bool:
    """False for module names or file paths of a model of transformers that is left out."""
    model = _MODEL.match(path.replace("\\", "/"))
    if model is None or model.group(1).endswith("_py"):
        return True
    return model.group(1) in KEPT_MODELS or model.group(1) == "__init__"


def wanted_file(path: str) -> bool:
    """Whether a file, named by its path inside the build, is kept."""
    path = path.replace("\\", "/")
    return wanted_model(path) and not any(fnmatch(path, pattern) for pattern in UNWANTED_FILES)


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
