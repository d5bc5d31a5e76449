# A disk's life: found, described, formatted, written and verified, trimmed, grown.
. /out/check.sh
check initiator initiator
check 'discovery answers with the announced address' says "^$PORTAL,1 $IQN\$" iscsiadm -m discovery -t sendtargets -p "$PORTAL"
check login login "$IQN"
d=$(readlink -f "$(disk "$IQN" 0)")

check 'lsscsi shows the disk' says "disk.*LUNAR.*$d" lsscsi

dd if=/dev/urandom of=/tmp/4k bs=4k count=1 2>/dev/null

verify() {
	fio --name=verify --directory=/mnt --size=24m --rw=randwrite --bs=4k --iodepth=16 --ioengine=libaio --direct=1 \
		--verify=crc32c --do_verify=1 --verify_fatal=1
}
check 'mkfs.ext4' mkfs.ext4 -q -F "$d"
check 'mount ext4' mount -t ext4 "$d" /mnt
check 'fio verifies on ext4' verify
check 'umount ext4' umount /mnt
check 'e2fsck finds nothing' e2fsck -fn "$d"
check 'mkfs.xfs' mkfs.xfs -q -f "$d"
check 'mount xfs' mount -t xfs "$d" /mnt
check 'fio verifies on xfs' verify
rm /mnt/verify*
check 'fstrim' says '[1-9][0-9]* bytes.* trimmed' fstrim -v /mnt
check 'umount xfs' umount /mnt
check 'xfs_repair finds nothing' xfs_repair -n "$d"

ask resize
check 'a rescan shows the new size' sh -c 'echo 1 >"/sys/block/${1#/dev/}/device/rescan" && test "$(blockdev --getsize64 "$1")" = "$2"' - "$d" "$NEWSIZE"
check 'the new end can be written' dd if=/tmp/4k of="$d" bs=4k seek=$((NEWSIZE / 4096 - 1)) oflag=direct
check 'mount xfs again' mount -t xfs "$d" /mnt
check 'xfs grows while it is mounted' xfs_growfs /mnt
check 'and has the room' sh -c 'test "$(df -B1 --output=size /mnt | tail -n 1)" -gt $(($1 * 8 / 10))' - "$NEWSIZE"
check 'umount xfs again' umount /mnt
check logout logout "$IQN"
check 'the disk is gone' soon 10 sh -c '! test -b "$1"' - "$d"
