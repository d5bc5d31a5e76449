package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/control"
)

// The script of stmfadm has no initiator that logs in.
func TestShowTarget(t *testing.T) {
	var out bytes.Buffer
	c := &cli{world: world{stdout: &out}}
	since := time.Date(2026, 3, 7, 9, 5, 1, 0, time.Local)
	var sessions []control.SessionStatus
	for _, s := range []control.Session{
		{Initiator: "iqn.1998-01.com.vmware:vh1.1", Alias: "vh1", Target: "iqn.1986-03.com.sun:02:ss2.0", Since: since},
		{Initiator: "iqn.1998-01.com.vmware:vh1.2", Target: "iqn.1986-03.com.sun:02:ss3.0", Since: since},
		{Initiator: "iqn.1998-01.com.vmware:vh1.3", Target: "iqn.1986-03.com.sun:02:ss2.0", Since: since.UTC()},
	} {
		sessions = append(sessions, control.SessionStatus{SessionDetail: control.SessionDetail{Session: s}})
	}
	c.showTarget(control.TargetInfo{Name: "iqn.1986-03.com.sun:02:ss2.0", State: control.TargetOnline}, sessions)
	want := `    Operational Status: Online
    Provider Name     : iscsit
    Alias             : -
    Protocol          : iSCSI
    Sessions          : 2
        Initiator: iqn.1998-01.com.vmware:vh1.1
            Alias: vh1
            Logged in since: Sat Mar  7 09:05:01 2026
        Initiator: iqn.1998-01.com.vmware:vh1.3
            Alias: -
            Logged in since: Sat Mar  7 09:05:01 2026
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStorePath(t *testing.T) {
	for in, want := range map[string]string{
		"/dev/zvol/rdsk/sp1/gw/trio1":   "/dev/zvol/sp1/gw/trio1",
		"/dev/zvol/dsk/sp1/gw/trio1":    "/dev/zvol/sp1/gw/trio1",
		"/dev/zvol/sp1/gw/trio1":        "/dev/zvol/sp1/gw/trio1",
		"/dev/rdsk/c0t1d0s2":            "/dev/rdsk/c0t1d0s2",
		"/dev/zvol/rdsk/sp1/../gw/disk": "/dev/zvol/gw/disk",
	} {
		if got, err := storePath(in); err != nil || got != want {
			t.Errorf("storePath(%q) is %q, %v, want %q", in, got, err, want)
		}
	}
}
