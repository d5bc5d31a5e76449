package churn

import (
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/vmfs"
)

// A Kind is what bytes are for.
type Kind uint8

// The kinds of bytes. Those up to Heartbeat are of no file that anybody made.
const (
	Any       Kind = iota // of several
	Unknown               // nobody looked
	Outside               // of no VMFS volume: another file system, a partition table
	Header                // what a VMFS volume begins with
	Free                  // file blocks that no file has
	Metadata              // system files: descriptors, bitmaps, pointer blocks
	Directory             // names
	Heartbeat             // where hosts show that they are alive
	Disk                  // of a virtual machine; what is in it only the guest knows
	Delta                 // what was written to a virtual disk since a snapshot of vSphere's
	Tracking              // which blocks of a virtual disk changed (CBT)
	Swap                  // memory that the host took away from a virtual machine
	Memory                // of a virtual machine that was suspended, or has a snapshot with it
	Log
	Config // what a virtual machine is made of
	Temp
	Host // what hosts and vCenter keep for themselves
	Other
	kinds
)

// kindNames name a kind in a word, and for people.
var kindNames = [kinds]struct{ word, text string }{
	Unknown:   {"unknown", "not looked into"},
	Outside:   {"outside", "outside of VMFS"},
	Header:    {"header", "volume headers"},
	Free:      {"free", "space that no file has"},
	Metadata:  {"metadata", "metadata"},
	Directory: {"directory", "directories"},
	Heartbeat: {"heartbeat", "heartbeats of hosts"},
	Disk:      {"disk", "virtual disks"},
	Delta:     {"delta", "disks of snapshots"},
	Tracking:  {"tracking", "changed block tracking"},
	Swap:      {"swap", "swap files"},
	Memory:    {"memory", "memory of machines"},
	Log:       {"log", "logs"},
	Config:    {"config", "configuration"},
	Temp:      {"temp", "temporary files"},
	Host:      {"host", "files of hosts"},
	Other:     {"other", "other files"},
}

// String names the kind in a word.
func (k Kind) String() string { return kindNames[k].word }

// Text names the kind for people.
func (k Kind) Text() string { return kindNames[k].text }

// MarshalText makes the word of JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, n := range kindNames {
		if n.word == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("there is no kind %q", b)
}

// endings tell the kind of a file by how its name ends; the first that fits counts.
var endings = []struct {
	ending string
	kind   Kind
}{
	{"-ctk.vmdk", Tracking},
	{"-delta.vmdk", Delta},
	{"-sesparse.vmdk", Delta},
	{".vmdk", Disk},
	{".vswp", Swap},
	{".vmem", Memory},
	{".vmsn", Memory},
	{".vmss", Memory},
	{".log", Log},
	{".vmx", Config},
	{".vmx~", Config},
	{".vmxf", Config},
	{".vmtx", Config},
	{".vmsd", Config},
	{".nvram", Config},
	{".lck", Config},
	{".tmp", Temp},
	{".temp", Temp},
	{"~", Temp},
	{".hlog", Host},
	{".dumpfile", Host},
}

// kindOf is the kind of a file at a path.
func kindOf(file string, t vmfs.Type, dir bool) Kind {
	switch {
	case dir:
		return Directory
	case t == vmfs.System:
		return Metadata
	}
	// Names that begin with a point stand in the root for what hosts and vCenter keep:
	// .vSphere-HA, .dvsData, .sdd.sf.
	if top, _, below := strings.Cut(file[1:], "/"); below && (strings.HasPrefix(top, ".") || top == "vmkdump") {
		return Host
	}
	name := strings.ToLower(file)
	for _, e := range endings {
		if strings.HasSuffix(name, e.ending) {
			return e.kind
		}
	}
	return Other
}
