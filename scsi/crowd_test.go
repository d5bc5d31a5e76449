package scsi

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// BenchmarkNexusComesAndGoes is what a session costs beside others that see the same units: the
// time should hardly depend on how many there are.
func BenchmarkNexusComesAndGoes(b *testing.B) {
	for _, others := range []int{1, 1000} {
		b.Run(fmt.Sprintf("beside %d", others), func(b *testing.B) {
			pool := buffer.NewPool(1 << 20)
			seen := make(map[int]*LogicalUnit)
			for i := range 100 {
				id := sbd.Identity{GUID: sbd.GUID{0: 0x60, 15: byte(i)}, BlockSize: 512}
				seen[i] = NewLogicalUnit(sbd.NewUnit(id, sbd.Config{Size: 1 << 20}), pool)
			}
			come := func(i int) *Nexus {
				name := fmt.Sprintf("iqn.2026-01.org.example.with.a.name.of.some.length:%d", i)
				n := NewNexus(Names{Initiator: name, InitiatorPort: name + ",i,0x1"}, pool)
				n.SetInventory(seen)
				return n
			}
			var crowd []*Nexus
			for i := range others {
				crowd = append(crowd, come(i))
			}
			for i := 0; b.Loop(); i++ {
				come(others + i%512).Close(func() {})
			}
			for _, n := range crowd {
				n.Close(func() {})
			}
		})
	}
}
