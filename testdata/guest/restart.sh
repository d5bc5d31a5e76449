# The daemon is stopped and started again under load, in order and by kill -9: I/O waits for a
# moment, and neither the file system nor fio hears anything of it.
. /out/check.sh
check initiator initiator
check login login "$IQN"
d=$(readlink -f "$(disk "$IQN" 0)")
check 'mkfs.ext4' mkfs.ext4 -q -F "$d"
mount -t ext4 "$d" /mnt

# load: writes for most of a minute, notes when each write ended, then reads and checks each block
load() {
	fio --name=load --directory=/mnt --size=24m --rw=randwrite --bs=4k --iodepth=8 --ioengine=libaio --direct=1 \
		--rate_iops=120 --write_lat_log=/tmp/load --verify=crc32c --do_verify=1 --verify_fatal=1
}

# gaps: the waits of more than half a second between two ends of writes, in ms
gaps() {
	awk -F, '$3 ~ /1/ {if (NR > 1 && $1 - last > 500) printf "%d ", $1 - last; last = $1}' /tmp/load_clat.1.log
}

# survives HOW TIMES MS: the load goes on while the host restarts the daemon by ask HOW-N, and
# never waits for as long as MS
survives() {
	dmesg -C
	rm -f /tmp/load_*
	load >/tmp/fio 2>&1 &
	fio=$!
	for n in $(seq "$2"); do
		sleep 7
		ask "$1-$n"
	done
	check "$1: the load was there all the time" kill -0 $fio
	check "$1: fio has written and verified every block" wait $fio
	cat /tmp/fio
	note "$1: I/O waited for $(gaps)ms"
	check "$1: no wait of $3 ms" sh -c 'for g in $1; do [ "$g" -lt "$2" ] || exit 1; done' - "$(gaps)" "$3"
	check "$1: there were waits" test -n "$(gaps)"
	check "$1: no error of the disk or the file system" sh -c '! dmesg | grep -E "I/O error|EXT4-fs (error|warning)|Buffer I/O|rejecting I/O|timing out"'
}

survives stop 3 3000
# Nobody told the initiator: it waits for two seconds, and for one more after each refusal. A
# hypervisor waits for ten before it calls the path lost.
survives kill 3 7000

# The same with the listening sockets kept open, as systemd does: nobody is refused meanwhile.
ask keep
check 'the session is back, with sockets kept' soon 15 sg_turs -n 3 "$d"
survives kept 3 3000

# A unit attention that was pending when the daemon stopped arrives when it is back.
sg_turs "$d"
dmesg -C
ask grow-and-restart
check 'the session is back' soon 15 sg_turs -n 3 "$d"
check 'the capacity has changed, Linux has heard' soon 5 sh -c 'dmesg | grep -i "capacity data has changed"'
dmesg | grep -E 'Power-on|capacity' | tail -n 5
check 'a rescan shows the new size' sh -c 'echo 1 >"/sys/block/${1#/dev/}/device/rescan" && test "$(blockdev --getsize64 "$1")" = "$2"' - "$d" "$NEWSIZE"
check 'ext4 grows while it is mounted' resize2fs "$d"
check 'and has the room' sh -c 'test "$(df -B1 --output=size /mnt | tail -n 1)" -gt $(($1 * 9 / 10))' - "$NEWSIZE"

check 'umount' umount /mnt
check 'e2fsck finds nothing' e2fsck -fn "$d"
check logout logout "$IQN"
