#!/usr/bin/env bash
# Builds and tries the packages: build.sh all | wheel | folder | deb | try-folder | try-deb | times | sizes
# Everything is written below $RETICLE_PACKAGES (default /tmp/reticle-packages), nothing into the checkout.
# $RETICLE_PYTHON (default .venv/bin/python) is the environment whose packages are collected; it is only read.
# $RETICLE_TOOLS (default a venv beside the output) holds what builds. RETICLE_FULL=0 tries the wheel with the packages
# of $RETICLE_PYTHON instead of fetching all that it needs. RETICLE_DEB_LEVEL is how hard to compress, 1 to 22 (12).
# RETICLE_NICE is how far to step back for others (15), RETICLE_SECONDS the longest wait for a window or an answer (300).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
out=${RETICLE_PACKAGES:-/tmp/reticle-packages}
tools=${RETICLE_TOOLS:-$out/tools}
python=${RETICLE_PYTHON:-$root/.venv/bin/python}
export RETICLE_PYTHON=$python OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
picture=${RETICLE_PICTURE:-$root/docs/images/window.png} words=${RETICLE_WORDS:-the Run button}
low=(nice -n "${RETICLE_NICE:-15}")
pip=(-m pip -q --disable-pip-version-check)
mkdir -p "$out"

site() { "$1" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'; }

# A venv that sees the packages of $python without being able to change them: beside <name>.
borrowed() {
    [ -x "$1/bin/python" ] || "${low[@]}" "$python" -m venv --without-pip "$1"
    site "$python" >"$(site "$1/bin/python")/zz-borrowed.pth"
}

tools() {
    [ "$tools" != "$out/tools" ] || borrowed "$tools"
    "$tools/bin/python" -c 'import PyInstaller, hatchling' 2>/dev/null ||
        "${low[@]}" "$tools/bin/python" "${pip[@]}" install -r "$here/package-tools.txt"
}

wheel() {
    tools
    rm -rf "$out/wheel" "$out/stage"
    echo "reticle: building the wheel"
    (cd "$root" && "${low[@]}" "$tools/bin/python" -m hatchling build -t wheel -d "$out/wheel" >/dev/null)
    "$tools/bin/python" -m zipfile -e "$out"/wheel/reticle-*.whl "$out/stage"
}

wheel_try() {
    rm -rf "$out/clean"
    if [ "${RETICLE_FULL:-1}" = 1 ]; then
        echo "reticle: installing the wheel and everything it needs into an empty venv"
        "${low[@]}" "$python" -m venv "$out/clean"
        # torch first and alone: from the pin, pip takes the CPU build where one is at hand
        "${low[@]}" "$out/clean/bin/python" "${pip[@]}" install -c "$here/constraints.txt" torch
        "${low[@]}" "$out/clean/bin/python" "${pip[@]}" install -c "$here/constraints.txt" "$out"/wheel/*.whl
    else
        echo "reticle: installing the wheel into a venv that borrows its dependencies from $python"
        borrowed "$out/clean"
        "${low[@]}" "$out/clean/bin/python" "${pip[@]}" install --no-deps --ignore-installed "$out"/wheel/*.whl
    fi
    "${low[@]}" "$here/smoke.sh" "$out/clean/bin/reticle" "$picture" "$words"
    "${low[@]}" "$here/smoke_window.sh" "$out/clean/bin/reticle" "$out/pictures-wheel"
}

folder() {
    [ -d "$out/stage" ] || wheel
    tools
    echo "reticle: building the folder (PyInstaller)"
    (cd "$out" && RETICLE_STAGE=$out/stage PYTHONPATH=$here "${low[@]}" "$tools/bin/python" -m PyInstaller \
        --noconfirm --log-level WARN --distpath "$out/dist" --workpath "$out/work" "$here/linux.spec")
    "${low[@]}" "$python" "$here/symbols.py" "$out/dist/reticle/_internal"
}

folder_try() {
    "${low[@]}" "$here/smoke.sh" "$out/dist/reticle/reticle" "$picture" "$words"
    "${low[@]}" "$here/smoke_window.sh" "$out/dist/reticle/reticle" "$out/pictures-folder"
}

deb() {
    [ -x "$out/dist/reticle/reticle" ] || folder
    local tree=$out/deb version architecture
    version=$(unzip -p "$out"/wheel/reticle-*.whl 'reticle-*.dist-info/METADATA' | sed -n 's/^Version: //p' | head -n 1)
    architecture=$(dpkg --print-architecture)
    rm -rf "$tree"
    "$here/deb_tree.sh" "$out/dist/reticle" "$tree" "$version" "$architecture"
    echo "reticle: packing the .deb"
    "${low[@]}" dpkg-deb --root-owner-group -Zzstd -z"${RETICLE_DEB_LEVEL:-12}" --build "$tree" "$out/reticle_${version}_${architecture}.deb" >/dev/null
}

deb_try() {
    if [ "$(id -u)" -eq 0 ]; then
        "${low[@]}" "$here/try_deb.sh" "$out"/reticle_*.deb "$picture" "$words" "$out/pictures-deb"
        return
    fi
    echo "reticle: not root, so the .deb is unpacked instead of installed"
    rm -rf "$out/scratch"
    dpkg-deb -x "$out"/reticle_*.deb "$out/scratch"
    "${low[@]}" "$here/smoke.sh" "$out/scratch/usr/bin/reticle" "$picture" "$words"
    rm -rf "$out/scratch"
}

times() { "${low[@]}" "$python" "$here/start_times.py" "$out/clean/bin/reticle" "$out/dist/reticle/reticle" "$picture" "$words"; }

sizes() {
    for one in "$out"/wheel/*.whl "$out/dist/reticle" "$out"/*.deb; do
        [ -e "$one" ] && printf '%8d MB  %s\n' "$(du -sm --apparent-size "$one" | cut -f 1)" "$one"
    done
    [ ! -d "$out/dist/reticle/_internal" ] || (cd "$out/dist/reticle/_internal" && du -sm --apparent-size -- * | sort -rn | head -n 14)
}

case ${1:-all} in
    all) wheel; wheel_try; folder; folder_try; deb; deb_try; times; sizes ;;
    wheel) wheel; wheel_try ;;
    folder) folder; folder_try ;;
    deb) deb; deb_try ;;
    try-folder) folder_try ;;
    try-deb) deb_try ;;
    times) times ;;
    sizes) sizes ;;
    *) echo "usage: build.sh all | wheel | folder | deb | try-folder | try-deb | times | sizes" >&2; exit 2 ;;
esac
