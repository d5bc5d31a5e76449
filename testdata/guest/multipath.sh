# One disk by two portals under dm-multipath: it is one device, the better path is used, and when
# that is lost, I/O goes on by the other until it is back.
. /out/check.sh
check initiator initiator
modprobe dm_multipath
cat >/etc/multipath.conf <<-end
	defaults {
		user_friendly_names no
		find_multipaths no
		polling_interval 2
		no_path_retry queue
		failback immediate
	}
end
second() { (PORTAL=$PORTAL2 && "$@"); }
# A path is given up after so many seconds.
gives_up="node.session.timeo.replacement_timeout 5"
check 'login by the first portal' login "$IQN" $gives_up
check 'login by the second portal' second login "$IQN" $gives_up
a=$(basename "$(readlink -f "$(disk "$IQN" 0)")")
b=$(basename "$(readlink -f "$(second disk "$IQN" 0)")")
check multipathd multipathd
map=/dev/mapper/3$(sg_vpd -p sn "/dev/$a" | grep -o '[0-9a-f]\{32\}')
check 'one device' soon 30 test -b "$map"
dm=$(basename "$(readlink -f "$map")")

# paths: what multipath knows, on one line
paths() { multipath -ll "$map" | tr -s '\n ' ' '; }

check 'two paths with the priorities of their access states' soon 20 says \
	"LUNAR,LUN .*hwhandler='1 alua'.*prio=50 status=active .* $a .* active ready running.*prio=10 status=enabled .* $b .* active ready running" paths
check 'there is no third' test "$(paths | grep -o 'ready running' | wc -l)" = 2

# written DEVICE: how many writes have ended
written() { awk '{print $5}' "/sys/block/$1/stat"; }
# writes DEVICE: one ends right now
writes() { before=$(written "$1"); sleep 0.5; [ "$(written "$1")" -gt "$before" ]; }

check 'mkfs.ext4' mkfs.ext4 -q -F "$map"
check 'mount' mount -t ext4 "$map" /mnt
dmesg -C
fio --name=load --directory=/mnt --size=24m --rw=randwrite --bs=4k --iodepth=8 --ioengine=libaio --direct=1 \
	--rate_iops=120 --verify=crc32c --do_verify=1 --verify_fatal=1 >/tmp/fio 2>&1 &
fio=$!
check 'writes go by the first path' soon 20 writes "$a"

ask lose
start=$(date +%s)
check 'I/O goes on by the second path' soon 40 writes "$b"
note "by the other path after $(($(date +%s) - start)) s"
check 'the first path has failed' soon 30 says " $a .* (failed|faulty).* $b .* active ready running" paths
check 'the load was there all the time' kill -0 $fio

ask back
check 'the first path is back' soon 60 says "prio=50 status=active .* $a .* active ready running.*prio=10 status=enabled .* $b .* active ready running" paths
check 'writes go by it again' soon 20 writes "$a"
check 'fio has written and verified every block' wait $fio
cat /tmp/fio
check 'no error of the device or the file system' sh -c '! dmesg | grep -E "EXT4-fs (error|warning)|Buffer I/O error on dev dm|I/O error, dev dm"'
check umount umount /mnt
check 'e2fsck finds nothing' e2fsck -fn "$map"
check 'the device goes' multipath -f "$map"
check 'logout by the second portal' second logout "$IQN"
check 'logout by the first portal' logout "$IQN"
