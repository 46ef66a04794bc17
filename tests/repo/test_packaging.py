"""What the packages promise the desktop, checked against the files and against what the program really does."""

from __future__ import annotations

import ast
import configparser
import gzip
import importlib.util
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
import transformers

from reticle_agent.trace import TraceWriter
from reticle_app.translations import SHIPPED

REPO = Path(__file__).resolve().parents[2]
PACKAGING = REPO / "packaging"
LINUX = PACKAGING / "linux"
SOURCES = [p for root in ("app", "agent", "grounding", "kernels") for p in (REPO / root).rglob("*.py")]
MIME = "application/vnd.reticle.trace+json"
MIME_XML = "{http://www.freedesktop.org/standards/shared-mime-info}"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


launcher, contents = load("launcher"), load("contents")


def entry(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(LINUX / name, encoding="utf-8")
    return parser["Desktop Entry"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a .deb around a program that only says its name."""
    folder = tmp_path_factory.mktemp("build") / "reticle"
    folder.mkdir()
    (folder / "reticle").write_text("#!/bin/sh\necho reticle 9.9\n", encoding="utf-8")
    (folder / "reticle").chmod(0o755)
    out = tmp_path_factory.mktemp("deb") / "tree"
    command = [str(PACKAGING / "deb_tree.sh"), str(folder), str(out), "9.9", "amd64"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return out


# --- the launcher ---


def test_every_process_of_our_own_can_be_started_in_a_packaged_build() -> None:
    """Modules that the program starts with ``-m``, or through LineProcess, are known to the launcher."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    started = set(re.findall(r'"-m",\s*"(reticle_[a-z_.]+)"', text))
    started |= set(re.findall(r'LineProcess\(\s*"(reticle_[a-z_.]+)"', text))
    assert {"reticle_app.worker", "reticle_agent.hand", "reticle_agent.stopper"} <= started
    assert started <= launcher.CHILDREN
    for name in launcher.CHILDREN:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert '__name__ == "__main__"' in Path(str(spec.origin)).read_text(encoding="utf-8")


def test_the_launcher_runs_no_module_of_others() -> None:
    assert launcher.child_module(["reticle", "ground", "a.png"]) is None
    assert launcher.child_module(["reticle", "-m", "reticle_agent.hand"]) == "reticle_agent.hand"
    for argv in (["reticle", "-m", "json.tool"], ["reticle", "-m"], ["reticle", "-m", "reticle_agent"]):
        with pytest.raises(SystemExit, match="own processes"):
            launcher.child_module(argv)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/bundle", "LD_LIBRARY_PATH_ORIG": "/mine"}, {"LD_LIBRARY_PATH": "/mine"}),
        ({"LD_LIBRARY_PATH": "/bundle", "HOME": "/h"}, {"HOME": "/h"}),
        ({"HOME": "/h"}, {"HOME": "/h"}),
    ],
)
def test_programs_started_from_a_packaged_build_load_the_systems_libraries(
    before: dict[str, str], after: dict[str, str]
) -> None:
    launcher.give_back_libraries(before)
    assert before == after


def test_the_launcher_is_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, str(PACKAGING / "launcher.py"), "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"reticle \d+\.\d+\.\d+\n", done.stdout)


# --- what goes in ---


def test_models_that_the_code_imports_are_kept() -> None:
    models = Path(transformers.__file__).parent / "models"
    assert [name for name in contents.KEPT_MODELS if not (models / name).is_dir()] == []
    named = {
        node.module.split(".")[2]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("transformers.models.")
    }
    assert named
    assert named <= contents.KEPT_MODELS


