# Sourced by the scripts that run in the guest. The host leaves what a script must know in
# /out/env, and reads from /out/results "pass NAME", "FAIL NAME" and "note TEXT"; the output of a failed check
# is in the console.
. /out/env
: >/out/results

# check NAME COMMAND...: one verdict
check() {
	name=$1
	shift
	if "$@" >/tmp/log 2>&1; then
		echo "pass $name" >>/out/results
		echo "pass $name"
	else
		echo "FAIL $name" >>/out/results
		echo "FAIL $name: $*"
		cat /tmp/log
		dmesg | tail -n 20
	fi
}

# note TEXT: something to tell beside the verdicts
note() { echo "note $*" | tee -a /out/results; }

# fails STATUS COMMAND...: the command has to fail, with this exit status and no other
fails() {
	want=$1
	shift
	"$@"
	status=$?
	echo "exit status $status, want $want"
	[ $status = "$want" ]
}

# says PATTERN COMMAND...: the command succeeds, and its output has the pattern
says() {
	pattern=$1
	shift
	"$@" >/tmp/says 2>&1
	status=$?
	cat /tmp/says
	[ $status = 0 ] && grep -Eq "$pattern" /tmp/says
}

# tells COMMAND...: the command succeeds, and its output has every pattern that is read, a line each
tells() {
	"$@" >/tmp/told 2>&1 </dev/null
	status=$?
	cat /tmp/told
	[ $status = 0 ] || return 1
	while read -r pattern; do
		grep -Eq -- "$pattern" /tmp/told || { echo "it does not tell $pattern"; return 1; }
	done
}

# ask NAME: the host does something, and this returns when it is done
ask() {
	touch "/out/ask-$1"
	until [ -e "/out/done-$1" ]; do sleep 0.1; done
}

# soon SECONDS COMMAND...: the command succeeds within so many seconds
soon() {
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $end ] || return 1
		sleep 0.2
	done
}

# disk IQN LUN: the path of a unit's disk
disk() { echo "/dev/disk/by-path/ip-$PORTAL-iscsi-$1-lun-$2"; }

# login IQN [NAME VALUE]...: logs in with settings of the node's record
login() {
	iqn=$1
	shift
	# Discovery has made a record already; a second one would be a second session.
	iscsiadm -m node -T "$iqn" -p "$PORTAL" || iscsiadm -m node -T "$iqn" -p "$PORTAL" -o new || return 1
	while [ $# -gt 0 ]; do
		iscsiadm -m node -T "$iqn" -p "$PORTAL" -o update -n "$1" -v "$2" || return 1
		shift 2
	done
	iscsiadm -m node -T "$iqn" -p "$PORTAL" --login && soon 20 test -b "$(disk "$iqn" 0)"
}

logout() { iscsiadm -m node -T "$1" -p "$PORTAL" --logout; }

# initiator: starts the kernel's initiator under the name that the host knows
initiator() {
	echo "InitiatorName=$INITIATOR" >/etc/iscsi/initiatorname.iscsi
	modprobe iscsi_tcp && iscsid && soon 10 iscsiadm -m iface
}
