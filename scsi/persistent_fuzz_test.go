package scsi

import (
	"strings"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// FuzzTransportID reads any TransportID; what it makes of it must be written and read as the
// same.
func FuzzTransportID(f *testing.F) {
	for _, port := range []string{
		"iqn.2026-01.test:a,i,0x00023d000001", "iqn.2026-01.test:a", "eui.02004567a425678d",
		"iqn." + strings.Repeat("x", maxInitiatorName-4) + ",i,0x00023d000001",
	} {
		f.Add(appendTransportID(nil, port))
		f.Add(appendTransportID(appendTransportID(nil, port), port))
	}
	f.Add([]byte{0x45, 0, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, p []byte) {
		port, rest, err := parseTransportID(p, 0)
		if err != nil {
			if port != "" || rest != nil {
				t.Fatalf("%v, and %q and %d bytes", err, port, len(rest))
			}
			return
		}
		if len(rest) >= len(p) {
			t.Fatalf("%d bytes follow %d", len(rest), len(p))
		}
		again, _, err := parseTransportID(appendTransportID(nil, port), 0)
		if err != nil || again != port {
			t.Fatalf("%q is written and read as %q, %v", port, again, err)
		}
	})
}

// FuzzPersistentOut sends any parameter lists of any service actions, and wants what is
// registered and reserved to hold together all the time.
func FuzzPersistentOut(f *testing.F) {
	list := func(key, serviceKey, flags byte, port string) []byte {
		p := []byte{7: key, 15: serviceKey, 20: flags, 23: 0}
		if port != "" {
			id := appendTransportID(nil, port)
			p = append(append(p, 0, 0, 0, byte(len(id))), id...)
		}
		return p
	}
	for service := range byte(8) {
		f.Add(service, byte(1), list(1, 1, 0, ""))
		f.Add(service, byte(7), list(1, 2, 4, ""))
		f.Add(service, byte(6), list(0, 1, 8, "iqn.2026-01.test:c"))
	}
	move := list(1, 2, 0, "")
	move[17], move[19], move[23] = 0x02, 1, 40
	f.Add(byte(saRegisterMove), byte(0), append(move, appendTransportID(nil, "iqn.2026-01.test:b,i,0x00023d000001")...))

	pool := buffer.NewPool(8 << 20)
	f.Fuzz(func(t *testing.T, service, typ byte, p []byte) {
		lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
		start := Reservations{Type: ReservationType(typ >> 4), Registered: []Registration{
			{Registrant{"iqn.2026-01.test:a,i,0x1", "t"}, 1, true}, {Registrant{"iqn.2026-01.test:b", "t"}, 2, false},
		}}
		if lu.RestoreReservations(start) != nil {
			start.Type = 0
			start.Registered[0].Holder = false
			if err := lu.RestoreReservations(start); err != nil {
				t.Fatal(err)
			}
		}
		n := NewNexus(Names{Initiator: "iqn.2026-01.test:a", InitiatorPort: "iqn.2026-01.test:a,i,0x1", TargetPort: "t", RelativePort: 1}, pool)
		n.SetInventory(map[int]*LogicalUnit{0: lu})
		n.luns.Load().paths[0].attention()
		done := make(chan struct{})
		task := &Task{CDB: CDB{byte(opPersistentOut), service % 9, typ & 0x0F, 7: byte(len(p) >> 8), 8: byte(len(p))}, Expected: int64(len(p))}
		task.Done = func(*Task) { close(done) }
		n.Prepare(task)
		task.Out = p[:min(int64(len(p)), task.OutLen())]
		if !n.Submit(task) {
			<-done
		}
		r := lu.Reservations()
		if err := r.check(); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		if task.Status != Good && r.Generation != 0 {
			t.Fatalf("status %v, and PRGENERATION is %d", task.Status, r.Generation)
		}
		checkResult(t, task)
		task.Release()
		n.Close(func() {})
		lu.Close()
	})
}
