#!/bin/sh
# Installs bin/lunar below DESTDIR and PREFIX.
#
# usage: install.sh DESTDIR PREFIX
set -eu
cd "$(dirname "$0")/.."
dest=$1 prefix=$2
root=$dest$prefix
install -D -m 755 bin/lunar "$root/bin/lunar"
for name in sbdadm stmfadm itadm iscsitadm; do ln -sf lunar "$root/bin/$name"; done
mkdir -p "$root/share/man/man1"
bin/lunar man "$root/share/man/man1"
for name in lunar sbdadm stmfadm itadm iscsitadm; do
    "$root/bin/$name" completion bash | install -D -m 644 /dev/stdin "$root/share/bash-completion/completions/$name"
    "$root/bin/$name" completion zsh | install -D -m 644 /dev/stdin "$root/share/zsh/site-functions/_$name"
    "$root/bin/$name" completion fish | install -D -m 644 /dev/stdin "$root/share/fish/vendor_completions.d/$name.fish"
done
for unit in lunar.service lunar-vmfs-backup.service lunar-vmfs-backup.timer; do
    sed "s|/usr/bin/lunar|$prefix/bin/lunar|" "packaging/$unit" | install -D -m 644 /dev/stdin "$root/lib/systemd/system/$unit"
done
echo "installed $root/bin/lunar; start it with: systemctl enable --now lunar"
