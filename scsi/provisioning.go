package scsi

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/lunarsan/lunar/sbd"
)

// Thin provisioning (SBC-4, logical block provisioning): what a unit takes and what is left, in
// threshold sets, and the threshold below which initiators are warned. All of it is estimates as
// old as the last measurement (sbd.Unit.SetSpace).

// thresholdSet is what resources are counted in, in bytes.
const thresholdSet = 1 << 20

// Threshold resources, which are parameter codes of the log page too.
const (
	resourceAvailable = 0x01
	resourceUsed      = 0x02
)

// What a resource count covers.
const (
	scopeUnit   = 0x01 // dedicated to the unit
	scopeShared = 0x02 // other units take of it too
)

// thresholdExponent is the THRESHOLD EXPONENT: a threshold set has so many blocks, as a power of 2.
func (lu *LogicalUnit) thresholdExponent() byte {
	return byte(bits.Len64(uint64(thresholdSet/lu.blockSize)) - 1)
}

// resources returns bytes as a resource count.
func resources(bytes int64) uint32 {
	return uint32(min(max(bytes, 0)/thresholdSet, math.MaxUint32))
}

// provisioningParameters are those of the Logical Block Provisioning log page: none while nothing
// is known.
//
//	0..3 RESOURCE COUNT
//	4    SCOPE
func provisioningParameters(lu *LogicalUnit) []logParameter {
	space, known := lu.unit.Space()
	if !known {
		return nil
	}
	count := func(n uint32, scope byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), scope, 0, 0, 0)
	}
	return []logParameter{
		{resourceAvailable, count(resources(space.Free), scopeShared)},
		{resourceUsed, count(resources(space.Used+thresholdSet-1), scopeUnit)},
	}
}

// SetThreshold sets how full the pool is, in percent, when initiators are to be warned.
func (lu *LogicalUnit) SetThreshold(percent int) { lu.threshold.Store(int32(percent)) }

// ThresholdReached warns every nexus (06/38/07).
func (lu *LogicalUnit) ThresholdReached() { lu.raise(SoftThresholdReached, nil) }

// available returns what is left of the pool of s when the threshold is reached, in bytes.
func (lu *LogicalUnit) available(s sbd.Space) int64 {
	return s.Size * int64(100-lu.threshold.Load()) / 100
}

// thresholdAt is where the Logical Block Provisioning mode page has its threshold descriptor: what
// the INFORMATION of 06/38/07 says.
const thresholdAt = 16

// provisioningPage is the Logical Block Provisioning mode page (SBC-4): SITUA 0, and one threshold
// descriptor, which is the operator's to change.
//
//	16     ENABLED, THRESHOLD TYPE 000b, THRESHOLD ARMING 000b: as availability decreases
//	17     THRESHOLD RESOURCE
//	20..23 THRESHOLD COUNT
func provisioningPage(lu *LogicalUnit, p []byte) {
	d := p[thresholdAt:]
	d[1] = resourceAvailable
	space, known := lu.unit.Space()
	if known && lu.threshold.Load() > 0 {
		d[0] = 0x80
		binary.BigEndian.PutUint32(d[4:], resources(lu.available(space)))
	}
}

// recoveryPage is the Read-Write Error Recovery mode page (SBC-4): LBPERE, initiators are warned of
// thresholds.
func recoveryPage(_ *LogicalUnit, p []byte) { p[7] = 0x80 }
