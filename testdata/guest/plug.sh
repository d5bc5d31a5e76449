# The target's plug is pulled under load and put back: the initiator recovers by itself, and
# every block that fio wrote is right. LUN 0 has its write cache off, LUN 1 on.
. /out/check.sh
check initiator initiator
check login login "$IQN"
check 'both disks' soon 20 test -b "$(disk "$IQN" 1)"
check 'mkfs.ext4, write cache off' mkfs.ext4 -q -F "$(disk "$IQN" 0)"
check 'mkfs.xfs, write cache on' mkfs.xfs -q -f "$(disk "$IQN" 1)"
mkdir -p /mnt/0 /mnt/1
mount "$(disk "$IQN" 0)" /mnt/0
mount "$(disk "$IQN" 1)" /mnt/1

# load DIR: writes for a quarter of a minute, then reads all of it and checks each block
load() {
	fio --name=load --directory="$1" --size=32m --rw=randwrite --bs=4k --iodepth=16 --ioengine=libaio --direct=1 \
		--rate_iops=500 --verify=crc32c --do_verify=1 --verify_fatal=1
}
load /mnt/0 >/tmp/load0 2>&1 &
load0=$!
load /mnt/1 >/tmp/load1 2>&1 &
load1=$!

# verified N PID: the load on /mnt/N ended, and found every block as it wrote it
verified() {
	wait "$2"
	status=$?
	cat "/tmp/load$1"
	return $status
}

# writes DEVICE: the disk finishes writes right now
written() { awk '{print $7}' "/sys/block/$(basename "$(readlink -f "$1")")/stat"; }
writes() { before=$(written "$1"); sleep 0.5; [ "$(written "$1")" -gt "$before" ]; }

check 'the first disk is written to' soon 60 writes "$(disk "$IQN" 0)"
check 'the second disk is written to' soon 60 writes "$(disk "$IQN" 1)"
ask pull
check 'the load waits' kill -0 $load0 $load1
ask plug
start=$(date +%s)
check 'the first disk writes again within 10 s' soon 10 writes "$(disk "$IQN" 0)"
check 'the second disk writes again within 10 s' soon 10 writes "$(disk "$IQN" 1)"
note "recovered after $(($(date +%s) - start)) s"
check 'every block is right, write cache off' verified 0 $load0
check 'every block is right, write cache on' verified 1 $load1
check 'umount both' umount /mnt/0 /mnt/1
check 'e2fsck finds nothing' e2fsck -fn "$(disk "$IQN" 0)"
check 'xfs_repair finds nothing' xfs_repair -n "$(disk "$IQN" 1)"
check logout logout "$IQN"
