package control

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// healthy is a patient with two good paths to one thin unit, about whom nothing bad can be
// said.
func healthy(k family) *patient {
	guid := sbd.GUID{0x60, 1}
	unit := &unit{unit: sbd.NewUnit(sbd.Identity{GUID: guid, BlockSize: 512}, sbd.Config{Thin: true})}
	p := &patient{
		ward: &ward{units: []seen{{unit, UnitInfo{GUID: guid.String(), Alias: "vm1", State: UnitOnline, BlockSize: 512, Thin: true, Product: "LUN"}}},
			names: map[sbd.GUID]string{guid: "vm1"}},
		account: scsi.Account{Initiator: k.prefix + "host", Units: map[sbd.GUID]scsi.UnitAccount{guid: {}}},
		kind:    k,
	}
	for _, portal := range []string{"10.0.1.10:3260", "10.0.2.10:3260"} {
		p.sessions = append(p.sessions, iscsi.SessionInfo{Target: iqnA, Local: netip.MustParseAddrPort(portal), Params: iscsi.Params{
			ImmediateData: true, PeerMaxRecvSegment: 131072, MaxBurst: 262144, FirstBurst: 262144, CHAPUser: "joe",
		}})
	}
	return p
}

// unit changes what is known of the patient's unit.
func (p *patient) unit(change func(*UnitInfo)) { change(&p.ward.units[0].info) }

// did changes what the patient asked of its unit.
func (p *patient) did(change func(*scsi.UnitAccount)) {
	guid := sbd.GUID{0x60, 1}
	u := p.account.Units[guid]
	change(&u)
	p.account.Units[guid] = u
}

func count(n uint64) scsi.Tally { return scsi.Tally{Count: n, Last: time.Unix(1, 0)} }

