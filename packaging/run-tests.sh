#!/usr/bin/env bash
# Runs pytest on a private virtual display with a window manager, whatever display the caller has.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
touch "$work/Xauthority"
cleanup() {
    for pid in ${wm:-} ${xvfb:-}; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
xvfb=$!
for _ in $(seq 100); do
    [ -s "$work/display" ] && break
    kill -0 "$xvfb" 2>/dev/null || { echo "reticle: Xvfb did not start:" >&2; cat "$work/xvfb.log" >&2; exit 1; }
    sleep 0.1
done
export DISPLAY=":$(tr -d '\n' <"$work/display")" XAUTHORITY="$work/Xauthority"
unset WAYLAND_DISPLAY
openbox >"$work/openbox.log" 2>&1 &
wm=$!

.venv/bin/pytest "$@"