@pytest.mark.slow
def test_nothing_that_grounding_loads_is_left_out(tmp_path: Path) -> None:
    """Modules that a real answer loads are wanted ones, but for compilers that torch looks for and does without."""
    code = (
        "import sys; from reticle_app.cli.main import run_command; "
        f"assert run_command(['ground', {str(REPO / 'docs/images/window.png')!r}, 'the Find button']) == 0; "
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    loaded = [name for name in done.stdout.splitlines() if re.fullmatch(r"[\w.]+", name)]
    assert "torch" in loaded
    lost = {name for name in loaded if not contents.wanted_module(name)}
    assert {name.split(".")[0] for name in lost} <= {"triton", "networkx", "setuptools"}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("torch/lib/libtorch_cpu.so", True),
        ("torch/lib/libtorchbind_test.so", False),
        ("torch/bin/protoc", False),
        ("torch/bin/test_api", False),
        ("torch/bin/torch_shm_manager", True),
        ("torch/_inductor/config.py", True),
        ("torch/_inductor/lowering.py", False),
        ("scipy/optimize/_minimize.py", True),
        ("scipy/stats/_stats.cpython-311-x86_64-linux-gnu.so", False),
        ("numpy/_core/tests/test_umath.py", False),
        ("numpy-2.0.dist-info/METADATA", True),
        ("numpy-2.0.dist-info/LICENSE.txt", True),
        ("numpy-2.0.dist-info/RECORD", False),
        ("torch/include/ATen/ATen.h", False),
        ("transformers/models/qwen2_vl/modeling_qwen2_vl.py", True),
        ("transformers/models/__init__.py", True),
        ("transformers/models/whisper/modeling_whisper.py", False),
        ("transformers\\models\\whisper\\modeling_whisper.py", False),
        ("reticle_grounding/_assets/embedded/model.safetensors", True),
        ("reticle_agent/trace/event.schema.json", True),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", True),
        ("PySide6/Qt/lib/libQt6Quick.so.6", False),
        ("PySide6/translations/qtbase_de.qm", True),
        ("PySide6/Qt/translations/qtbase_fr.qm", False),
        ("PySide6/Qt/translations/qtdeclarative_de.qm", False),
        ("pygments/lexers/__init__.py", True),
        ("pygments/lexers/python.py", True),
        ("pygments/lexers/fortran.py", False),
        ("sympy/polys/polytools.py", True),
        ("sympy/polys/benchmarks/bench_solvers.py", False),
        ("sympy/parsing/sympy_parser.py", True),
        ("numpy/_core/_simd.cpython-311-x86_64-linux-gnu.so", False),
        ("numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so", True),
        ("numpy/f2py/__init__.py", True),
        ("numpy/distutils/__init__.py", False),
        ("PySide6/Qt/translations/qtbase_de.qm", True),
        ("rapidocr/models/ch_PP-OCRv4_det_mobile.onnx", True),
    ],
)
def test_files_are_kept_by_rule(path: str, wanted: bool) -> None:
    assert contents.wanted_file(path) is wanted


def test_qt_speaks_every_language_that_the_windows_speak() -> None:
    """What is loaded from where Qt says its translations are, and that the build has it from an installed file."""
    from PySide6.QtCore import QLibraryInfo

    place = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    recorded = metadata.distribution("pyside6-essentials").files or []
    kept = [Path(str(file.locate())).resolve() for file in recorded if contents.wanted_file(file.as_posix())]
    wanted = [(place / f"qtbase_{language}.qm").resolve() for language in SHIPPED if language != "en"]
    assert wanted
    assert set(wanted) <= set(kept)


def test_text_recognition_keeps_what_it_opens() -> None:
    spec = importlib.util.find_spec("rapidocr")
    assert spec is not None
    models = Path(str(spec.origin)).parent / "models"
    kept = [path.name for path in models.glob("*.onnx") if contents.wanted_file(f"rapidocr/models/{path.name}")]
    assert any("det" in name for name in kept)
    assert any("rec" in name for name in kept)


def test_modules_are_kept_by_rule() -> None:
    assert contents.wanted_module("torch.nn")
    assert contents.wanted_module("tritonic")
    assert not contents.wanted_module("triton.language")
    assert not contents.wanted_module("transformers.models.whisper")
    assert contents.wanted_module("transformers.models")
    assert contents.wanted_module("transformers.models.qwen2_vl.modeling_qwen2_vl")
    assert not [name for name in contents.OWN if not contents.wanted_module(name)]


