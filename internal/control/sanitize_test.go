package control

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// sanitizeWith is SANITIZE OVERWRITE, IMMED, with AUSE and one pass of pattern, and its parameters.
func sanitizeWith(pattern byte) (scsi.CDB, []byte) {
	return scsi.CDB{0x48, 0x80 | 0x20 | 0x01, 8: 5}, []byte{1, 0, 0, 1, pattern}
}

// TestSanitizeOverRestart: a sanitize operation that the end of the daemon has cut goes on with the
// next one; its failure outlasts restarts, until EXIT FAILURE MODE.
func TestSanitizeOverRestart(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var stuck, broken atomic.Bool
	r := start(t, func(o *Options) {
		o.openStore = func(path string, how sbd.OpenOptions) (sbd.Store, error) {
			s, err := sbd.Open(path, how)
			switch {
			case err != nil:
				return nil, err
			case stuck.Load():
				return sbd.NewFaulty(s, sbd.Rule{Calls: sbd.CallWrite, Off: 16 << 20, N: 1, Hold: hold, Err: sbd.ErrOffline}), nil
			case broken.Load():
				return sbd.NewFaulty(s, sbd.Rule{Calls: sbd.CallWrite, Err: sbd.ErrMedium}), nil
			}
			return s, nil
		}
	})
	stuck.Store(true)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Size: 32 << 20, WriteCache: true})
	sanitized := func() string { return must(r.Unit(t.Context(), guidA))(t).Sanitize }
	ask := func(cdb scsi.CDB, out []byte) scsi.Sense {
		h := newLocal(t, r, "iqn.test:asks", guidA)
		defer h.end()
		return h.do(cdb, out)
	}

	cdb, out := sanitizeWith('s')
	if s := ask(cdb, out); s != scsi.NoSense {
		t.Fatal(s)
	}
	eventually(t, "half of it", func() bool { return sanitized() == "50% done" })
	if a := must(r.Status(t.Context()))(t).Alarms; len(a) != 1 || !strings.Contains(a[0], "sanitized") {
		t.Errorf("alarms %q", a)
	}
	close(hold) // the store ends as if it were offline
	stuck.Store(false)
	r.restart()
	eventually(t, "the rest of it, in another run", func() bool { return sanitized() == "" })
	p := make([]byte, 512)
	u := r.d.units[mustGUID(t, guidA)].unit
	for _, off := range []int64{0, 16 << 20, 32<<20 - 512} {
		if err := u.ReadAt(&sbd.Op{MayBlock: true}, p, off); err != nil || p[0] != 's' || p[511] != 's' {
			t.Errorf("at %d there is %q, %v", off, p[:1], err)
		}
	}

	broken.Store(true)
	r.restart()
	cdb, out = sanitizeWith('t')
	if s := ask(cdb, out); s != scsi.NoSense {
		t.Fatal(s)
	}
	eventually(t, "the failure", func() bool { return sanitized() == "failed" })
	broken.Store(false)
	for range 2 {
		r.restart()
		if s := ask(scsi.CDB{}, nil); s != scsi.SanitizeFailed || sanitized() != "failed" {
			t.Errorf("after a restart: %v, %q", s, sanitized())
		}
	}
	guid := guidB
	must(r.ModifyUnit(t.Context(), guidA, UnitModify{GUID: &guid, Force: true}))(t)
	r.restart()
	if u := must(r.Unit(t.Context(), guidB))(t); u.Sanitize != "failed" {
		t.Errorf("under another GUID: %q", u.Sanitize)
	}
	h := newLocal(t, r, "iqn.test:exits", guidB)
	if s := h.do(scsi.CDB{0x48, 0x1F}, nil); s != scsi.NoSense {
		t.Errorf("EXIT FAILURE MODE: %v", s)
	}
	if s := h.do(scsi.CDB{}, nil); s != scsi.NoSense {
		t.Errorf("after it: %v", s)
	}
	h.end()
	r.restart()
	if sanitizeLeft(t, r.d, guidB) {
		t.Error("a record is left")
	}
}

// sanitizeLeft reports whether there is a record of an operation.
func sanitizeLeft(t *testing.T, d *Daemon, guid string) bool {
	t.Helper()
	left := false
	if err := d.state.View(func(tx Tx) (err error) {
		_, left, err = sanitizeKind.get(tx, guid)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return left
}

// TestSanitizeGoesWithItsUnit: nothing is left of it when the unit is deleted.
func TestSanitizeGoesWithItsUnit(t *testing.T) {
	r := start(t, func(o *Options) {
		o.openStore = func(string, sbd.OpenOptions) (sbd.Store, error) {
			return sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallWrite, Err: sbd.ErrMedium}), nil
		}
	})
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Size: 1 << 20})
	h := newLocal(t, r, "iqn.test:asks", guidA)
	cdb, out := sanitizeWith('s')
	if s := h.do(cdb, out); s != scsi.NoSense {
		t.Fatal(s)
	}
	h.end()
	eventually(t, "the failure", func() bool { return must(r.Unit(t.Context(), guidA))(t).Sanitize == "failed" })
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{Force: true}))(t)
	if sanitizeLeft(t, r.d, guidA) {
		t.Error("a record is left")
	}
}
