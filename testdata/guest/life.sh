# Units come and go under Linux: offline for a while, retired, back, and nothing at LUN 0.
. /out/check.sh
check initiator initiator
check login login "$IQN"
check 'both disks' soon 20 test -b "$(disk "$IQN" 1)"
d=$(readlink -f "$(disk "$IQN" 0)")
e=$(readlink -f "$(disk "$IQN" 1)")
rescan() { iscsiadm -m session --rescan; }
read_() { dd if="$1" of=/dev/null bs=4k count=1 iflag=direct; }

# For maintenance: I/O waits, and goes on.
ask maintenance
check 'becoming ready' says 'becoming ready|not ready' sh -c 'sg_turs -v "$1" 2>&1; true' - "$d"
(sleep 3; ask online) &
check 'a write waits for the unit to be back' dd if=/dev/zero of="$d" bs=4k count=1 oflag=direct
wait

# In use: refused, and said by whom.
check 'I/O' read_ "$d"
ask refused
check 'the operator was refused' says 'in use by session [0-9]+ of' cat /out/refusal

# Retired: gone for good as long as it lasts; the other disk is told and goes on.
sg_turs "$e"
ask retire
check 'LOGICAL UNIT NOT SUPPORTED' says 'ogical unit not supported' sh -c 'sg_turs -v "$1" 2>&1; true' - "$d"
check 'INQUIRY tells that there is no disk' says 'PQual=3' sg_inq "$d"
check 'reads fail' fails 1 read_ "$d"
check 'the other disk goes on' read_ "$e"
check 'it was told of the change' says 'REPORTED LUNS|LUN assignments|luns data' dmesg
check 'REPORT LUNS has one' says 'Lun list length = 8 ' sg_luns "$e"
check logout logout "$IQN"

# A target with nothing at LUN 0.
check 'a login finds LUN 1' sh -c 'iscsiadm -m node -T "$1" -p "$2" --login' - "$IQN" "$PORTAL"
check 'the disk at LUN 1' soon 20 test -b "$(disk "$IQN" 1)"
check 'and none at LUN 0' sh -c '! test -b "$1"' - "$(disk "$IQN" 0)"
ask back
check rescan rescan
check 'the retired disk is back' soon 20 test -b "$(disk "$IQN" 0)"
check 'and can be read' read_ "$(disk "$IQN" 0)"
check logout logout "$IQN"
