#!/bin/sh
# Installs the Debian packages that the tests use, and those given as arguments, when run as
# root on Debian; says plainly what is left out when it may not. A failed installation is an
# error.
set -eu
# For: the race detector; initiators; images; the target to compare with; an iSNS server; a RADIUS server; the guest;
# file systems that share space; other readers of VMFS; another way from site to site, and what streams are compared with.
packages='gcc libc6-dev
libiscsi-bin
qemu-utils qemu-block-extra
tgt
open-isns-server open-isns-utils
freeradius
debootstrap qemu-system-x86 e2fsprogs
xfsprogs btrfs-progs
vmfs-tools vmfs6-tools
openssh-client openssh-server
mbuffer zstd iproute2'
packages="$packages $*"

missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing:$missing"
	apt-get update -q
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
else
	echo "Not installed:$missing"
	echo "The tests that need them are left out. To have them: sudo apt-get install$missing"
fi
