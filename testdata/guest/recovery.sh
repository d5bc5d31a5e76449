# Two daemons, each in the hands of an account that is not root: main has the units, on zvols, and dr
# the replicas. Jobs run between them, DR tests are shown, dr takes over and gives back, and either is
# killed in the middle of it. /out/lunar is the program. The account may do what docs/replicate.md says.
. /out/check.sh
mkdir -p /tmp /files /main /dr
cp /out/lunar /tmp/lunar
pool() {
	modprobe zfs && truncate -s 1G /var/pool && zpool create tank /var/pool && zfs create tank/vms && zfs create tank/replicas
}
check 'pool' pool
account() {
	useradd -m -d /var/lib/lunar lunar &&
		zfs allow -u lunar bookmark,destroy,hold,mount,release,send,snapshot tank/vms &&
		zfs allow -u lunar bookmark,create,destroy,hold,mount,receive,release,rename,send,snapshot tank/replicas &&
		zfs allow -u lunar clone,create,destroy,mount,promote,rollback,userprop tank/replicas || return 1
	for volumes in tank/vms tank/replicas; do
		echo "KERNEL==\"zd*\", SUBSYSTEM==\"block\", PROGRAM=\"/lib/udev/zvol_id \$devnode\", RESULT==\"$volumes/*\", GROUP=\"lunar\""
	done >/etc/udev/rules.d/70-lunar.rules
	udevadm control --reload
}
check 'account' account
volumes() {
	zfs create -s -V 64M tank/vms/a && zfs create -s -V 16M -o volblocksize=16k tank/vms/b &&
		soon 30 test -b /dev/zvol/tank/vms/a && soon 30 test -b /dev/zvol/tank/vms/b
}
check 'volumes' volumes
files() {
	truncate -s 300M /var/xfs && mkfs.xfs -q /var/xfs && modprobe loop && modprobe xfs && mount -o loop /var/xfs /files &&
		mkdir /files/vms /files/replicas && chown lunar /files/vms /files/replicas
}
check 'files' files

MAIN=127.0.0.1:3260 DR=127.0.0.1:3270
IQN=iqn.2026-11.org.example:main TEST=iqn.2026-11.org.example:test
INITIATOR=iqn.2026-11.org.example:host OTHER=iqn.2026-11.org.example:other
A=600144f0000000000000000000000001 B=600144f0000000000000000000000002 C=600144f0000000000000000000000003

# at SITE ARGUMENT...: asks the daemon of a site
at() {
	site=$1
	shift
	setpriv --reuid lunar --regid lunar --init-groups env HOME=/var/lib/lunar LUNAR_API="/var/lib/lunar/$site/lunar.sock" /tmp/lunar "$@" </dev/null
}
main() { at main "$@"; }
dr() { at dr "$@"; }
# serve SITE PORTAL REPLICATION
serve() {
	setpriv --reuid lunar --regid lunar --init-groups env HOME=/var/lib/lunar /tmp/lunar serve \
		--state "/var/lib/lunar/$1" --listen "$2" --replication "$3" >>"/tmp/log-$1" 2>&1 </dev/null &
	echo $! >"/tmp/pid-$1"
	soon 60 at "$1" status >/dev/null 2>&1
}
serve_main() { serve main $MAIN 127.0.0.1:3261; }
serve_dr() { serve dr $DR 127.0.0.1:3271; }
murder() {
	pid=$(cat "/tmp/pid-$1")
	kill -9 "$pid"
	wait "$pid"
	[ $? = 137 ]
}

