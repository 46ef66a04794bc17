#!/usr/bin/env bash
# Installs the Debian package, uses it as the desktop would, and removes it: try_deb.sh PACKAGE.deb PICTURE WORDS FOLDER
# All of it happens in an overlay over the running system that is thrown away, so that the machine stays as it was; that
# takes root, overlayfs and a loop device. Pictures of the windows go to FOLDER. RETICLE_OVERLAY_MB: its size (6000).
# RETICLE_USE=0 installs, checks what the desktop is told, and removes, without the runs that take minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
package=$(realpath "$1") picture=$(realpath "$2") words=$3 pictures=$4
[ "$(id -u)" -eq 0 ] || { echo "reticle: installing into an overlay needs root" >&2; exit 1; }
mkdir -p "$pictures"
pictures=$(realpath "$pictures")

if [ -z "${RETICLE_INSIDE:-}" ]; then
    exec env RETICLE_INSIDE=1 unshare --mount --propagation private "$0" "$package" "$picture" "$words" "$pictures"
fi

# from here on in a mount namespace of our own: every mount ends with this process
disk=$(mktemp -p "${TMPDIR:-/tmp}" reticle-overlay.XXXXXX)
trap 'rm -f "$disk"' EXIT
truncate -s "${RETICLE_OVERLAY_MB:-6000}M" "$disk"
mkfs.ext4 -q -F "$disk"
mount -o loop "$disk" /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for shared in /dev /proc /sys "$pictures"; do
    mkdir -p "/mnt/root$shared"
    mount --rbind "$shared" "/mnt/root$shared"
done

cat >/mnt/root/inside.sh <<'END'
set -euo pipefail
package=$1 here=$2 picture=$3 words=$4 pictures=$5
fail() { echo "reticle: $1" >&2; exit 1; }

echo "reticle: dpkg --install $(basename "$package")"
dpkg --force-unsafe-io --install "$package" >/dev/null # nothing of it outlives this run, so no waiting for the disk
dpkg --verify reticle | grep . && fail "installed files differ from the package's"
[ "$(command -v reticle)" = /usr/bin/reticle ] || fail "reticle is $(command -v reticle)"

# the lists of programs and types are made by dpkg's triggers, not by us
desktop-file-validate /usr/share/applications/reticle*.desktop
grep -q '^application/vnd.reticle.trace+json=reticle-trace.desktop' /usr/share/applications/mimeinfo.cache ||
    fail "no program opens traces"
mkdir /tmp/types
printf '{"seq":0,"t":"2026-01-01T00:00:00Z"}\n' | tee /tmp/types/events.jsonl >/tmp/types/without-a-name
printf '{"seq": 1}\n' >/tmp/types/other.json
"$RETICLE_PYTHON" - <<'TYPES'
import sys

from PySide6.QtCore import QMimeDatabase

wanted = {
    "events.jsonl": "application/vnd.reticle.trace+json",
    "without-a-name": "application/vnd.reticle.trace+json",
    "other.json": "application/json",
}
seen = {name: QMimeDatabase().mimeTypeForFile(f"/tmp/types/{name}").name() for name in wanted}
sys.exit(f"reticle: files are taken for {seen}" if seen != wanted else 0)
TYPES
echo "reticle: the type of recorded runs is known by name and by content"

reticle --version
man --where reticle >/dev/null 2>&1 || [ -s /usr/share/man/man1/reticle.1.gz ] || fail "no manual page"
if [ "${RETICLE_USE:-1}" = 1 ]; then
    "$here/smoke.sh" reticle "$picture" "$words"
    "$here/smoke_window.sh" reticle "$pictures"

    # opening a recorded run, with a browser that only tells what it is shown
    rm -f "$pictures/run/report.html"
    printf '#!/bin/sh\nprintf %%s "$1" >/tmp/shown\n' >/usr/local/bin/xdg-open
    chmod 755 /usr/local/bin/xdg-open
    /usr/lib/reticle/open-trace "$pictures/run/events.jsonl"
    [ "$(cat /tmp/shown)" = "$pictures/run/report.html" ] && [ -s "$pictures/run/report.html" ] || fail "opening a run showed nothing"
fi

echo "reticle: dpkg --purge reticle"
dpkg --listfiles reticle >/tmp/files
dpkg --force-unsafe-io --purge reticle >/dev/null
left=$(while read -r file; do [ ! -e "$file" ] || [ -d "$file" ] || echo "$file"; done </tmp/files)
[ ! -e /usr/lib/reticle ] || left="$left /usr/lib/reticle"
! grep -q reticle /usr/share/applications/mimeinfo.cache || left="$left mimeinfo.cache"
[ -z "$left" ] || fail "purging left behind: $left"
echo "reticle: installed, used and removed"
END
chroot /mnt/root /bin/bash /inside.sh "$package" "$here" "$picture" "$words" "$pictures"
