#!/usr/bin/env bash
# Installs the Debian package, uses it as the desktop would, and removes it: try_deb.sh PACKAGE.deb PICTURE WORDS FOLDER
# All of it happens in an overlay over the running system that is thrown away, so that the machine stays as it was; that
# takes root, overlayfs and a loop device. Pictures of the windows go to FOLDER. RETICLE_OVERLAY_MB: its size (6000).
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
for shared in /dev /proc /sys "$(dirname "$package")" "$pictures"; do
    mkdir -p "/mnt/root$shared"
    mount --rbind "$shared" "/mnt/root$shared"
done

cat >/mnt/root/inside.sh <<'END'
set -euo pipefail
package=$1 here=$2 picture=$3 words=$4 pictures=$5
fail() { echo "reticle: $1" >&2; exit 1; }

echo "reticle: dpkg --install $(basename "$package")"
dpkg --install "$package" >/dev/null
dpkg --verify reticle | grep . && fail "installed files differ from the package's"
[ "$(command -v reticle)" = /usr/bin/reticle ] || fail "reticle is $(command -v reticle)"

desktop-file-validate /usr/share/applications/reticle*.desktop
update-mime-database /usr/share/mime
update-desktop-database -q /usr/share/applications 2>/dev/null || true
mkdir -p /tmp/run
printf '{"seq":0,"t":"2026-01-01T00:00:00Z"}\n' >/tmp/run/events.jsonl
cp /tmp/run/events.jsonl /tmp/run/other.json
for journal in events.jsonl other.json; do
    seen=$(xdg-mime query filetype "/tmp/run/$journal")
    echo "reticle: $journal is $seen"
done
[ "$(xdg-mime query filetype /tmp/run/events.jsonl)" = application/vnd.reticle.trace+json ] || fail "the type of traces is not known"
[ "$(xdg-mime query default application/vnd.reticle.trace+json)" = reticle-trace.desktop ] || fail "nothing opens traces"

"$here/smoke.sh" reticle "$picture" "$words"
"$here/smoke_window.sh" reticle "$pictures"

echo "reticle: dpkg --purge reticle"
dpkg --purge reticle >/dev/null
left=$(find / -xdev \( -path /proc -o -path /sys -o -path /tmp \) -prune -o -iname '*reticle*' -newer /inside.sh -print 2>/dev/null |
    grep -E '^/(usr|etc|var|opt)/' | grep -v '^/var/lib/dpkg/.*-old$' || true)
[ -z "$left" ] || fail "purging left behind: $left"
echo "reticle: installed, used and removed"
END
chroot /mnt/root /bin/bash /inside.sh "$package" "$here" "$picture" "$words" "$pictures"