# from PORTAL COMMAND...: what check.sh has, of that portal
from() {
	PORTAL=$1
	shift
	"$@"
}
# attach PORTAL IQN FOLDER: logs in, and mounts what is at LUN 0
attach() { from "$1" login "$2" && mount "$(from "$1" disk "$2" 0)" "$3"; }
# detach PORTAL IQN FOLDER
detach() { umount "$3" && from "$1" logout "$2"; }
# put FOLDER NAME KIB: a file, which is on the disk
put() { dd if=/dev/urandom of="$1/$2" bs=1k count="$3" conv=fsync; }
# known FOLDER remembers its files; as_known FOLDER: it has those, with the same in them
known() { (cd "$1" && find . -type f ! -name lost -exec sha256sum {} + >/tmp/known); }
as_known() { (cd "$1" && sha256sum -c /tmp/known); }
# snapshots VOLUME: their names
snapshots() { zfs list -H -o name -t snapshot "$1" | sed 's/.*@//'; }
verified() { says 'both have the same' main job verify "$1"; }
sum() { blockdev --flushbufs "$1" && sha256sum <"$1"; }

check 'main' serve_main
check 'dr' serve_dr
units() {
	main lu create /dev/zvol/tank/vms/a --guid $A --alias a --thin && main lu create /dev/zvol/tank/vms/b --guid $B --alias b &&
		main target create -n $IQN && dr target create -n $TEST
}
check 'units' units
check 'initiator' initiator
format() { from $MAIN login $IQN && mkfs.ext4 -q -F "$(from $MAIN disk $IQN 0)" && mount "$(from $MAIN disk $IQN 0)" /main; }
check 'a file system' format
check 'files on it' put /main one 3000

peers() {
	there=$(dr peer id) && main peer add dr --fingerprint "$there" --address 127.0.0.1:3271 --failover --secrets &&
		here=$(main peer id) && dr peer add main --fingerprint "$here" --address 127.0.0.1:3261 --root tank/replicas
}
check 'peers' peers
check 'a job' main job create nightly --volume lu:a --volume lu:$B --to dr --root tank/replicas --keep last=1 --keep-there last=2
check 'it can run' main job check nightly
check 'its first run' says 'sent nightly-.*, all of it' main job run nightly
check 'verified' verified nightly
check 'the configuration went along' says "main/nightly .* $A +tank/replicas/a" dr site list
for file in two three; do
	check "write $file" put /main $file 200
	check "an increment with $file" says "lu:a: sent nightly-[^ ]*, [1-4][0-9]{2}[.0-9]* KiB since nightly-" main job run nightly
done
# kept VOLUME COUNT: the newest of so many snapshots is held, and no other
kept() {
	zfs list -r -t snapshot,bookmark -o name,guid,userrefs "$1"
	[ "$(snapshots "$1" | wc -l)" = "$2" ] && [ "$(zfs list -Hp -o userrefs -t snapshot "$1" | tr '\n' ' ')" = "$3" ]
}
check 'what is kept at the source' kept tank/vms/a 1 '1 '
check 'what is kept of the replica' kept tank/replicas/a 2 '0 1 '
marked() { [ "$(zfs list -Hp -d 1 -o guid -t bookmark tank/vms/a)" = "$(zfs list -Hp -o guid -t snapshot tank/replicas/a | tail -n 1)" ]; }
check 'the bookmark is of what both have' marked
check 'the job is well' says '^nightly +ok ' main job list
check 'why snapshots stay' tells main job explain nightly <<-end
	last=1: 1 +is there
	held by lunar:nightly; the newest that both ends have
	last=2: 2 +is not at the source
	the next run does 0 steps
end

