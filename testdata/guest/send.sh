# lunar send and lunar receive between two datasets, over TLS, in the hands of an account that is not
# root; either is killed in the middle. /out/lunar is the program.
. /out/check.sh
mkdir -p /tmp
cp /out/lunar /tmp/lunar
pool() {
	modprobe zfs && truncate -s 1G /var/pool && zpool create tank /var/pool && zfs create tank/here && zfs create tank/there &&
		zfs create -s -V 64M -o volblocksize=16k tank/here/v && zpool list
}
check 'pool' pool
account() {
	useradd -m -d /var/lib/lunar lunar && usermod -aG disk lunar &&
		zfs allow -u lunar bookmark,destroy,hold,mount,release,send,snapshot tank/here &&
		zfs allow -u lunar bookmark,create,destroy,hold,mount,receive,release,rename,send,snapshot tank/there
}
check 'account' account
as() { setpriv --reuid lunar --regid lunar --init-groups env HOME=/var/lib/lunar "$@"; }
key() { as /tmp/lunar key show --key "/var/lib/lunar/$1"; }
here=$(key here) there=$(key there) other=$(key other)

# receiver: starts lunar receive
receiver() {
	as /tmp/lunar receive --listen 127.0.0.1:3261 --key /var/lib/lunar/there --allow "$here" --root tank/there --append-only >>/tmp/receiver 2>&1 </dev/null &
	soon 60 sh -c 'ss -ltn | grep -q 127.0.0.1:3261'
}
# send ARGUMENT...: the source to its replica
send() {
	as timeout 300 /tmp/lunar send tank/here/v lunar://127.0.0.1/tank/there/v --key /var/lib/lunar/here --fingerprint "$there" --patience 20s "$@" </dev/null
}
# scribble SEEK COUNT: writes mebibytes
scribble() { dd if=/dev/urandom of=/dev/zvol/tank/here/v bs=1M seek="$1" count="$2" conv=fsync; }
# same SNAPSHOT: both have it, and the same in it
same() {
	[ "$(zfs get -Hp -o value guid "tank/here/v@$1")" = "$(zfs get -Hp -o value guid "tank/there/v@$1")" ] || return 1
	soon 30 test -b /dev/zvol/tank/there/v || return 1
	blockdev --flushbufs /dev/zvol/tank/there/v
	cmp /dev/zvol/tank/here/v /dev/zvol/tank/there/v
}
check 'write' scribble 0 4
check 'receiver' receiver
check 'send' send --take one
check 'the same' same one
check 'write more' scribble 2 4
check 'send what changed' send --take two
check 'the same again' same two
check 'nothing to send' send

stranger() {
	as timeout 60 /tmp/lunar send tank/here/v lunar://127.0.0.1/tank/there/w --key /var/lib/lunar/other --fingerprint "$there" --patience 1s --retries 0 </dev/null
}
check 'a key that is not known' fails 1 stranger
wrong() {
	as timeout 60 /tmp/lunar send tank/here/v lunar://127.0.0.1/tank/there/w --key /var/lib/lunar/here --fingerprint "$other" --patience 1s --retries 0 </dev/null
}
check 'another machine' fails 1 wrong
check 'nothing came of that' sh -c '! zfs list tank/there/w'

# Each is killed while a stream is under way, which a limit makes last. What is used is counted when
# ZFS has written it down, which it does every five seconds otherwise.
check 'count often' sh -c 'echo 1 >/sys/module/zfs/parameters/zfs_txg_timeout'
check 'write much' scribble 8 24
# arrives BYTES: so many are used there
arrives() { soon 120 sh -c "[ \"\$(zfs list -Hp -o used tank/there)\" -gt $1 ]" || { cat /tmp/sender /tmp/receiver; zfs list -t all -o name,used; false; }; }
send --take three --limit 1M >/tmp/sender 2>&1 &
check 'some of it has come' arrives 14000000
check 'the sender is killed' pkill -9 -f '^/tmp/lunar send'
check 'nothing of it shows' fails 1 zfs list tank/there/v@three
send --limit 1M >/tmp/sender 2>&1 &
check 'more of it has come' arrives 22000000
check 'the receiver is killed' pkill -9 -f '^/tmp/lunar receive'
wait
check 'still nothing of it shows' fails 1 zfs list tank/there/v@three
check 'a receiver again' receiver
check 'there is a rest' says resume send --dry-run
check 'send the rest' send
check 'the same in the end' same three
cat /tmp/sender /tmp/receiver
check 'a scrub finds nothing' sh -c 'zpool scrub -w tank && zpool status -x tank | grep -E "healthy"'
pkill -f "^/tmp/lunar receive"
wait
