#!/usr/bin/env bash
# Lays out the files of the Debian package: deb_tree.sh FOLDER TREE VERSION ARCHITECTURE
# FOLDER is the one-folder build. Paths inside follow the file system hierarchy: program in /usr/lib/reticle.
set -euo pipefail
folder=$1 tree=$2 version=$3 architecture=$4
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/lib" "$tree/usr/share/doc/reticle"
cp -al "$folder" "$tree/usr/lib/reticle" 2>/dev/null || cp -a "$folder" "$tree/usr/lib/reticle"
install -m 755 "$here/linux/open-trace" "$tree/usr/lib/reticle/open-trace"
ln -s ../lib/reticle/reticle "$tree/usr/bin/reticle"
install -D -m 644 -t "$tree/usr/share/applications" "$here"/linux/*.desktop
install -D -m 644 -t "$tree/usr/share/metainfo" "$here"/linux/*.metainfo.xml
install -D -m 644 "$here/linux/reticle-mime.xml" "$tree/usr/share/mime/packages/reticle.xml"
install -D -m 644 "$root/app/reticle_app/resources/reticle.svg" "$tree/usr/share/icons/hicolor/scalable/apps/reticle.svg"
install -m 644 "$here/linux/copyright" "$tree/usr/share/doc/reticle/copyright"
install -m 644 "$root/NOTICE" "$tree/usr/share/doc/reticle/NOTICE"
install -d "$tree/usr/share/man/man1"
gzip -9n <"$here/linux/reticle.1" >"$tree/usr/share/man/man1/reticle.1.gz"
gzip -9n >"$tree/usr/share/doc/reticle/changelog.gz" <<END
reticle ($version) unstable; urgency=medium

  * Version $version.

 -- The Reticle developers <noreply@reticle.invalid>  $(date -R -u -d "@${SOURCE_DATE_EPOCH:-0}")
END
# by folders and kinds, not one call for each of thousands of files; programs stay programs
find "$tree/usr" -type d -exec chmod 755 {} +
find "$tree/usr" -type f ! -perm -u+x -exec chmod 644 {} +
find "$tree/usr" -type f -perm -u+x -exec chmod 755 {} +
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

cat >"$tree/DEBIAN/control" <<END
Package: reticle
Version: $version
Architecture: $architecture
Maintainer: The Reticle developers <noreply@reticle.invalid>
Section: utils
Priority: optional
Installed-Size: $(du -sk --apparent-size "$tree/usr" | cut -f 1)
Depends: $(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$here/deb-depends.txt" | paste -sd, | sed 's/,/, /g')
Recommends: xvfb, openbox, xclip, at-spi2-core, xdg-utils
Suggests: mousepad
Description: points at things on the screen when told in plain words
 Reticle finds what is named on the screen, shows it with a probability before
 anything is clicked, does it when told to, and keeps a record of every run.
 The model is local and needs no account. This build is for the CPU.
END
