package scsi

import (
	"encoding/binary"
	"time"
)

// vpdThirdPartyCopy is the Third-party Copy page (SPC-5, SBC-4): descriptors of two bytes of
// type, two of length, and content. Windows looks at the first, and asks for no token without it.
func vpdThirdPartyCopy(t *Task, p []byte) []byte {
	for _, d := range []struct {
		kind  uint16
		build func(t *Task, p []byte) []byte
	}{
		{0x0000, describeTokenLimits},
		{0x0001, describeCopyCommands},
		{0x0004, describeCopyList},
		{0x0008, describeCopyDescriptors},
		{0x000C, describeCSCDs},
		{0x0106, describeTokenFeatures},
		{0x0108, describeTokenTypes},
		{0x8001, describeCopies},
	} {
		at := len(p)
		p = binary.BigEndian.AppendUint16(p, d.kind)
		p = d.build(t, append(p, 0, 0))
		for (len(p)-at)%4 != 0 {
			p = append(p, 0)
		}
		binary.BigEndian.PutUint16(p[at+2:], uint16(len(p)-at-4))
	}
	return p
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// describeTokenLimits is the Block Device ROD Token Limits descriptor: after six reserved bytes
// the ranges of a command, the longest and the usual inactivity timeout in seconds, and how many
// blocks a token may and should stand for.
func describeTokenLimits(t *Task, p []byte) []byte {
	be := binary.BigEndian
	p = append(p, make([]byte, 6)...)
	p = be.AppendUint16(p, maxTokenRanges)
	p = be.AppendUint32(p, seconds(maxTokenTimeout))
	p = be.AppendUint32(p, seconds(usualTokenTimeout))
	p = be.AppendUint64(p, uint64(maxTokenBytes/t.blockSize()))
	return be.AppendUint64(p, uint64(optimalTokenBytes/t.blockSize()))
}

// describeCopyCommands is the Supported Commands descriptor: the length of the list, and for
// each opcode the number of its service actions and these.
func describeCopyCommands(t *Task, p []byte) []byte {
	at := len(p)
	p = append(p, 0)
	for _, opcode := range []Opcode{opThirdPartyCopyOut, opThirdPartyCopyIn} {
		p = append(p, byte(opcode), 0)
		count := len(p) - 1
		for service, row := range t.nexus.commands[opcode].services {
			if row.run != nil {
				p = append(p, byte(service))
				p[count]++
			}
		}
	}
	p[at] = byte(len(p) - at - 1)
	return p
}

// describeCopyList is the Parameter Data descriptor: after four reserved bytes the limits of an
// EXTENDED COPY's list, the last of them of inline data, and twelve reserved bytes.
func describeCopyList(_ *Task, p []byte) []byte {
	be := binary.BigEndian
	p = append(p, make([]byte, 4)...)
	p = be.AppendUint16(p, maxCSCDs)
	p = be.AppendUint16(p, maxSegments)
	p = be.AppendUint32(p, maxCopyList)
	return append(p, make([]byte, 4+12)...)
}

// describeCopyDescriptors is the Supported Descriptors descriptor: the length of the list and the
// type codes.
func describeCopyDescriptors(_ *Task, p []byte) []byte {
	p = append(p, byte(len(copyDescriptors)))
	return append(p, copyDescriptors[:]...)
}

// describeCSCDs is the Supported CSCD Descriptor IDs descriptor, of IDs that need no descriptor.
func describeCSCDs(_ *Task, p []byte) []byte {
	p = binary.BigEndian.AppendUint16(p, 2)
	return binary.BigEndian.AppendUint16(p, thisUnit)
}

// describeTokenFeatures is the ROD Token Features descriptor: no tokens of other copy managers;
// from byte 16 of the descriptor on the shortest and longest lifetime and the longest inactivity
// timeout, in seconds; at 46 the length of what is special to block devices, and that: a type
// and a length, no granularity, and how many bytes a token may and should stand for, and how
// many may be put into it and taken from it with one segment.
func describeTokenFeatures(_ *Task, p []byte) []byte {
	be := binary.BigEndian
	p = append(p, make([]byte, 12)...)
	p = be.AppendUint32(p, seconds(minTokenTimeout))
	p = be.AppendUint32(p, seconds(maxTokenTimeout))
	p = be.AppendUint32(p, seconds(maxTokenTimeout))
	p = append(p, make([]byte, 18)...)
	const special = 48
	p = be.AppendUint16(p, special)
	p = append(p, 0, 0)
	p = be.AppendUint16(p, special-4)
	p = append(p, make([]byte, 4)...)
	p = be.AppendUint64(p, maxTokenBytes)
	p = be.AppendUint64(p, optimalTokenBytes)
	p = be.AppendUint64(p, optimalTokenBytes)
	p = be.AppendUint64(p, optimalTokenBytes)
	return append(p, make([]byte, 8)...)
}

// describeTokenTypes is the Supported ROD Token and ROD Types descriptor: after two reserved
// bytes the length of the list, and 64 bytes for each type: TOKEN_OUT says that it is made here,
// TOKEN_IN that it is written from.
func describeTokenTypes(_ *Task, p []byte) []byte {
	const in, out = 0x02, 0x01
	types := []struct {
		rod   uint32
		flags byte
	}{{rodVulnerable, in | out}, {rodZero, in}}
	p = append(p, 0, 0)
	p = binary.BigEndian.AppendUint16(p, uint16(64*len(types)))
	for _, k := range types {
		p = binary.BigEndian.AppendUint32(p, k.rod)
		p = append(p, k.flags)
		p = append(p, make([]byte, 59)...)
	}
	return p
}

// describeCopies is the General Copy Operations descriptor: how many copies at a time, in all and
// with list identifiers, the longest segment in bytes, the granularities of segments and inline
// data as powers of two, and reserved bytes.
func describeCopies(t *Task, p []byte) []byte {
	be := binary.BigEndian
	p = be.AppendUint32(p, slowWorkers)
	p = be.AppendUint32(p, slowWorkers)
	p = be.AppendUint32(p, maxSegmentBytes)
	p = append(p, copyGranularity(t), 0)
	return append(p, make([]byte, 18)...)
}
