package vmfs

import (
	"bytes"
	"hash/crc32"
)

// A GPTHeader is the header of a GUID partition table, in block 1 and in the last block.
//
//	0x00     "EFI PART"
//	0x0C u32 length of the header; u32 its CRC-32, taken with this field as 0
//	0x48 u64 first block of the entries
//	0x50 u32 entries; u32 length of one; u32 CRC-32 of all
type GPTHeader [512]byte

func (h *GPTHeader) HeaderLen() uint32  { return u32(h[:], 0x0C) }
func (h *GPTHeader) HeaderCRC() uint32  { return u32(h[:], 0x10) }
func (h *GPTHeader) Table() int64       { return signed(u64(h[:], 0x48)) }
func (h *GPTHeader) Entries() uint32    { return u32(h[:], 0x50) }
func (h *GPTHeader) EntryLen() uint32   { return u32(h[:], 0x54) }
func (h *GPTHeader) EntriesCRC() uint32 { return u32(h[:], 0x58) }

// valid checks the header against its own checksum, and its bounds against what any disk has.
func (h *GPTHeader) valid() bool {
	n := h.HeaderLen()
	if !bytes.HasPrefix(h[:], []byte("EFI PART")) || n < 0x5C || n > uint32(len(h)) {
		return false
	}
	sum := crc32.NewIEEE()
	sum.Write(h[:0x10])
	sum.Write(make([]byte, 4))
	sum.Write(h[0x14:n])
	return sum.Sum32() == h.HeaderCRC() && h.Entries() <= 1024 && h.EntryLen() >= 128 && h.EntryLen() <= 1024
}

// A GPTEntry is one partition.
//
//	0x00     type, GUID
//	0x20 u64 first block; u64 last block
type GPTEntry [128]byte

func (e *GPTEntry) Type() [16]byte { return [16]byte(e[:]) }
func (e *GPTEntry) First() int64   { return signed(u64(e[:], 0x20)) }
func (e *GPTEntry) Last() int64    { return signed(u64(e[:], 0x28)) }

// The types of partitions, as they are on disk.
var (
	gptVMFS   = [16]byte{0x2A, 0xE0, 0x31, 0xAA, 0x0F, 0x40, 0xDB, 0x11, 0x95, 0x90, 0x00, 0x0C, 0x29, 0x11, 0xD1, 0xB8} // AA31E02A-400F-11DB-9590-000C2911D1B8 [D]
	gptOSData = [16]byte{0x39, 0xEA, 0xB2, 0x4E, 0x55, 0x78, 0x90, 0x47, 0xA7, 0x9E, 0xFA, 0xE4, 0x95, 0xE2, 0x1F, 0x8D} // 4EB2EA39-7855-4790-A79E-FAE495E21F8D: VMFS-L [C1]
)

// gptPartitions lists the VMFS partitions in the GPT of d, if it has one: that at the
// beginning, or the copy at the end where the first is damaged.
func gptPartitions(d *Device) ([]Partition, error) {
	for _, block := range []int64{512, 4096} {
		for _, at := range []int64{block, d.Size - d.Size%block - block} {
			var h GPTHeader
			if at < block || at > d.Size-int64(len(h)) {
				continue
			}
			if err := d.fill(h[:], at); err != nil {
				return nil, err
			}
			if !h.valid() {
				continue
			}
			if parts, ok := h.partitions(d, block); ok {
				return parts, nil
			}
		}
	}
	return nil, nil
}

// partitions reads the entries; false when they are not what the header vouches for.
func (h *GPTHeader) partitions(d *Device, block int64) (parts []Partition, ok bool) {
	entries := make([]byte, h.Entries()*h.EntryLen())
	if h.Table() > d.Size/block || d.fill(entries, h.Table()*block) != nil || crc32.ChecksumIEEE(entries) != h.EntriesCRC() {
		return nil, false
	}
	for i := range int(h.Entries()) {
		e := (*GPTEntry)(entries[i*int(h.EntryLen()):])
		if t := e.Type(); t != gptVMFS && t != gptOSData || e.Last() < e.First() || e.Last() > d.Size/block {
			continue
		}
		p := Partition{Number: i + 1, Start: e.First() * block, Size: (e.Last() - e.First() + 1) * block, Scheme: GPT, dev: d}
		if p.clip() {
			parts = append(parts, p)
		}
	}
	return parts, true
}
