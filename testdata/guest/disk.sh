# A disk's life: found, described, formatted, written and verified, trimmed, grown.
. /out/check.sh
check initiator initiator
check 'discovery answers with the announced address' says "^$PORTAL,1 $IQN\$" iscsiadm -m discovery -t sendtargets -p "$PORTAL"
check login login "$IQN"
d=$(readlink -f "$(disk "$IQN" 0)")

check 'lsscsi shows the disk' says "disk.*LUNAR.*$d" lsscsi
check INQUIRY says 'Vendor identification: LUNAR' sg_inq "$d"
for page in 0x00 0x80 0x83 0x86 0xb0 0xb1 0xb2; do
	check "VPD $page" sg_vpd -p $page "$d"
done
check 'VPD 83h has the NAA name' says '^ +0x6[0-9a-f]{31}$' sg_vpd -p di "$d"
check 'VPD B2h: thin, unmaps, and reads zeros after' says 'Unmap command supported \(LBPU\): 1' sg_vpd -p lbpv "$d"
check 'REPORT LUNS' says 'Lun list length = (8|16)' sg_luns "$d"
check 'READ CAPACITY 16' says 'lbpme=1' sg_readcap --long "$d"
check 'TEST UNIT READY' sg_turs "$d"
check 'REQUEST SENSE' sg_requests "$d"
check 'MODE SENSE' says 'Caching' sg_modes -a "$d"
check 'REPORT SUPPORTED OPERATION CODES' says 'Compare and write' sg_opcodes "$d"
check VERIFY sg_verify --16 --lba=0 --count=8 "$d"
check 'SYNCHRONIZE CACHE' sg_sync "$d"

dd if=/dev/urandom of=/tmp/4k bs=4k count=1 2>/dev/null
check 'WRITE' dd if=/tmp/4k of="$d" bs=4k oflag=direct
check 'READ gives back what was written' sh -c 'dd if="$1" bs=4k count=1 iflag=direct | cmp - /tmp/4k' - "$d"
head -c 512 /tmp/4k >/tmp/old
head -c 512 /dev/urandom >/tmp/new
cat /tmp/old /tmp/new >/tmp/pair
check 'COMPARE AND WRITE writes where it is equal' sg_compare_and_write --in=/tmp/pair --lba=0 --num=1 --xferlen=1024 "$d"
# 14 is what sg3-utils call MISCOMPARE.
check 'COMPARE AND WRITE refuses where it is not' fails 14 sg_compare_and_write --in=/tmp/pair --lba=0 --num=1 --xferlen=1024 "$d"
check 'WRITE SAME' sg_write_same --16 --in=/tmp/new --lba=0 --num=64 --xferlen=512 "$d"
check 'UNMAP' sg_unmap --lba=0 --num=2048 --force "$d"
check 'GET LBA STATUS' says 'deallocated' sg_get_lba_status --lba=0 "$d"
check 'unmapped blocks read as zeros' sh -c 'dd if="$1" bs=4k count=1 iflag=direct | cmp - /dev/zero -n 4096' - "$d"

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