# A test of an older snapshot, with identities of its own.
other() { iscsiadm -m iface -I other -o new && iscsiadm -m iface -I other -o update -n iface.initiatorname -v $OTHER; }
check 'another host' other
older() {
	taken=$(zfs list -Hp -o creation -t snapshot tank/replicas/a | head -n 1)
	dr dr test nightly --host $OTHER --fresh-identity --at "$(date -u -d "@$taken" +%FT%TZ)" --yes
}
before=$(sum /dev/zvol/tank/replicas/a)
check 'test an older snapshot' says 'shows snapshot nightly-' older
# visit FOLDER: the other host logs in to the test
visit() {
	iscsiadm -m node -T $TEST -p $DR -I other -o new && iscsiadm -m node -T $TEST -p $DR -I other --login &&
		soon 20 test -b "$(from $DR disk $TEST 0)" && mount "$(from $DR disk $TEST 0)" /dr
}
leave() { umount /dr && iscsiadm -m node -T $TEST -p $DR --logout && iscsiadm -m node -T $TEST -p $DR -o delete; }
check 'the other host sees it' visit
check 'it is what was then' sh -c 'cmp /main/one /dr/one && cmp /main/two /dr/two && [ ! -e /dr/three ]'
identity() { sg_vpd -p di "$(from "$1" disk "$2" 0)" | grep -q "0x$3" && [ "$(sg_vpd -p sn "$(from "$1" disk "$2" 0)" | tail -n 1)" = "  Unit serial number: $3" ]; }
check 'it is another disk' fails 1 identity $DR $TEST $A
check 'write to it' put /dr mine 2000
check 'not while a host uses it' fails 1 dr dr end nightly --yes
check 'the other host leaves' leave
check 'the test ends' dr dr end nightly --yes
check 'nothing is left of it' sh -c '! zfs list -H -o name -r tank | grep clone'
unchanged() { [ "$(sum /dev/zvol/tank/replicas/a)" = "$before" ]; }
check 'the replica is as it was' unchanged

# A test of the newest as the original; dr is killed while that is in use and a job runs.
check 'test the newest' says "$A +0 +online" dr dr test nightly --host $OTHER --yes
check 'the other host sees the original' visit
check 'by its identity' identity $DR $TEST $A
check 'all files' diff -r /main /dr
check 'write to that' put /dr mine 1000
check 'the replica is as it was, again' unchanged
check 'write much' put /main much 14000
check 'not so fast' main job modify nightly --limit 1M
used=$(zfs list -Hp -o used tank/replicas/a)
# arrives KIB: so much more than before is used there
arrives() {
	soon 120 sh -c "[ \"\$(zfs list -Hp -o used tank/replicas/a)\" -gt $((used + $1 * 1024)) ]" || { main job show nightly; zfs list -t all -o name,used; false; }
}
main job run nightly >/tmp/run 2>&1 &
run=$!
check 'some of it has come' arrives 1000
check 'dr is killed' murder dr
check 'dr again' serve_dr
check 'the test is there' says '^nightly +test +ready' dr dr list
check 'the other host goes on' put /dr mine 500
check 'more of it has come' arrives 5000
check 'main is killed' murder main
wait $run
check 'main again' serve_main
check 'the host goes on' put /main more 100
check 'by the clock, as fast as it goes' main job modify nightly --limit '' --schedule '* * * * *'
check 'the other host leaves again' leave
check 'the test of the newest ends' dr dr end nightly --yes
check 'nothing is left of that' sh -c '! zfs list -H -o name -r tank | grep clone'
ran() { main job history nightly | grep -E ' schedule .* ok$'; }
check 'a run goes on with it' soon 150 ran
main job history nightly | tee /tmp/history
check 'not by the clock' main job modify nightly --schedule '@yearly'
check 'which sent the rest alone' awk '/ schedule / {exit !($8 == "MiB" && $7 < 12)}' /tmp/history
check 'verified after that' verified nightly

# dr takes over, and gives back.
check 'write the last' put /main last 100
known /main
check 'the host leaves' detach $MAIN $IQN /main
check 'what a failover does' tells dr dr failover nightly --dry-run <<-end
	at main: retire unit $A, which is online
	at main: run job nightly once more
	receive nothing more into tank/replicas/a
	create unit $B
	create target $IQN
	at main, for a failback later: account lunar lacks the permissions create, receive