// TestFindings changes one thing about a patient who is well, and wants to hear of it.
func TestFindings(t *testing.T) {
	guid := sbd.GUID{0x60, 1}
	event := func(c scsi.CDB, request string, s scsi.Sense) scsi.Event {
		return scsi.Event{Request: request, CDB: c, Status: scsi.CheckCondition, Sense: s, Count: 2, Unit: guid}
	}
	params := func(change func(*iscsi.Params)) func(*patient) {
		return func(p *patient) {
			for i := range p.sessions {
				change(&p.sessions[i].Params)
			}
		}
	}
	tests := []struct {
		name   string
		kind   family
		change func(*patient)
		level  Level
		want   string
	}{
		{"well", esxi, func(*patient) {}, Good, "There are 2 paths to " + iqnA + ", through 2 addresses."},
		{"gone", esxi, func(p *patient) { p.sessions = nil }, Note, "It is not logged in."},
		{"one path", esxi, func(p *patient) { p.sessions = p.sessions[:1] }, Warning, "one path to " + iqnA + " only, through 10.0.1.10:3260"},
		{"one path of Linux", families[2], func(p *patient) { p.sessions = p.sessions[:1] }, Note, "one path"},
		{"one address", esxi, func(p *patient) { p.sessions[1].Local = p.sessions[0].Local }, Warning, "2 paths to " + iqnA + " all lead to one address"},
		{"open to everybody", esxi, func(p *patient) {
			p.sessions[0].Local, p.sessions[0].Params.CHAPUser = netip.MustParseAddrPort("203.0.113.5:3260"), ""
		}, Warning, "without CHAP through 203.0.113.5"},
		{"one path in standby", esxi, func(p *patient) {
			p.ward.groups = []GroupInfo{{Tag: 1, ALUAState: "non-optimized"}, {Tag: 2, ALUAState: "standby"}}
			p.sessions[0].Tag, p.sessions[1].Tag = 1, 2
		}, Note, "1 of its 2 paths is in state standby"},
		{"all paths in standby", esxi, func(p *patient) { p.ward.groups = []GroupInfo{{ALUAState: "standby"}} }, Broken, "No path of it may do I/O: 2 are in state standby."},
		{"one session of two", windows, func(p *patient) { p.sessions[1].Params.ImmediateData = false }, Warning, "before its data may go. (1 of 2 sessions)"},
		{"no immediate data", windows, params(func(s *iscsi.Params) { s.ImmediateData = false }), Warning, "ImmediateData is No"},
		{"R2T first", windows, params(func(s *iscsi.Params) { s.InitialR2T = true }), Warning, "InitialR2T is Yes"},
		{"short first burst", windows, params(func(s *iscsi.Params) { s.FirstBurst = 4096 }), Warning, "FirstBurstLength is 4096 bytes"},
		{"ESXi's short first burst", esxi, params(func(s *iscsi.Params) { s.FirstBurst = 65536 }), Warning, "FirstBurstLength is 65536 bytes"},
		{"short bursts", windows, params(func(s *iscsi.Params) { s.MaxBurst = 65536 }), Note, "MaxBurstLength is 65536 bytes"},
		{"short segments", windows, params(func(s *iscsi.Params) { s.PeerMaxRecvSegment = 8192 }), Note, "takes 8192 bytes in one PDU"},
		{"digests for nothing", windows, params(func(s *iscsi.Params) { s.DataDigest = true }), Note, "Digests are on"},

		{"no units", esxi, func(p *patient) { p.ward.units = nil }, Warning, "no unit for it to see"},
		{"blocks of 4096", esxi, func(p *patient) { p.unit(func(u *UnitInfo) { u.BlockSize = 4096 }) }, Broken, "ESXi cannot use vm1"},
		{"a high LUN", esxi, func(p *patient) { p.unit(func(u *UnitInfo) { u.LUNs = []int{0, 1024} }) }, Broken, "ESXi does not look at vm1"},
		{"write cache", esxi, func(p *patient) { p.unit(func(u *UnitInfo) { u.WriteCache = true }) }, Warning, "write cache is on for vm1"},
		{"thick", esxi, func(p *patient) { p.unit(func(u *UnitInfo) { u.Thin = false }) }, Note, "it is not thin"},
		{"coarse", esxi, func(p *patient) {
			if err := p.ward.units[0].unit.unit.Attach(coarse{sbd.NewMem(1 << 20)}); err != nil {
				t.Error(err)
			}
		}, Warning, "pieces larger than 1 MiB"},
		{"failed", windows, func(p *patient) { p.unit(func(u *UnitInfo) { u.State = UnitFailed }) }, Broken, "vm1 has failed"},
		{"offline", windows, func(p *patient) {
			p.unit(func(u *UnitInfo) { u.State, u.Reason, u.Alias = UnitOffline, "gone fishing", "" })
		}, Broken, guid.String() + " is offline: gone fishing. Commands on the medium get"},
		{"offline to ESXi", esxi, func(p *patient) { p.unit(func(u *UnitInfo) { u.State = UnitOffline }) }, Broken, "all paths down (APD)"},
		{"read-only", windows, func(p *patient) { p.unit(func(u *UnitInfo) { u.ReadOnly = true }) }, Note, "vm1 is read-only"},
		{"two products", esxi, func(p *patient) {
			p.ward.units = append(p.ward.units, seen{p.ward.units[0].unit, UnitInfo{Alias: "vm2", Product: "COMSTAR", BlockSize: 512}})
		}, Note, `vm1 is "LUN" and vm2 is "COMSTAR"`},

		{"never asked", esxi, func(*patient) {}, Note, "never asked for XCOPY"},
		{"Windows never asked", windows, func(*patient) {}, Note, "never asked for ODX"},
		{"always good", windows, func(p *patient) { p.did(func(u *scsi.UnitAccount) { u.Good[scsi.Reclaim] = count(7) }) }, Good, "UNMAP): 7 times, without a failure."},
		{"good and bad", esxi, func(p *patient) {
			p.did(func(u *scsi.UnitAccount) {
				u.Good[scsi.Cloning], u.Failed[scsi.Cloning] = count(2), count(1)
				u.Status[scsi.Cloning], u.Sense[scsi.Cloning] = scsi.CheckCondition, scsi.LBAOutOfRange
			})
		}, Warning, "worked 2 times and failed once, the last time because of 05/21/00"},
		{"never good", esxi, func(p *patient) {
			p.did(func(u *scsi.UnitAccount) { u.Failed[scsi.Zeroing], u.Status[scsi.Zeroing] = count(3), scsi.Busy })
		}, Warning, "zeroing (WRITE SAME) 3 times, and it never worked, the last time because of BUSY."},
		{"not there", esxi, func(p *patient) {
			p.did(func(u *scsi.UnitAccount) {
				u.Failed[scsi.Cloning], u.Status[scsi.Cloning], u.Sense[scsi.Cloning] = count(3), scsi.CheckCondition, scsi.InvalidOpcode
			})
		}, Warning, "XCOPY (clones by EXTENDED COPY) on vm1, which does not have it (05/20/00), 3 times."},
		{"not there, on a unit that went", windows, func(p *patient) {
			p.did(func(u *scsi.UnitAccount) {
				u.Failed[scsi.TokenUse], u.Status[scsi.TokenUse], u.Sense[scsi.TokenUse] = count(1), scsi.CheckCondition, scsi.InvalidOpcode
			})
			p.ward.units = nil
		}, Warning, "on 1 unit that went, which does not have it"},

		{"miscompare", esxi, func(p *patient) { p.did(func(u *scsi.UnitAccount) { u.Trouble[scsi.Miscompare] = count(2) }) }, Note, "ATS found other data than expected (0E/1D/00) 2 times, on vm1."},
		{"conflict", windows, func(p *patient) { p.did(func(u *scsi.UnitAccount) { u.Trouble[scsi.Conflict] = count(2) }) }, Note, "reservation of another initiator 2 times, on vm1."},
		{"full", esxi, func(p *patient) { p.did(func(u *scsi.UnitAccount) { u.Trouble[scsi.OutOfSpace] = count(1) }) }, Broken, "The store was full (07/27/07) once, on vm1"},
		{"warned of space", esxi, func(p *patient) {
			p.account.Events = []scsi.Event{event(scsi.CDB{}, "", scsi.SoftThresholdReached)}
		}, Warning, "runs out of space (06/38/07) 2 times"},
		{"store error", esxi, func(p *patient) { p.did(func(u *scsi.UnitAccount) { u.Trouble[scsi.StoreError] = count(1) }) }, Broken, "The store failed once, on vm1"},
		{"ready to be full", esxi, func(*patient) {}, Good, "ready to run out of space well"},

		{"refused", esxi, func(p *patient) {
			p.account.Events = []scsi.Event{event(scsi.CDB{0x85}, "ATA PASS-THROUGH(16)", scsi.InvalidOpcode),
				event(scsi.CDB{0x12}, "INQUIRY, VPD page C0h", scsi.InvalidFieldInCDB)}
		}, Note, "ATA PASS-THROUGH(16) (2) and INQUIRY, VPD page C0h (2)."},
		{"no such LUN", esxi, func(p *patient) {
			p.account.Events = []scsi.Event{{Request: "TEST UNIT READY", Status: scsi.CheckCondition, Sense: scsi.LogicalUnitNotSupported, Count: 1, LUN: scsi.LUNOf(5)}}
		}, Note, "TEST UNIT READY to LUN 5 (1)"},
		{"write protected", windows, func(p *patient) {
			p.account.Events = []scsi.Event{event(scsi.CDB{0x2A}, "WRITE(10)", scsi.WriteProtected)}
		}, Warning, "Writes to a read-only unit were refused"},
		{"invalid", windows, func(p *patient) {
			p.account.Events = []scsi.Event{event(scsi.CDB{0x28}, "READ(10)", scsi.LBAOutOfRange)}
		}, Warning, "refused as invalid: READ(10) (2)."},
		{"damaged", windows, func(p *patient) {
			p.account.Events = []scsi.Event{event(scsi.CDB{0x2A}, "WRITE(10)", scsi.ProtocolServiceCRCError)}
		}, Warning, "damaged or incomplete: WRITE(10) (2)."},
		{"scanned", unknown, func(p *patient) { p.account.Untraced = 5 }, Warning, "5 are not listed"},

		{"aborts", windows, func(p *patient) {
			p.account.Managed = []scsi.Managed{{Function: scsi.AbortTask, Response: scsi.TaskNotThere, Count: 2}, {Function: scsi.AbortTaskSet, Count: 1}}
		}, Warning, "(ABORT TASK) 3 times; 2 of them had been answered"},
		{"resets", windows, func(p *patient) {
			p.account.Managed = []scsi.Managed{{Function: scsi.LogicalUnitReset, Count: 1}}
		}, Warning, "It reset units once."},
		{"refused management", windows, func(p *patient) {
			p.account.Managed = []scsi.Managed{{Function: scsi.ClearACA, Response: scsi.FunctionNotSupported, Count: 1}}
		}, Warning, "Task management was refused once."},
		{"a slow abort", windows, func(p *patient) {
			p.account.Managed = []scsi.Managed{{Function: scsi.AbortTask, Count: 1, Longest: 2345 * time.Millisecond}}
		}, Warning, "answered after 2.3s"},
		{"no aborts", windows, func(*patient) {}, Good, "It never gave up a command"},
		{"slow", windows, func(p *patient) {
			p.slow = []SlowCommand{{Initiator: p.account.Initiator, TookMS: 200, Command: "READ(10)", Unit: "u"}, {Initiator: "another", TookMS: 900}}
		}, Warning, "1 of its commands are on the list of slow ones; the slowest, READ(10) on u, took 200ms."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := healthy(tt.kind)
			tt.change(p)
			found := p.examine().Findings
			for i, f := range found {
				if i > 0 && levels[f.Level] < levels[found[i-1].Level] {
					t.Errorf("%q comes after %q", f.What, found[i-1].What)
				}
				if (f.Level == Broken || f.Level == Warning) && f.Advice == "" {
					t.Errorf("nothing to do about %q", f.What)
				}
			}
			for _, f := range found {
				if f.Level == tt.level && strings.Contains(f.What, tt.want) {
					return
				}
			}
			t.Errorf("no %s has %q: %+v", tt.level, tt.want, found)
		})
	}
}

