# Two paths to one disk, through portal groups of two target port groups: what the kernel and
# sg3-utils make of their states, as the host and then the initiator change them.
. /out/check.sh
check initiator initiator
modprobe scsi_dh_alua

# second COMMAND...: the command, by the second portal
second() { (PORTAL=$PORTAL2 && "$@"); }

# rtpg DISK: REPORT TARGET PORT GROUPS, on one line
rtpg() { sg_rtpg --decode "$1" | tr -s '\n ' ' '; }

# state DISK: what the kernel takes the path for
state() { cat "/sys/block/$(basename "$(readlink -f "$1")")/device/access_state"; }

# reads DISK: a block comes from the medium
reads() { dd if="$1" of=/dev/null bs=4096 count=1 iflag=direct; }

check 'login by the first portal' login "$IQN"
check 'login by the second portal' second login "$IQN"
a=$(disk "$IQN" 0)
b=$(second disk "$IQN" 0)

check 'TPGS says implicit' says 'TPGS=1' sg_inq "$a"
check 'VPD 83h of the first path' says 'Target port group: 0x1$' sg_vpd -p di "$a"
check 'VPD 83h of the second path' says 'Target port group: 0x2$' sg_vpd -p di "$b"
check 'both paths have one name' test "$(sg_vpd -p di_lu "$a" | grep -o '0x6[0-9a-f]*')" = "$(sg_vpd -p di_lu "$b" | grep -o '0x6[0-9a-f]*')"
both='group id : 0x1 .*\(active/optimized\).*group id : 0x2 .*\(active/non optimized\)'
check 'sg_rtpg by the first path' says "$both" rtpg "$a"
check 'sg_rtpg by the second path' says "$both" rtpg "$b"
check 'sg_rtpg, extended header' sg_rtpg --extended --decode "$a"
check 'the kernel knows the first' soon 10 says '^active/optimized$' state "$a"
check 'the kernel knows the second' soon 10 says '^active/non-optimized$' state "$b"

ask standby
check 'TEST UNIT READY in standby' soon 10 sg_turs "$a"
check 'READ CAPACITY in standby' sg_readcap --long "$a"
check 'the kernel hears of standby' soon 20 says '^standby$' state "$a"
check 'no read in standby' fails 1 reads "$a"
check 'the other path reads' reads "$b"
check 'SET TARGET PORT GROUPS without leave' says 'Invalid opcode' sg_stpg --optimized --tp=1 "$b"

ask explicit
soon 10 sg_turs "$b"
check 'TPGS says explicit' says 'TPGS=3' sg_inq "$b"
check 'SET TARGET PORT GROUPS' sg_stpg --optimized --tp=1 "$b"
check 'the state is changed' says 'group id : 0x1 .*\(active/optimized\)' rtpg "$b"
# The kernel sends no reads to a standby path; a path checker does what sg_turs does here.
soon 10 sg_turs "$a"
check 'the kernel hears of it' soon 20 says '^active/optimized$' state "$a"
check 'the first path reads again' reads "$a"
check 'logout by the second portal' second logout "$IQN"
check 'logout by the first portal' logout "$IQN"