end
check 'a failover' says "^$A +0 +online" dr dr failover nightly --yes
check 'main has retired its units' says "^$A +0 .* retired" main lu list
check 'no job runs' fails 1 main job run nightly
check 'the host comes to dr' attach $DR $IQN /main
check 'to the same disk' identity $DR $IQN $A
check 'with the last' as_known /main
check 'write there' put /main there 300
known /main
check 'the host leaves dr' detach $DR $IQN /main
check 'a failback is not allowed yet' fails 1 dr dr failback nightly --dry-run
check 'an administrator allows it' zfs allow -u lunar create,receive tank/vms
failback() {
	dr dr failback nightly --yes "$@" >/tmp/failback 2>&1
	status=$?
	cat /tmp/failback
	return $status
}
check 'a failback' failback
back() { awk '/^sent .* bytes$/ {n += $(NF - 1)} END {print n}' /tmp/failback; }
note "the failback sent $(back) bytes"
check 'which sends what has changed' sh -c "[ $(back) -gt 300000 ] && [ $(back) -lt 900000 ]"
check 'the host comes home' attach $MAIN $IQN /main
check 'to what was written' as_known /main
check 'the job goes on' says 'lu:a: (sent nightly-[^ ]*, .* since|nothing to send)' main job run nightly
check 'nothing of the failback stays' kept tank/vms/a 1 '1 '
check 'verified after the failback' verified nightly
check 'no failover is left' says '^no DR tests' dr dr list

# main is lost, and comes back.
check 'write what dr has' put /main again 100
check 'a run with it' main job run nightly
check 'write what dr has not' put /main lost 100
known /main
check 'the host leaves once more' detach $MAIN $IQN /main
check 'main is lost' murder main
check 'not without a word' fails 1 dr dr failover nightly --yes
check 'a failover without main' says "^$A +0 +online" dr dr failover nightly --no-source --yes
check 'the host comes to dr again' attach $DR $IQN /main
check 'to the same disk again' identity $DR $IQN $A
check 'with what dr had' as_known /main
check 'write there again' put /main without 300
known /main
check 'the host leaves dr again' detach $DR $IQN /main
check 'main is back' serve_main
check 'main has a snapshot of its own' main lu snapshot a mine
check 'which is told' says 'at main: give up snapshot mine of' dr dr failback nightly --dry-run
check 'not without a word, either' fails 1 failback
check 'the failback' failback --force
check 'the host is home' attach $MAIN $IQN /main
check 'to what was written meanwhile' as_known /main
check 'without what was lost' test ! -e /main/lost
check 'the job goes on again' main job run nightly
check 'verified in the end' verified nightly
check 'nothing of its own stays' sh -c '! zfs list -H -o name -t snapshot -r tank | grep mine'

# From zvols to files, and from files to zvols.
across() {
	dr peer modify main --root tank/replicas --root /files/replicas &&
		main lu create /files/vms/c.img --size 16M --thin --guid $C --alias c &&
		main job create down --volume lu:a=a.img --to dr --root /files/replicas &&
		main job create up --volume lu:c=c --to dr --root tank/replicas
}
check 'jobs to another kind of volume' across
c() { dd if=/dev/urandom of="$(from $MAIN disk $IQN 2)" bs=1k count="$1" seek="$2" conv=fsync; }
rescan() { iscsiadm -m session --rescan && soon 20 test -b "$(from $MAIN disk $IQN 2)"; }
check 'the new unit is seen' rescan
check 'write to it' c 900 100
check 'a zvol to a file' says 'all of it' main job run down
check 'a file to a zvol' says 'all of it' main job run up
check 'write to the zvol' put /main down 200
check 'write to the file' c 100 500
check 'what changed of the zvol' says 'sent down-[^ ]*, [1-5][0-9]{2}[.0-9]* KiB since down-' main job run down
check 'what changed of the file' says 'sent up-[^ ]*, [1-2][0-9]{2}[.0-9]* KiB since up-' main job run up
check 'the file has it' verified down
check 'the zvol has it' verified up
check 'the host leaves in the end' detach $MAIN $IQN /main

check 'a scrub finds nothing' sh -c 'zpool scrub -w tank && zpool status -x tank | grep -E "healthy"'
for site in main dr; do
	kill "$(cat /tmp/pid-$site)"
	check "$site ends" wait "$(cat /tmp/pid-$site)"
	cat /tmp/log-$site
done
