# Volumes that OpenZFS keeps, in the hands of an account that is not root. /out/volumes.test has the
# tests.
. /out/check.sh
mkdir -p /tmp /files
cp /out/volumes.test /tmp/volumes.test
pool() {
	modprobe zfs && truncate -s 1G /var/pool && zpool create tank /var/pool && zfs create tank/replicas && zfs create -o quota=3M tank/replicas/small && zpool list
}
check 'pool' pool
note "$(zfs version | tr '\n' ' ')"

# The account opens what is in /dev/zvol as a member of the group that owns it.
account() { useradd -m lunar && usermod -aG disk lunar; }
check 'account' account
files() { truncate -s 300M /var/xfs && mkfs.xfs -q /var/xfs && modprobe loop && modprobe xfs && mount -o loop /var/xfs /files && chown lunar /files; }
check 'file system' files

# suite TEST ARGUMENT...: runs a test as the account; each of its parts is a check
suite() {
	test=$1
	shift
	(cd /tmp && setpriv --reuid lunar --regid lunar --init-groups ./volumes.test -test.v -test.run "^$test\$" -within tank/replicas -folder /files "$@") >/tmp/suite 2>&1
	status=$?
	grep -E '^ *--- (PASS|FAIL|SKIP): ' /tmp/suite | while read -r _ verdict name _; do
		case $verdict in
		PASS:) check "$name" true ;;
		SKIP:) note "$name is left out" ;;
		*) check "$name" false ;; # what it said comes below
		esac
	done
	check "$test ends well" sh -c "tail -n 100 /tmp/suite; exit $status"
}
suite TestDelegation -grants /tmp/grants
check 'an administrator allows it' sh -ex /tmp/grants
suite TestDelegation
suite TestContract
suite TestMatrix
suite TestPackage
suite TestPromoted
suite TestFull -small tank/replicas/small
suite TestKilled
check 'nothing is left' sh -c 'zfs list -H -o name -r tank/replicas; [ "$(zfs list -H -o name -r tank/replicas | wc -l)" = 2 ]'
check 'a scrub finds nothing' sh -c 'zpool scrub -w tank && zpool status -x tank | grep -E "healthy"'