def test_modules_are_found_without_importing_them(tmp_path: Path) -> None:
    package = tmp_path / "tiny"
    for path in ("__init__.py", "__main__.py", "part.py", "sub/__init__.py", "sub/deep.py", "data/a.py", "no-name.py"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text("raise RuntimeError", encoding="utf-8")
    assert contents.submodules("tiny", package) == ["tiny", "tiny.part", "tiny.sub", "tiny.sub.deep"]
    assert contents.submodules("tiny", package, lambda name: name != "tiny.sub") == ["tiny", "tiny.part"]
    with pytest.raises(FileNotFoundError, match="not the folder of the package other"):
        contents.submodules("other", tmp_path)


def test_no_excluded_module_is_imported_by_us() -> None:
    """Outside training and the compiler path, nothing of ours names a module that packaged builds leave out."""
    allowed = re.compile(r"triton")
    named = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert [name for name in named if not contents.wanted_module(name) and not allowed.match(name)] == []


def test_specs_share_one_analysis() -> None:
    for name in ("linux", "windows", "macos"):
        module = ast.parse((PACKAGING / f"{name}.spec").read_text(encoding="utf-8"))
        calls = {node.func.id for node in ast.walk(module) if isinstance(node, ast.Call) and hasattr(node.func, "id")}
        assert {"analysis", "PYZ", "EXE", "COLLECT"} <= calls


# --- what the desktop is told ---


def test_mime_type_is_the_same_everywhere() -> None:
    mime = ElementTree.parse(LINUX / "reticle-mime.xml").find(f"{MIME_XML}mime-type")
    assert mime is not None
    assert mime.get("type") == MIME
    assert entry("reticle-trace.desktop")["MimeType"] == f"{MIME};"
    metainfo = ElementTree.parse(LINUX / "org.reticle.Reticle.metainfo.xml")
    assert metainfo.findtext("provides/mediatype") == MIME
    assert metainfo.findtext("launchable") == "reticle.desktop"


def test_mime_type_fits_what_is_really_recorded(tmp_path: Path) -> None:
    """Name and first bytes of a journal that the program has just written."""
    with TraceWriter.create(tmp_path / "trace", task="click Save") as writer:
        writer.event("task", text="click Save")
    mime = ElementTree.parse(LINUX / "reticle-mime.xml").find(f"{MIME_XML}mime-type")
    assert mime is not None
    glob, match = mime.find(f"{MIME_XML}glob"), mime.find(f"{MIME_XML}magic/{MIME_XML}match")
    assert glob is not None
    assert match is not None
    journal = tmp_path / "trace" / str(glob.get("pattern"))
    assert journal.read_text(encoding="utf-8").startswith(str(match.get("value")))
    assert match.get("offset") == "0"


def test_version_of_the_release_is_the_programs() -> None:
    version = re.search(r'^version = "(.+)"$', (REPO / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    release = ElementTree.parse(LINUX / "org.reticle.Reticle.metainfo.xml").find("releases/release")
    assert version is not None
    assert release is not None
    assert release.get("version") == version.group(1)


def test_desktop_file_is_the_one_the_window_names() -> None:
    """Task bars find icon and name by the desktop file name that the application sets."""
    gui = (REPO / "app/reticle_app/gui.py").read_text(encoding="utf-8")
    named = re.search(r'setDesktopFileName\("(.+)"\)', gui)
    assert named is not None
    assert (LINUX / f"{named.group(1)}.desktop").is_file()
    assert entry("reticle.desktop")["StartupWMClass"] == named.group(1)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("desktop-file-validate", sorted(str(p) for p in LINUX.glob("*.desktop"))),
        ("xmllint", ["--noout", *sorted(str(p) for p in LINUX.glob("*.xml"))]),
        ("appstreamcli", ["validate", "--no-net", str(LINUX / "org.reticle.Reticle.metainfo.xml")]),
    ],
)
def test_desktop_files_are_valid(tool: str, arguments: list[str]) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- the Debian package ---


def test_deb_holds_what_its_desktop_files_name(tree: Path) -> None:
    for desktop in (tree / "usr/share/applications").iterdir():
        command = entry(desktop.name)["Exec"].split()[0]
        path = tree / command.lstrip("/") if command.startswith("/") else tree / "usr/bin" / command
        assert path.exists(), desktop.name
        icon = entry(desktop.name)["Icon"]
        assert (tree / f"usr/share/icons/hicolor/scalable/apps/{icon}.svg").is_file()
    assert len(list((tree / "usr/share/applications").iterdir())) == 2
    said = subprocess.run([str(tree / "usr/bin/reticle")], capture_output=True, text=True, check=True).stdout
    assert said == "reticle 9.9\n"


def test_deb_control_is_complete(tree: Path) -> None:
    lines = (tree / "DEBIAN/control").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(": ", 1) for line in lines if not line.startswith(" "))
    assert (fields["Package"], fields["Version"], fields["Architecture"]) == ("reticle", "9.9", "amd64")
    assert int(fields["Installed-Size"]) > 0
    depends = fields["Depends"].split(", ")
    assert all(re.fullmatch(r"[a-z0-9+.-]+( \(>= [0-9.]+\))?( \| [a-z0-9+.-]+)?", name) for name in depends)
    assert {"libegl1", "libxcb-cursor0", "libstdc++6"} <= set(depends)


