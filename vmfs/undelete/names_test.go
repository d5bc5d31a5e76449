package undelete

import (
	"encoding/binary"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

// A name is found by the address, or where that was cleared, by the generation, if only one name
// has it.
func TestNames(t *testing.T) {
	n := names{}
	n.add(nameKey{0x1400004, 7, vmfs.Regular}, "/by address")
	n.add(nameKey{0, 7, vmfs.Regular}, "/by generation")
	n.add(nameKey{0, 7, vmfs.Regular}, "/by generation")
	n.add(nameKey{0, 8, vmfs.Regular}, "/one")
	n.add(nameKey{0, 8, vmfs.Regular}, "/another")
	n.add(nameKey{0, 8, vmfs.Regular}, "/one")
	for _, tt := range []struct {
		address, generation uint32
		kind                vmfs.Type
		want                string
	}{
		{0x1400004, 7, vmfs.Regular, "/by address"},
		{0x1800004, 7, vmfs.Regular, "/by generation"},
		{0x1800004, 7, vmfs.Symlink, ""},
		{0x1800004, 8, vmfs.Regular, ""},
		{0x1400004, 9, vmfs.Regular, ""},
	} {
		d := make(vmfs.Descriptor, 0x800)
		binary.LittleEndian.PutUint32(d[0x200:], tt.address)
		binary.LittleEndian.PutUint32(d[0x204:], tt.generation)
		binary.LittleEndian.PutUint32(d[0x20C:], uint32(tt.kind))
		if got, ok := n.find(d); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%#x, generation %d: %q, want %q", tt.address, tt.generation, got, tt.want)
		}
	}
}
