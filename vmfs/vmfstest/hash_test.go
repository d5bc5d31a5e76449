package vmfstest

import "testing"

// TestNameHash has the vectors that others found on volumes that ESXi made.
func TestNameHash(t *testing.T) {
	for _, tt := range []struct {
		name        string
		hash        uint16
		index, root uint32
	}{
		{"a", 0x9250, 0x1BD9, 0x158A},
		{"test.vmdk", 0xDBC0, 0x13FE, 0x34F4},
		{"vm1", 0xB190, 0x12AD, 0x24B5},
		{".jbc.sf", 0x3E6D, 0, 0x3E6D},
	} {
		hash, index := nameHash(tt.name, true)
		if index != tt.root || hash != tt.hash {
			t.Errorf("%s in the root: %#x at %#x, want %#x at %#x", tt.name, hash, index, tt.hash, tt.root)
		}
		if tt.index == 0 {
			continue
		}
		if hash, index := nameHash(tt.name, false); index != tt.index || hash != tt.hash {
			t.Errorf("%s: %#x at %#x, want %#x at %#x", tt.name, hash, index, tt.hash, tt.index)
		}
	}
}
