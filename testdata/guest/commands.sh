# What Linux's tools for SCSI make of a disk and of another beside it: each command of sg3-utils,
# and what it prints.
. /out/check.sh
check initiator initiator
check login login "$IQN"
check 'both disks' soon 20 test -b "$(disk "$IQN" 1)"
d=$(readlink -f "$(disk "$IQN" 0)")
e=$(readlink -f "$(disk "$IQN" 1)")
guid=$(sg_vpd -p sn "$d" | grep -o '[0-9a-f]\{32\}')

# same FILE DISK BLOCK: the disk has at this block what the file has
same() { dd if="$2" bs=512 skip="$3" count=$(($(stat -c %s "$1") / 512)) iflag=direct | cmp - "$1"; }

check 'INQUIRY' tells sg_inq "$d" <<-end
	version=0x06
	HiSUP=1  Resp_data_format=2
	TPGS=1  3PC=1  Protect=0
	CmdQue=1
	Vendor identification: LUNAR
	Product identification: LUN
	Product revision level: 0001
	Unit serial number: $guid
end
check 'VPD 00h' tells sg_vpd -p sv "$d" <<-'end'
	\[sv\]
	\[sn\]
	\[di\]
	\[ei\]
	\[tpc\]
	\[bl\]
	\[bdc\]
	\[lbpv\]
end
check 'VPD 80h' says 'Unit serial number: 6[0-9a-f]{31}$' sg_vpd -p sn "$d"
check 'VPD 83h' tells sg_vpd -p di "$d" <<-end
	designator type: NAA,  code set: Binary
	^ +0x$guid\$
	designator type: T10 vendor identification,  code set: ASCII
	vendor specific: $guid
	Relative target port: 0x1\$
	Target port group: 0x1\$
	^ +$IQN,t,0x0001\$
	^ +$IQN\$
end
check 'VPD 83h has NAA first' says '0x6' sh -c 'sg_vpd -p di "$1" | sed -n 4p' - "$d"
check 'VPD 86h' tells sg_vpd -p ei "$d" <<-'end'
	HEADSUP=1 ORDSUP=1 SIMPSUP=1
	V_SUP=1
end
check 'VPD 8Fh' tells sg_vpd -p tpc "$d" <<-'end'
	Extended copy\(LID1\)
	Populate token
	Write using token
	Receive ROD token information
	Maximum segment descriptor count: 64
	CSCD: Identification Descriptor \[0xe4\]
	point in time copy - change vulnerable
	Maximum segment length: 268435456
end
check 'VPD B0h' tells sg_vpd -p bl "$d" <<-'end'
	\(WSNZ\): 1
	Maximum compare and write length: 255 blocks
	Maximum transfer length: 16384 blocks
	Maximum unmap LBA count: 1048576
	Maximum unmap block descriptor count: 256
	Optimal unmap granularity: [1-9]
	Unmap granularity alignment valid: true
	Maximum write same length: 0xf800 blocks
	Maximum atomic transfer length: 256 blocks
end
check 'VPD B1h' tells sg_vpd -p bdc "$d" <<-'end'
	WABEREQ=1
	ZONED=0
end
check 'VPD B2h' tells sg_vpd -p lbpv "$d" <<-'end'
	\(LBPU\): 1
	\(LBPWS\): 1
	\(LBPWS10\): 1
	\(LBPRZ\): 1
	Provisioning type: 2 \(thin provisioned\)
end
check 'REPORT LUNS' tells sg_luns "$d" <<-'end'
	Lun list length = 16
	^ +0000000000000000$
	^ +0001000000000000$
end
check 'READ CAPACITY(16)' tells sg_readcap --long "$d" <<-'end'
	prot_en=0
	lbpme=1, lbprz=1
	Number of logical blocks=262144
	Logical block length=512 bytes
	Device size: 134217728 bytes
end
check 'MODE SENSE' tells sg_modes -a "$d" <<-'end'
	WP=0, DpoFua=1
	Caching
	Control
	Informational exceptions control
end
check 'LOG SENSE' tells sg_logs --page=0xc "$d" <<-'end'
	Available LBA mapping threshold resource count: [1-9]
	Used LBA mapping threshold resource count: [0-9]
end
check 'REPORT SUPPORTED OPERATION CODES' tells sg_opcodes "$d" <<-'end'
	Unmap$
	Write same\(16\)$
	Compare and write$
	Extended copy\(LID1\)$
	Receive copy operating parameters$
	Persistent reserve out, preempt and abort$
	Report target port groups$
	Get LBA status\(16\)$
end
check 'one of them, with its timeouts' tells sg_opcodes --opcode=0x89 --rctd "$d" <<-'end'
	Command is supported \[conforming to SCSI standard\]
	Usage data: 89 18 ff ff ff ff ff ff ff ff 00 00 00 ff 00 04
	recommended timeout: 60 secs
end
check 'one that is not there' says 'Command is NOT supported' sg_opcodes --opcode=0xc0 "$d"
check 'REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS' tells sg_opcodes --tmf "$d" <<-'end'
	Abort task$
	Abort task set$
	Clear task set$
	Logical unit reset$
end
check 'REPORT TARGET PORT GROUPS' tells sg_rtpg --decode "$d" <<-'end'
	target port group id : 0x1
	active/optimized
	target port count : 01
end
check 'TEST UNIT READY' sg_turs "$d"
check 'REQUEST SENSE' sg_requests "$d"

dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null
head -c 512 /tmp/data >/tmp/old
head -c 512 /dev/urandom >/tmp/new
cat /tmp/old /tmp/new >/tmp/pair
check 'WRITE' dd if=/tmp/data of="$d" bs=1M oflag=direct
check 'READ gives back what was written' same /tmp/data "$d" 0
check 'VERIFY' sg_verify --16 --lba=0 --count=8 "$d"
head -c 4096 /tmp/data >/tmp/4k
check 'VERIFY compares' sg_verify --16 --lba=0 --count=8 --ndo=4096 --in=/tmp/4k "$d"
# 14 is what sg3-utils call MISCOMPARE.
check 'VERIFY finds another block' fails 14 sg_verify --16 --lba=8 --count=8 --ndo=4096 --in=/tmp/4k "$d"
check 'SYNCHRONIZE CACHE' sg_sync "$d"

check 'COMPARE AND WRITE writes where it is equal' sg_compare_and_write --in=/tmp/pair --lba=0 --num=1 --xferlen=1024 "$d"
check 'and what it should' same /tmp/new "$d" 0
check 'COMPARE AND WRITE refuses where it is not' fails 14 sg_compare_and_write --in=/tmp/pair --lba=0 --num=1 --xferlen=1024 "$d"
check 'and writes nothing' same /tmp/new "$d" 0

head -c 5120 /dev/zero >/tmp/zeros
for _ in 1 2 3 4 5 6 7 8 9 10; do cat /tmp/new; done >/tmp/ten
check 'WRITE SAME(16)' sg_write_same --16 --in=/tmp/new --lba=100 --num=10 --xferlen=512 "$d"
check 'wrote ten blocks' same /tmp/ten "$d" 100
check 'WRITE SAME(10)' sg_write_same --10 --in=/tmp/new --lba=120 --num=10 --xferlen=512 "$d"
check 'wrote ten blocks too' same /tmp/ten "$d" 120
check 'WRITE SAME(16) with NDOB' sg_write_same --16 --ndob --lba=100 --num=10 "$d"
check 'wrote zeros' same /tmp/zeros "$d" 100

check 'GET LBA STATUS of what was written' says 'LBA: 0x0000000000001000 .* mapped' sg_get_lba_status --lba=4096 "$d"
check 'UNMAP' sg_unmap --lba=4096 --num=2048 --force "$d"
check 'GET LBA STATUS of what was unmapped' says 'LBA: 0x0000000000001000  blocks: +2048 +deallocated' sg_get_lba_status --lba=4096 "$d"
check 'it reads as zeros' same /tmp/zeros "$d" 4096
check 'what was beside it is there' sh -c 'dd if="$1" bs=512 skip=6144 count=2048 iflag=direct | cmp - /tmp/data -i 0:3145728' - "$d"

check 'RECEIVE COPY OPERATING PARAMETERS' tells sg_copy_results --params "$d" <<-'end'
	\(SNLID\): yes
	Maximum target descriptor count: 64
	Maximum segment length: 268435456 bytes
	Target descriptor 0xe4: Identification descriptor
end
check 'EXTENDED COPY within a unit' says '2048 blocks, 1 command' sg_xcopy if="$d" of="$d" skip=6144 seek=65536 count=2048 bpt=2048
check 'copied' sh -c 'dd if="$1" bs=512 skip=65536 count=2048 iflag=direct | cmp - /tmp/data -i 0:3145728' - "$d"
check 'EXTENDED COPY to another unit, whose status is kept' says '2048 blocks, 1 command' \
	sg_xcopy if="$d" of="$e" skip=6144 seek=0 count=2048 bpt=2048 id_usage=hold list_id=7
check 'copied to it' sh -c 'dd if="$1" bs=512 count=2048 iflag=direct | cmp - /tmp/data -i 0:3145728' - "$e"
check 'RECEIVE COPY STATUS' tells sg_copy_results --status --list_id=7 "$e" <<-'end'
	Operation completed without errors
	Segments processed: 1
	Transfer count: 1048576
end

persist() { sg_persist --no-inquiry "$@" "$d"; }
rk=--param-rk=0xabc123
check 'REPORT CAPABILITIES' tells persist --in --report-capabilities <<-'end'
	\(CRH\): 1
	\(SIP_C\): 1
	\(ATP_C\): 1
	\(PTPL_C\): 1
	Write Exclusive, all registrants: 1
	Exclusive Access, all registrants: 1
end
check 'READ KEYS, none' says 'NO registered' persist --in --read-keys
check 'REGISTER' persist --out --register --param-sark=0xabc123 --param-aptpl
check 'READ KEYS, one' says '^ +0xabc123$' persist --in --read-keys
check 'REGISTER with a wrong key' fails 24 persist --out --register --param-rk=0x1 --param-sark=0x2
for type in 1 3 5 6 7 8; do
	check "RESERVE of type $type" persist --out --reserve $rk --prout-type=$type
	check "READ RESERVATION of type $type" says 'Key=0x(abc123|0)$' persist --in --read-reservation
	check "RELEASE of type $type" persist --out --release $rk --prout-type=$type
done
check 'RESERVE' persist --out --reserve $rk --prout-type=5
check 'READ FULL STATUS' tells persist --in --read-full-status <<-end
	Key=0xabc123
	Relative port address: 0x1
	<< Reservation holder >>
	type: Write Exclusive, registrants only
	$INITIATOR,i,0x
end
check 'PREEMPT' persist --out --preempt $rk --param-sark=0xabc123 --prout-type=6
check 'preempted' says 'Exclusive Access, registrants only' persist --in --read-reservation
check 'CLEAR' persist --out --clear $rk
check 'nothing is reserved' says 'NO reservation held' persist --in --read-reservation
check 'nothing is registered' says 'NO registered' persist --in --read-keys

check 'LOGICAL UNIT RESET' sg_reset --no-esc --device "$d"
check 'and on it goes' soon 10 sg_turs "$d"
check logout logout "$IQN"
