#!/usr/bin/env bash
# Builds and tries the packages: build.sh all | wheel | folder | deb | sizes
# Everything is written below $RETICLE_PACKAGES (default /tmp/reticle-packages), nothing into the checkout.
# $RETICLE_PYTHON (default .venv/bin/python) is the environment whose packages are collected.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
out=${RETICLE_PACKAGES:-/tmp/reticle-packages}
python=${RETICLE_PYTHON:-$root/.venv/bin/python}
export RETICLE_PYTHON=$python OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} PYTHONDONTWRITEBYTECODE=1
picture=${RETICLE_PICTURE:-$root/docs/images/window.png} words=${RETICLE_WORDS:-the Find button}
low=(nice -n 19)
mkdir -p "$out"

site() { "$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'; }

# A venv that sees the packages of $python without being able to change them: beside <name>.
borrowed() {
    [ -x "$1/bin/python" ] || "$python" -m venv "$1"
    site >"$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/zz-borrowed.pth"
}

tools() {
    borrowed "$out/tools"
    [ -x "$out/tools/bin/pyinstaller" ] ||
        "${low[@]}" "$out/tools/bin/pip" install -q --disable-pip-version-check -r "$here/package-tools.txt"
}

wheel() {
    tools
    rm -rf "$out/wheel" "$out/stage"
    echo "reticle: building the wheel"
    "${low[@]}" "$out/tools/bin/pip" wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w "$out/wheel" "$root"
    "$out/tools/bin/python" -m zipfile -e "$out"/wheel/reticle-*.whl "$out/stage"
}

wheel_try() {
    rm -rf "$out/clean"
    if [ "${RETICLE_FULL:-0}" = 1 ]; then
        echo "reticle: installing the wheel and everything it needs into an empty venv"
        "$python" -m venv "$out/clean"
        "${low[@]}" "$out/clean/bin/pip" install -q --disable-pip-version-check -c "$here/constraints.txt" torch
        "${low[@]}" "$out/clean/bin/pip" install -q --disable-pip-version-check -c "$here/constraints.txt" "$out"/wheel/*.whl
    else
        echo "reticle: installing the wheel into a venv that borrows its dependencies from $python"
        borrowed "$out/clean"
        "${low[@]}" "$out/clean/bin/pip" install -q --disable-pip-version-check --no-deps --force-reinstall "$out"/wheel/*.whl
    fi
    "${low[@]}" "$here/smoke.sh" "$out/clean/bin/reticle" "$picture" "$words"
}

folder() {
    [ -d "$out/stage" ] || wheel
    tools
    echo "reticle: building the folder (PyInstaller)"
    (cd "$out" && RETICLE_STAGE=$out/stage PYTHONPATH=$out/stage:$here "${low[@]}" "$out/tools/bin/pyinstaller" \
        --noconfirm --log-level WARN --distpath "$out/dist" --workpath "$out/work" "$here/linux.spec")
    strip_libraries "$out/dist/reticle/_internal"
}

# Symbol tables that only a debugger reads. The libraries of numpy and scipy are left alone: stripping breaks their layout.
strip_libraries() {
    find "$1/torch/lib" "$1/PySide6" "$1/cv2" "$1/onnxruntime" -name '*.so*' -type f \
        -exec strip --strip-unneeded {} + 2>/dev/null || true
}

folder_try() {
    "${low[@]}" "$here/smoke.sh" "$out/dist/reticle/reticle" "$picture" "$words"
    "${low[@]}" "$here/smoke_window.sh" "$out/dist/reticle/reticle" "$out/window.png" 300
}

deb() {
    [ -x "$out/dist/reticle/reticle" ] || folder
    local tree=$out/deb version architecture
    version=$(unzip -p "$out"/wheel/reticle-*.whl 'reticle-*.dist-info/METADATA' | sed -n 's/^Version: //p' | head -n 1)
    architecture=$(dpkg --print-architecture)
    rm -rf "$tree"
    "$here/deb_tree.sh" "$out/dist/reticle" "$tree" "$version" "$architecture"
    echo "reticle: packing the .deb"
    "${low[@]}" dpkg-deb --root-owner-group -Zxz -z6 --build "$tree" "$out/reticle_${version}_${architecture}.deb" >/dev/null
}

deb_try() {
    local scratch=$out/scratch
    rm -rf "$scratch"
    mkdir -p "$scratch"
    dpkg-deb -x "$out"/reticle_*.deb "$scratch"
    "${low[@]}" "$here/smoke.sh" "$scratch/usr/bin/reticle" "$picture" "$words"
    "$scratch/usr/bin/reticle" trace --help >/dev/null
    rm -rf "$scratch"
}

sizes() {
    for one in "$out"/wheel/*.whl "$out/dist/reticle" "$out"/*.deb; do
        [ -e "$one" ] && printf '%8d MB  %s\n' "$(du -sm --apparent-size "$one" | cut -f 1)" "$one"
    done
    [ ! -d "$out/dist/reticle/_internal" ] || (cd "$out/dist/reticle/_internal" && du -sm --apparent-size -- * | sort -rn | head -n 14)
}

case ${1:-all} in
    all) wheel; wheel_try; folder; folder_try; deb; deb_try; sizes ;;
    wheel) wheel; wheel_try ;;
    folder) folder; folder_try ;;
    deb) deb; deb_try ;;
    sizes) sizes ;;
    *) echo "usage: build.sh all | wheel | folder | deb | sizes" >&2; exit 2 ;;
esac