def test_deb_can_be_verified_and_says_what_changed(tree: Path) -> None:
    sums = (tree / "DEBIAN/md5sums").read_text(encoding="utf-8").splitlines()
    files = sorted(
        p.relative_to(tree).as_posix() for p in (tree / "usr").rglob("*") if p.is_file() and not p.is_symlink()
    )
    assert [line.split("  ", 1)[1] for line in sums] == files
    said = subprocess.run(["md5sum", "--quiet", "-c", "DEBIAN/md5sums"], cwd=tree, capture_output=True, check=False)
    assert said.returncode == 0, said.stdout
    changes = gzip.decompress((tree / "usr/share/doc/reticle/changelog.gz").read_bytes()).decode()
    assert changes.startswith("reticle (9.9) ")
    assert b".TH RETICLE 1" in gzip.decompress((tree / "usr/share/man/man1/reticle.1.gz").read_bytes())
    modes = {p.stat().st_mode & 0o777 for p in (tree / "usr").rglob("*") if not p.is_symlink()}
    assert modes == {0o644, 0o755}


def test_deb_can_be_packed_and_unpacked(tree: Path, tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    package, root = tmp_path / "reticle.deb", tmp_path / "root"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(package)], check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True, capture_output=True)
    assert (root / "usr/share/mime/packages/reticle.xml").is_file()
    assert (root / "usr/bin/reticle").resolve() == (root / "usr/lib/reticle/reticle").resolve()


def test_opening_a_trace_needs_exactly_one_file(tree: Path) -> None:
    opened = subprocess.run([str(tree / "usr/lib/reticle/open-trace")], capture_output=True, text=True, check=False)
    assert opened.returncode == 2
    assert "events.jsonl" in opened.stderr


# --- the wheel ---


def test_wheel_holds_every_tracked_file_of_the_packages() -> None:
    """Files as the build backend chooses them; `packaging/build.sh wheel` builds and tries the wheel itself."""
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    chosen = {file.distribution_path for file in wheels.WheelBuilder(str(REPO)).recurse_included_files()}
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, check=True).stdout.decode()
    tracked = [path for path in listed.split("\0") if path and (REPO / path).is_file()]
    roots = ("app/", "agent/", "grounding/", "kernels/")
    wanted = {path.split("/", 1)[1] for path in tracked if path.startswith(roots)}
    assets = {f"reticle_grounding/_assets/{p.removeprefix('assets/')}" for p in tracked if p.startswith("assets/")}
    assert assets
    assert (wanted | assets) - chosen == set()
    assert {path.split("/")[0] for path in chosen} == set(contents.OWN)
