package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// vpdRoom is room for most pages, so that they are made in one piece of memory.
const vpdRoom = 256

// A vpdPage is a vital product data page (SPC-5, SBC-4). build appends what follows the
// four bytes of header.
type vpdPage struct {
	code  byte
	build func(t *Task, p []byte) []byte
}

// vpdPages are the pages, by code.
var vpdPages = [...]vpdPage{
	{0x00, nil}, // Supported VPD Pages is this list
	{0x80, vpdSerialNumber},
	{0x83, vpdIdentification},
	{0x86, vpdExtendedInquiry},
	{0x8F, vpdThirdPartyCopy},
	{0xB0, vpdBlockLimits},
	{0xB1, vpdBlockCharacteristics},
	{0xB2, vpdProvisioning},
}

// vitalProductData answers INQUIRY with EVPD set.
func vitalProductData(t *Task, code byte) error {
	if t.path == nil {
		return LogicalUnitNotSupported
	}
	for _, page := range vpdPages {
		if page.code != code {
			continue
		}
		p := append(make([]byte, 0, vpdRoom), t.unit().Identity().DeviceType, code, 0, 0)
		if page.build != nil {
			p = page.build(t, p)
		} else {
			for _, page := range vpdPages {
				p = append(p, page.code)
			}
		}
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)-4))
		return t.reply(p)
	}
	return InvalidFieldInCDB.At(2)
}

// vpdSerialNumber is the Unit Serial Number page.
func vpdSerialNumber(t *Task, p []byte) []byte {
	return append(p, t.unit().Identity().Serial...)
}

// vpdExtendedInquiry is the Extended INQUIRY Data page. No protection information, no groups,
// no priorities; the task attributes are all there.
func vpdExtendedInquiry(t *Task, p []byte) []byte {
	page := [64]byte{
		5: 0x07, // HEADSUP, ORDSUP, SIMPSUP
		6: 0x01, // V_SUP: there may be a volatile cache
	}
	return append(p, page[4:]...)
}

// vpdBlockLimits is the Block Limits page (SBC-4). Offsets count from the page's start. Limits
// that are not given in the page, zeros, do not exist.
func vpdBlockLimits(t *Task, p []byte) []byte {
	be := binary.BigEndian
	block := t.blockSize()
	advice := t.unit().Advice()
	optimal := advice.Optimal / block
	var page [64]byte
	page[4] = 0x01 // WSNZ: WRITE SAME of 0 blocks is refused
	page[5] = maxCompareBlocks
	if optimal < 1<<16 {
		be.PutUint16(page[6:], uint16(optimal)) // OPTIMAL TRANSFER LENGTH GRANULARITY
	}
	be.PutUint32(page[8:], uint32(MaxTransfer/block))
	if optimal <= MaxTransfer/block {
		be.PutUint32(page[12:], uint32(optimal)) // OPTIMAL TRANSFER LENGTH
	}
	be.PutUint32(page[16:], uint32(maxPrefetchBytes/block))
	if t.lu().thin {
		be.PutUint32(page[20:], maxUnmapBlocks)
		be.PutUint32(page[24:], maxUnmapDescriptors)
		be.PutUint32(page[28:], uint32(unmapGranularity(advice)/block)) // OPTIMAL UNMAP GRANULARITY
		be.PutUint32(page[32:], 1<<31)                                  // UGAVALID, alignment 0
	}
	be.PutUint64(page[36:], uint64(t.lu().maxWriteSame()/block))
	be.PutUint32(page[44:], maxAtomicBlocks)
	be.PutUint32(page[48:], 1) // ATOMIC ALIGNMENT
	be.PutUint32(page[52:], 1) // ATOMIC TRANSFER LENGTH GRANULARITY
	return append(p, page[4:]...)
}

// unmapGranularity is the length of the aligned pieces in which space is given back, as it is
// published. VMFS 6 wants one that divides 1 MiB, its own.
func unmapGranularity(a sbd.Advice) int64 { return min(max(a.Granularity, 4<<10), 1<<20) }

// vpdBlockCharacteristics is the Block Device Characteristics page (SBC-4).
func vpdBlockCharacteristics(t *Task, p []byte) []byte {
	var page [64]byte
	if !t.unit().Advice().Rotational {
		binary.BigEndian.PutUint16(page[4:], 1) // MEDIUM ROTATION RATE: does not rotate
	}
	if t.lu().thin {
		page[7] = 0x40 // WABEREQ 01b: what SANITIZE BLOCK ERASE has erased can be read
	}
	return append(p, page[4:]...)
}

// vpdProvisioning is the Logical Block Provisioning page (SBC-4).
func vpdProvisioning(t *Task, p []byte) []byte {
	page := [8]byte{}
	if t.lu().thin {
		page[4] = t.lu().thresholdExponent()
		page[5] = 0x80 | 0x40 | 0x20 | 0x04 // LBPU, LBPWS, LBPWS10, LBPRZ: unmapped blocks read as zeros
		page[6] = 2                         // thin provisioned
	}
	return append(p, page[4:]...)
}