// coarse is a store that gives space back in large pieces.
type coarse struct{ *sbd.Mem }

func (coarse) Advice() sbd.Advice { return sbd.Advice{Granularity: 4 << 20} }

// TestWell wants somebody who is well to hear nothing but good, and what was never asked for.
func TestWell(t *testing.T) {
	for _, k := range families {
		for _, f := range healthy(k).examine().Findings {
			if f.Level != Good && !strings.Contains(f.What, "never asked for") {
				t.Errorf("%s: %+v", k.name, f)
			}
		}
	}
}

func TestGeneralFindings(t *testing.T) {
	logins := map[string][]iscsi.SessionInfo{"a": {}}
	tests := []struct {
		ward   ward
		alarms []string
		want   string
	}{
		{ward{sessions: logins}, nil, "[{good No alarms"},
		{ward{}, nil, "[{note Nobody is logged in."},
		{ward{sessions: logins}, []string{"the roof is on fire"}, "[{problem the roof is on fire"},
		{ward{sessions: logins, metrics: iscsi.Metrics{HeaderDigestErrors: 1, DataDigestErrors: 2}}, nil, "[{warning 3 PDUs arrived damaged"},
		{ward{sessions: logins, metrics: iscsi.Metrics{Cut: 4}}, nil, "[{warning 4 connections were cut"},
		{ward{sessions: logins, metrics: iscsi.Metrics{LoginErrors: 5}}, nil, "[{warning 5 logins were refused"},
		{ward{sessions: logins, metrics: iscsi.Metrics{TurnedAway: 6}}, nil, "[{warning 6 connections were turned away"},
		{ward{sessions: logins, metrics: iscsi.Metrics{Rejects: 7}}, nil, "[{warning 7 PDUs were rejected"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(tt.ward.general(Status{Alarms: tt.alarms})); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func TestFamily(t *testing.T) {
	for name, want := range map[string]string{
		esxiName: "VMware ESXi", linuxName: "Linux", "iqn.1991-05.com.microsoft:win": "Windows",
		"iqn.2008-11.org.linux-kvm": "QEMU", "iqn.2026-01.org.example:x": "unknown kind",
	} {
		if got := familyOf(name).name; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestList(t *testing.T) {
	for n, want := range []string{"", "a", "a and b", "a, b and c", "a, b, c and d", "a, b, c, d and e", "a, b, c, d and 2 more"} {
		if got := list(strings.Split("abcdef", "")[:n]); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
