#!/bin/sh
# Runs a QEMU program of another Debian than this machine's, for tests: the tree need not be entered, so sockets and files are this machine's.
#
#   debootstrap --variant=minbase trixie /srv/trixie && chroot /srv/trixie apt-get install -y qemu-system-common qemu-utils
#   printf '#!/bin/sh\nexec scripts/qemu-of-tree.sh /srv/trixie qemu-storage-daemon "$@"\n' >/tmp/qsd && chmod +x /tmp/qsd
#   QEMU_STORAGE_DAEMON=/tmp/qsd npx vitest run --project integration
tree=$1 program=$2
shift 2
exec "$tree/lib64/ld-linux-x86-64.so.2" --library-path "$tree/usr/lib/x86_64-linux-gnu" --argv0 "$program" "$tree/usr/bin/$program" "$@"
