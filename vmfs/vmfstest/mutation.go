package vmfstest

import (
	"fmt"
	"slices"
)

// Mutation damages a volume that Everything describes, so that a check finds one fault.
type Mutation struct {
	Fault    string // what a check calls it
	Versions []int  // of VMFS that can have it
	change   func(*edit)
}

// Apply damages the volume on its devices.
func (m *Mutation) Apply(img *Image, devices ...Storage) error {
	if !slices.Contains(m.Versions, img.b.spec.Version) {
		return fmt.Errorf("VMFS%d has no %s", img.b.spec.Version, m.Fault)
	}
	e := &edit{b: img.b, disks: devices}
	m.change(e)
	return e.err
}

// Mutations are one at least for each fault.
func Mutations() []Mutation {
	all, flat, hashed := []int{3, 5, 6}, []int{3, 5}, []int{6}
	return []Mutation{
		{"volume-identity", all, func(e *edit) { e.add(superblockAt+0xB1, 4, 1) }},
		{"volume-identity", all, func(e *edit) { e.add(superblockAt+0xC1, 4, 1) }},
		{"heartbeat", all, func(e *edit) { e.add(e.b.heartbeatAt(100)+4, 8, 512) }},
		{"heartbeat", all, func(e *edit) { e.set(e.b.heartbeatAt(101), 0xABCDEF07) }},
		{"lock-stale", all, func(e *edit) { e.add(e.metadata("/vm1/vm1-flat.vmdk")-e.b.metadataAt()+0x14, 8, -1) }},
		{"resource-file", all, func(e *edit) { e.add(e.b.of[toSubBlock].file.logical(0x18, e.b.blockSize), 4, 1) }},
		{"cluster-header", all, func(e *edit) {
			r := e.b.of[toSubBlock]
			e.add(r.file.logical(r.clusterAt(0)+4, e.b.blockSize), 8, 512) // where its lock is
		}},
		{"cluster-header", flat, func(e *edit) { e.add(e.clusterAt(toBlock, 0), 4, 7) }},
		{"cluster-header", hashed, func(e *edit) { e.add(e.clusterAt(toFile, 0)+0x18, 8, 7) }},
		{"cluster-header", hashed, func(e *edit) { e.add(e.clusterAt(toLarge, 0)+0x18, 8, 7) }},
		{"cluster-count", flat, func(e *edit) { e.add(e.clusterAt(toSubBlock, 0)+0x08, 4, 1) }},
		{"cluster-count", hashed, func(e *edit) { e.add(e.clusterAt(toSubBlock, 0)+0x22, 2, 1) }},
		{"descriptor", all, func(e *edit) { e.add(e.metadata("/layout/direct")-e.b.metadataAt()+4, 8, 512) }},
		{"descriptor", hashed, func(e *edit) { e.set(e.metadata("/layout/direct")+0x64, 0) }},
		{"descriptor-lost", flat, func(e *edit) { e.flip(toFile, e.free(toFile)) }},
		{"descriptor-free", flat, func(e *edit) { e.flip(toFile, e.node("/layout/direct").number) }},
		{"descriptor-orphan", all, func(e *edit) { e.remove("/layout/sub-block") }},
		{"link-count", all, func(e *edit) { e.set(e.metadata("/layout/direct")+8, 5) }},
		{"link-count", all, func(e *edit) { e.set(e.metadata("/none")+8, 50) }},
		{"address", all, func(e *edit) { e.hole("/blocks/holes", 0, e.b.address(toBlock, e.b.of[toBlock].total)) }},
		{"address", all, func(e *edit) { e.hole("/blocks/holes", 0, e.b.address(toFile, 0)) }},
		{"block-count", all, func(e *edit) { e.add(e.metadata("/blocks/holes")+0x24, 8, 1) }},
		{"block-count", flat, func(e *edit) { e.add(e.metadata("/blocks/to-be-zeroed")+0x48, 4, 1) }},
		{"block-lost", flat, func(e *edit) { e.flip(toBlock, e.free(toBlock)) }},
		{"block-lost", flat, func(e *edit) { e.flip(toSubBlock, e.free(toSubBlock)) }},
		{"block-lost", flat, func(e *edit) { e.flip(toPointers, e.free(toPointers)) }},
		{"block-free", flat, func(e *edit) { e.flip(toBlock, 0) }},
		{"block-free", flat, func(e *edit) { e.flip(toSubBlock, 1) }},
		{"block-shared", all, func(e *edit) { e.hole("/blocks/holes", 0, e.b.address(toBlock, 0)) }},
		{"entry-dangling", all, func(e *edit) { e.revive("/gone/kept", Regular, e.node("/gone/kept")) }},
		{"entry-generation", all, func(e *edit) { at, _ := e.entryAt("/layout/direct"); e.add(at+8, 4, 1) }},
		{"entry-type", all, func(e *edit) { at, _ := e.entryAt("/layout/direct"); e.set(at, uint32(RawDevice)) }},
		{"entry-name", all, func(e *edit) { e.rename("/names/with space", "with/a slash") }},
		{"entry-name", flat, func(e *edit) { e.rename("/layout/direct", "indirect") }},
		{"entry-dots", flat, func(e *edit) {
			e.set(e.inDirectory(e.node("/none"), entrySize+4), uint32(e.b.address(toFile, e.node("/vm1").number)))
		}},
		{"entry-dots", hashed, func(e *edit) {
			e.set(e.inDirectory(e.node("/none"), 0x4D8+4), uint32(e.b.address(toFile, e.node("/vm1").number)))
		}},
		{"directory-twice", all, func(e *edit) {
			e.revive("/gone/kept", Directory, e.node("/none"))
			e.set(e.metadata("/none")+8, 2)
		}},
		{"directory", flat, func(e *edit) { e.add(e.metadata("/none")+0x14, 8, 1) }},
		{"directory", hashed, func(e *edit) { e.set(e.inDirectory(e.node("/none"), 0), 1) }},
		{"directory-count", hashed, func(e *edit) { e.add(e.inDirectory(e.node("/many"), 4), 4, 1) }},
		{"directory-count", hashed, func(e *edit) { e.add(e.inDirectory(e.node("/many"), dirHeader+e.b.spec.Alignment+6), 2, 1) }},
		{"directory-hash", hashed, func(e *edit) { e.hash("/layout/direct", 0) }},
	}
}
