//go:build peers

package peer

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/scsi"
	iscsi "github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestPeerReservationKilled reserves a unit so that it persists, kills the daemon, and wants the
// next one to keep a stranger out from its first moment on.
func TestPeerReservationKilled(t *testing.T) {
	dir := t.TempDir()
	lunar, err := StartLunar(t.Context(), dir, build(t), "", Unit{Path: filepath.Join(dir, "unit"), Size: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lunar.Stop(); err != nil {
			t.Error(err)
		}
	})
	login := func(isid byte) *iscsi.Conn {
		t.Helper()
		nc, err := net.Dial("tcp", lunar.Portal())
		if err != nil {
			t.Fatal(err)
		}
		c, err := iscsi.Dial(nc, iscsi.Options{Name: initiator, Target: lunar.IQN(), ISID: [6]byte{0x80, 5: isid}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	// do sends a command, once more for each unit attention.
	do := func(c *iscsi.Conn, cdb, out []byte) scsi.Status {
		t.Helper()
		for {
			cmd := iscsi.Command{CDB: cdb, Out: out}
			if err := c.Do(&cmd); !cmd.Done {
				t.Fatal(err)
			}
			if cmd.SenseCode().Key() != scsi.PowerOnOccurred.Key() {
				return cmd.Status
			}
		}
	}
	const registerAndIgnore, reserve, writeExclusive, aptpl = 0x06, 0x01, 0x01, 0x01
	persistentOut := func(c *iscsi.Conn, service, key, serviceKey byte) scsi.Status {
		return do(c, []byte{0x5F, service, writeExclusive, 0, 0, 0, 0, 0, 24, 0}, []byte{7: key, 15: serviceKey, 20: aptpl, 23: 0})
	}
	write := func(c *iscsi.Conn) scsi.Status {
		return do(c, []byte{0x2A, 0, 0, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 512))
	}

	holder := login(1)
	if s := persistentOut(holder, registerAndIgnore, 0, 0xA1); s != scsi.Good {
		t.Fatalf("REGISTER AND IGNORE EXISTING KEY ends with %v", s)
	}
	if s := persistentOut(holder, reserve, 0xA1, 0); s != scsi.Good {
		t.Fatalf("RESERVE ends with %v", s)
	}
	lunar.Kill()
	if err := lunar.Start(); err != nil {
		t.Fatal(err)
	}
	if s := write(login(2)); s != scsi.ReservationConflict {
		t.Errorf("a stranger's WRITE ends with %v", s)
	}
	if s := write(login(1)); s != scsi.Good {
		t.Errorf("the holder's WRITE ends with %v", s)
	}
}
