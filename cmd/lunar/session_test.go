package main

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/control"
)

// TestSessionText keeps how sessions are printed.
func TestSessionText(t *testing.T) {
	since := time.Now().Add(-3*time.Minute - 2*time.Second)
	busy := control.SessionStatus{
		SessionDetail: control.SessionDetail{
			Session: control.Session{ID: 15, Initiator: "iqn.1998-01.com.vmware:esx1-5f3a9c2e", Alias: "esx1.example.org", Target: "iqn.2026-11.org.example:disks",
				Group: 1, ISID: "00023d000001", TSIH: 7, Peer: "192.0.2.11:51022", Local: "192.0.2.1:3260", CHAPUser: "esx1", Digests: "header+data", Since: since,
				Commands: 1234567, ReadBytes: 5 << 30, WriteBytes: 3 << 20},
			ImmediateData: true, FirstBurst: 256 << 10, MaxBurst: 1 << 20, MaxRecvSegment: 128 << 10, MaxOutstandingR2T: 1,
		},
		Units:  2,
		LUNs:   []control.SessionUnit{{LUN: 0, GUID: "600144f01eb3862c0000494b55cd0001", Idle: 0}, {LUN: 7, GUID: "600144f01eb3862c0000494b55cd0002", Idle: -1}},
		Recent: control.Load{Seconds: 7.2, IOPS: 10411.8, ReadRate: 42.64e6, WriteRate: 1.5e3, P50: 9.4, P99: 144, Max: 3120},
		Total:  control.Load{Seconds: 182, IOPS: 99.94, ReadRate: 1e6, P50: 11, P99: 45_000, Max: 2.1e6},
	}
	finding := control.SessionStatus{
		SessionDetail: control.SessionDetail{Session: control.Session{ID: 16, Initiator: "iqn.2008-11.org.linux-kvm", Group: 2, ISID: "80000000000f", TSIH: 8,
			Peer: "192.0.2.12:40000", Local: "192.0.2.1:3260", Digests: "none", Since: since}, InitialR2T: true, FirstBurst: 64 << 10, MaxBurst: 256 << 10, MaxRecvSegment: 8 << 10, MaxOutstandingR2T: 1},
		Idle: 90,
	}
	both := []control.SessionStatus{busy, finding}
	for name, show := range map[string]func(*cli){
		"list":    func(c *cli) { c.showSessions(both, false) },
		"verbose": func(c *cli) { c.showSessions(both, true) },
	} {
		var out bytes.Buffer
		show(&cli{world: world{stdout: &out, getenv: func(string) string { return "" }}})
		got := regexp.MustCompile(`20\d\d-\S+Z`).ReplaceAllString(out.String(), "MOMENT")
		golden(t, "testdata/session/"+name+".golden", got)
	}
}
