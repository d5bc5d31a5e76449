package backup

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// format is the version of the layout of backups. A later one is refused.
const format = 1

// A Manifest says what a backup is of, and what is in it.
type Manifest struct {
	Format   int       `json:"format"`
	Made     time.Time `json:"made"`
	Host     string    `json:"host"`
	Alias    string    `json:"alias"`
	Volume   Volume    `json:"volume"`
	Members  []Member  `json:"members"` // in their order in the volume
	Hosts    []Host    `json:"hosts"`   // registered on the volume
	Passes   int       `json:"passes"`
	Stable   bool      `json:"stable"`             // two passes in a row read the same
	Moved    []string  `json:"moved,omitempty"`    // parts that differed in the last pass
	Missing  []string  `json:"missing,omitempty"`  // of the volume, in words
	Problems []string  `json:"problems,omitempty"` // what could not be read
	Count    int       `json:"files"`              // of files in the list
	Parts    []Part    `json:"parts"`
	Undo     string    `json:"undo,omitempty"` // the backup whose restore this takes back
}

// A Volume is what identifies a volume, and where its heartbeats are.
type Volume struct {
	Label         string        `json:"label"`
	UUID          string        `json:"uuid"`
	Version       int           `json:"version"` // 3, 5, 6
	LogicalVolume string        `json:"lv_uuid"`
	SnapID        uint32        `json:"snap_id"`
	Size          int64         `json:"size"`
	FileBlockSize int64         `json:"file_block_size"`
	Heartbeats    []Range       `json:"heartbeats"`
	HeartbeatStep int           `json:"heartbeat_step"`
	LeaseInterval time.Duration `json:"lease_interval_ns,omitempty"`
}

// A Member is an extent of the volume: a partition on a device.
type Member struct {
	Device     string      `json:"device"` // the name that it was read by
	DeviceSize int64       `json:"device_size"`
	Scheme     vmfs.Scheme `json:"partition_table"`
	Partition  int         `json:"partition,omitempty"`
	Start      int64       `json:"start"` // of the partition on the device
	Size       int64       `json:"size"`
	UUID       string      `json:"uuid"`
	Disk       string      `json:"disk"` // naa., mpx., t10.
	VML        string      `json:"vml"`
	LUN        uint16      `json:"lun"`
	Vendor     string      `json:"vendor"`
	Model      string      `json:"model"`
	Revision   string      `json:"revision"`
	FirstPE    uint64      `json:"first_pe"`
	LastPE     uint64      `json:"last_pe"`
}

// A Host is one that was registered on the volume.
type Host struct {
	Slot       int    `json:"slot"`
	UUID       string `json:"uuid"`
	Address    string `json:"address,omitempty"`
	Generation uint64 `json:"generation"`
	Stamp      uint64 `json:"stamp"`
}

// A Group is what kind of part a part is. It is by these names that parts are restored.
type Group string

const (
	Tables      Group = "tables"      // partition tables
	LVM         Group = "lvm"         // LVM metadata
	Header      Group = "header"      // the file system's header
	Heartbeats  Group = "heartbeats"  //
	System      Group = "system"      // resource files: descriptors, pointer blocks, sub-blocks, bitmaps
	Directories Group = "directories" // that are not in sub-blocks
	Journals    Group = "journals"    // .jbc.sf
	Files       Group = "files"       // small ones
	Start       Group = "start"       // what else the first 32 MiB hold
	List        Group = "list"        // all files, with their block maps
	Before      Group = "before"      // of an undo: what a restore wrote over
	After       Group = "after"       // of an undo: what it wrote
)

// Groups are those that can be restored, in the order in which they are. The metadata come
// first; the others are restored when they are named.
var groups = [...]Group{Directories, System, Heartbeats, Header, LVM, Tables, Journals, Files, Start}

// metadata are the groups that are restored unless others are named.
const metadata = 6

// A Part is a run of bytes in a file of the backup. Its bytes are those of the ranges, one
// after another.
type Part struct {
	Name     string  `json:"name"`
	Group    Group   `json:"group"`
	File     string  `json:"file"` // in the backup; compressed where it ends in ".zst"
	Size     int64   `json:"size"`
	SHA256   Digest  `json:"sha256"` // of the bytes, not of the file
	OnDevice bool    `json:"on_device,omitempty"`
	Ranges   []Range `json:"ranges,omitempty"` // where the bytes are; none: they are not restored
}

// A Range is a piece of a member. Its offset counts from the beginning of the partition, or of
// the device where the part says so.
type Range struct {
	Member int // in Manifest.Members; -1: nowhere, and the bytes are zeros
	Offset int64
	Length int64
}

// MarshalJSON writes three numbers: there are many ranges.
func (r Range) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%d,%d]", r.Member, r.Offset, r.Length), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Range) UnmarshalJSON(b []byte) error {
	var n [3]int64
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*r = Range{int(n[0]), n[1], n[2]}
	return nil
}

// sum is the length of ranges; -1 when it is more than there can be.
func sum(ranges []Range) (n int64) {
	for _, r := range ranges {
		if n += r.Length; n < 0 {
			return -1
		}
	}
	return n
}

// part finds a part by its name.
func (m *Manifest) part(name string) *Part {
	for i := range m.Parts {
		if m.Parts[i].Name == name {
			return &m.Parts[i]
		}
	}
	return nil
}

// describe fills in what identifies the volume.
func (m *Manifest) describe(v *vmfs.Volume) error {
	s := v.Superblock()
	at, slots, step := s.HeartbeatRegion()
	m.Volume = Volume{
		Label: s.Label(), UUID: s.UUID().String(), Version: s.Version(), LogicalVolume: v.LV.UUID().String(), SnapID: s.SnapID(),
		Size: v.Size(), FileBlockSize: s.FileBlockSize(), Heartbeats: logical(v, at, int64(slots*step)), HeartbeatStep: step,
		LeaseInterval: s.LeaseInterval(),
	}
	m.Missing = v.Missing()
	m.Members = nil
	for _, e := range v.Members {
		id := e.Header.DiskID()
		m.Members = append(m.Members, Member{
			Device: e.Device().Name, DeviceSize: e.Device().Size, Scheme: e.Scheme, Partition: e.Number, Start: e.Start, Size: e.Size,
			UUID: e.Header.UUID().String(), Disk: id.Name(), VML: id.VML(), LUN: id.LUN(), Vendor: id.Vendor(), Model: id.Model(), Revision: id.Revision(),
			FirstPE: e.Volume.FirstPE(), LastPE: e.Volume.LastPE(),
		})
	}
	beats, err := v.Heartbeats()
	if err != nil {
		return err
	}
	m.Hosts = []Host{}
	for i := range beats.Len() {
		if b := beats.Slot(i); b.InUse() {
			m.Hosts = append(m.Hosts, Host{i, b.Owner().String(), b.Address(), b.Generation(), b.Stamp()})
		}
	}
	return nil
}
