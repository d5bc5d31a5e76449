# Streams in the hands of OpenZFS: what the host generates is received, and what OpenZFS sends of
# it goes back. /out/streams has a line for each: volume, snapshot, the snapshot before or -,
# size, SHA-256, and how to send it back.
. /out/check.sh
mkdir -p /tmp
pool() {
	modprobe zfs && truncate -s 1G /var/pool && zpool create tank /var/pool && zpool list
}
check 'pool' pool
note "$(zfs version | tr '\n' ' ')"

# node VOLUME: the path of its device, once it is there
node() {
	soon 30 test -b "/dev/zvol/tank/$1" && readlink -f "/dev/zvol/tank/$1"
}

# has VOLUME SIZE SHA256: the volume has that size and these bytes
has() {
	d=$(node "$1") || return 1
	soon 30 test "$(zfs get -Hpo value volsize "tank/$1")" = "$2" || return 1
	soon 30 sh -c 'test "$(blockdev --getsize64 "$1")" = "$2"' - "$d" "$2" || return 1
	blockdev --flushbufs "$d"
	got=$(sha256sum <"$d")
	echo "size $(blockdev --getsize64 "$d"), want $2; SHA-256 ${got%% *}, want $3"
	[ "${got%% *}" = "$3" ]
}

# receive FILE VOLUME
receive() { zfs receive -v "tank/$2" <"/out/$1"; }

# back VOLUME SNAPSHOT BEFORE OPTIONS: sends it to the host
back() {
	if [ "$3" = - ]; then
		zfs send $4 "tank/$1@$2" >"/out/$1-$2.back"
	else
		zfs send $4 -i "@$3" "tank/$1@$2" >"/out/$1-$2.back"
	fi
}

while read -r volume snapshot before size sum options; do
	[ "$options" = none ] && options=
	check "receive $volume@$snapshot" receive "$volume-$snapshot.zs" "$volume"
	check "bytes of $volume@$snapshot" has "$volume" "$size" "$sum"
	check "send $volume@$snapshot back" back "$volume" "$snapshot" "$before" "$options"
done </out/streams
# A stream is cut on its way, zfs receive keeps what has come, and the host makes the rest.
# /out/cuts has a line for each: volume, snapshot, size, SHA-256, how many bytes come.
cut() {
	head -c "$3" "/out/$1-$2.zs" | zfs receive -s "tank/$1-cut" && return 1
	zfs get -Ho value receive_resume_token "tank/$1-cut" | tee /out/token
	grep ^1- /out/token
}
while read -r volume snapshot size sum came; do
	check "cut $volume@$snapshot" cut "$volume" "$snapshot" "$came"
	ask "rest-$volume-$snapshot"
	check "receive the rest of $volume@$snapshot" receive "$volume-$snapshot.rest" "$volume-cut"
	check "bytes of $volume@$snapshot, which was cut" has "$volume-cut" "$size" "$sum"
done </out/cuts

check 'the pool lists its snapshots' zfs list -t all -o name,guid,used,refer,volsize
ask back

# What OpenZFS makes of a volume that was received goes to the host, and comes back changed.
write() {
	dd if=/dev/urandom of="$(node plain)" bs=64k count=3 seek=5 conv=fsync && zfs snapshot tank/plain@ours && back plain ours "$LAST" ''
}
check 'write to the volume, and send that' write
ask failback
check 'receive what goes on from there' receive failback.zs plain
check 'bytes of the failback' has plain $(cat /out/failback)
check 'a scrub finds nothing' sh -c 'zpool scrub -w tank && zpool status -x tank | grep -E "healthy"'
