package control

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

const (
	esxiName  = "iqn.1998-01.com.vmware:esx1-5f3a9c2e"
	linuxName = "iqn.1994-05.com.redhat:3c9af0"
)

// esxiKeys are what ESXi's software initiator proposes.
var esxiKeys = []string{"MaxRecvDataSegmentLength=131072", "MaxBurstLength=262144", "FirstBurstLength=262144", "InitialR2T=No", "ImmediateData=Yes"}

// A host is an initiator that plays its part in a test.
type host struct {
	t *testing.T
	*initiator.Conn
}

func (r *rig) meet(o initiator.Options) host {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.portal())
	if err != nil {
		r.t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(time.Minute))
	o.Target = iqnA
	c, err := initiator.Dial(nc, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return host{r.t, c}
}

// A line of what a host says: a CDB in hexadecimal, and what becomes of it.
type line struct {
	lun  int
	cdb  string
	out  string // Data-Out: hexadecimal, then zeros
	n    int    // bytes to send or to expect
	want string // "" is GOOD
}

func (h host) say(lines ...line) {
	h.t.Helper()
	for _, l := range lines {
		cdb, err := hex.DecodeString(strings.ReplaceAll(l.cdb, " ", ""))
		if err != nil {
			h.t.Fatal(err)
		}
		cmd := &initiator.Command{LUN: scsi.LUNOf(l.lun), CDB: cdb}
		if l.out != "" {
			cmd.Out = make([]byte, l.n)
			hex.Decode(cmd.Out, []byte(l.out))
		} else {
			cmd.In = make([]byte, l.n)
		}
		got := ""
		if err := h.Do(cmd); err != nil {
			got = err.Error()
		}
		if !strings.HasSuffix(got, l.want) || got != "" && l.want == "" {
			h.t.Errorf("%s on LUN %d: %q, want %q", l.cdb, l.lun, got, l.want)
		}
	}
}

func (h host) manage(f iscsi.TaskMgmtFunction, about *initiator.Command, want iscsi.TaskMgmtResult) {
	h.t.Helper()
	if got, err := h.Manage(f, scsi.LUNOf(0), about); err != nil || got != want {
		h.t.Errorf("%v: %v, %v; want %v", f, got, err, want)
	}
}

// scan is how ESXi looks at a new device: its order and its allocation lengths, where a
// refusal is part of it.
func (h host) scan(lun int) {
	h.say(
		line{lun, "00 00 00 00 00 00", "", 0, "06/29/00"},
		line{lun, "00 00 00 00 00 00", "", 0, ""},
		line{lun, "12 00 00 00 24 00", "", 36, ""},
		line{lun, "12 01 00 00 ff 00", "", 255, ""},
		line{lun, "12 01 80 00 ff 00", "", 255, ""},
		line{lun, "12 01 83 00 ff 00", "", 255, ""},
		line{lun, "12 01 86 00 40 00", "", 64, ""},
		line{lun, "12 01 b0 00 40 00", "", 64, ""},
		line{lun, "12 01 b1 00 40 00", "", 64, ""},
		line{lun, "12 01 b2 00 08 00", "", 8, ""},
		line{lun, "12 01 b3 00 ff 00", "", 255, "05/24/00"},
		line{lun, "25 00 00 00 00 00 00 00 00 00", "", 8, ""},
		line{lun, "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", "", 32, ""},
		line{lun, "1a 00 08 00 ff 00", "", 255, ""},
		line{lun, "1a 00 19 00 ff 00", "", 255, "05/24/00"},
	)
}

// live is the life of a VMFS volume: made under a reservation, then locked with ATS, zeroed,
// and given back.
func (h host) live() {
	const ats = "89 00 00 00 00 00 00 00 00 08 00 00 00 01 00 00"
	const smart = "85 08 0e 00 d0 00 01 00 00 00 4f 00 c2 00 b0 00"
	const reclaim = "42 00 00 00 00 00 00 00 18 00"
	h.say(
		line{0, "16 00 00 00 00 00", "", 0, ""},
		line{0, "2a 00 00 00 00 00 00 00 02 00", "aa", 1024, ""},
		line{0, "17 00 00 00 00 00", "", 0, ""},
		line{0, ats, "00", 1024, ""},
		line{0, ats, "00", 1024, ""},
		line{0, ats, "01", 1024, "0E/1D/00"},
		line{0, "93 00 00 00 00 00 00 00 00 40 00 00 00 80 00 00", "00", 512, ""},
		line{0, reclaim, "0016001000000000000000000000004000000010", 24, ""},
		line{1, reclaim, "0016001000000000000000000000004000000010", 24, "05/20/00"},
		line{0, smart, "", 512, "05/20/00"},
		line{0, smart, "", 512, "05/20/00"},
		line{1, smart, "", 512, "05/20/00"},
		line{9, "00 00 00 00 00 00", "", 0, "05/25/00"},
	)
}

// slowly writes a block that the store holds for as long as is slow, and gives up meanwhile.
func (h host) slowly(store *sbd.Faulty, slow time.Duration) {
	h.t.Helper()
	hold, held := make(chan struct{}), make(chan struct{})
	store.Add(sbd.Rule{Calls: sbd.CallSync, Times: 1, Hold: hold, Held: func() { close(held) }})
	write := &initiator.Command{CDB: []byte{0x2A, 0, 0, 0, 0, 9, 0, 0, 1, 0}, Out: make([]byte, 512)}
	for _, err := range []error{h.Start(write), h.Flush()} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
	<-held
	abort := h.ManageHeader(iscsi.AbortTask, scsi.LUNOf(0), write)
	abort.SetITT(h.NextTag())
	abort.SetCmdSN(h.CmdSN)
	abort.SetExpStatSN(h.ExpStatSN)
	if err := h.Send(&abort, nil); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Flush(); err != nil {
		h.t.Fatal(err)
	}
	time.AfterFunc(slow, func() { close(hold) }) // the command is slow: that takes its time
	if err := h.Wait(write); err != nil || write.Check() != nil {
		h.t.Fatal(err, write.Check())
	}
	if p, err := h.Answer(abort.ITT()); err != nil || p.TaskMgmtResponse().Result() != iscsi.FunctionComplete {
		h.t.Fatalf("ABORT TASK: %v, %v", p, err)
	}
}

// TestDoctor plays a host's days with a unit, good and bad ones, and keeps what the doctor
// says. cmd/lunar shows it as text.
func TestDoctor(t *testing.T) {
	t.Parallel()
	const slow = 300 * time.Millisecond
	stores := make(map[string]*sbd.Faulty)
	r := start(t, func(o *Options) {
		o.Slow = slow
		o.openStore = func(path string, _ sbd.OpenOptions) (sbd.Store, error) {
			s := sbd.NewFaulty(sbd.NewMem(1 << 20))
			stores[path] = s
			return s, nil
		}
	})
	ctx := t.Context()
	r.createUnit(UnitCreate{Path: r.path("vm1"), GUID: guidA, Alias: "vm1", Thin: true})
	r.createUnit(UnitCreate{Path: r.path("vm2"), GUID: guidB, Alias: "vm2", WriteCache: true, BlockSize: 4096})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)

	esx := r.meet(initiator.Options{Name: esxiName, Alias: "esx1.example.org", ISID: [6]byte{0, 2, 0x3D, 0, 0, 1}, Keys: esxiKeys})
	esx.scan(0)
	esx.scan(1)
	esx.live()
	esx.slowly(stores[r.path("vm1")], slow)

	// A command whose data do not come can be aborted in time.
	write := &initiator.Command{CDB: []byte{0x2A, 0, 0, 0, 0, 0, 0, 0, 1, 0}, Write: true, Expected: 512}
	esx.Number(write)
	header, _ := esx.Header(write)
	header.SetFinal(false)
	if err := esx.Send(&header, nil); err != nil {
		t.Fatal(err)
	}
	esx.manage(iscsi.AbortTask, write, iscsi.FunctionComplete)
	esx.manage(iscsi.LogicalUnitReset, nil, iscsi.FunctionComplete)

	linux := r.meet(initiator.Options{Name: linuxName, ISID: [6]byte{0x80, 0, 0, 0, 0, 1},
		Keys: []string{"InitialR2T=Yes", "ImmediateData=No", "FirstBurstLength=8192", "MaxRecvDataSegmentLength=8192", "HeaderDigest=CRC32C"}})
	linux.say(
		line{0, "00 00 00 00 00 00", "", 0, "06/29/00"},
		line{0, "16 00 00 00 00 00", "", 0, ""},
	)
	esx.say(
		line{0, "00 00 00 00 00 00", "", 0, "06/29/03"},
		line{0, "2a 00 00 00 00 00 00 00 01 00", "aa", 512, "status 18h"},
	)
	linux.say(line{0, "17 00 00 00 00 00", "", 0, ""})
	must(r.OfflineUnit(ctx, "vm1", UnitTakeOffline{Force: true}))(t)
	esx.say(line{0, "28 00 00 00 00 00 00 00 01 00", "", 512, "02/04/03"})

	d := must(r.Doctor(ctx))(t)
	if s := d.Slow[0]; s.TookMS < slow.Milliseconds() || time.Since(s.Ended) > time.Minute {
		t.Errorf("slow command %+v", s)
	}
	golden(t, "doctor.json", steady(t, d))

	if err := linux.Logout(); err != nil {
		t.Fatal(err)
	}
	for len(must(r.Sessions(ctx))(t)) > 1 { // the session ends behind the answer to the logout
		time.Sleep(time.Millisecond)
	}
	d = must(r.Doctor(ctx))(t)
	i := slices.IndexFunc(d.Initiators, func(p Patient) bool { return p.Name == linuxName })
	if p := d.Initiators[i]; len(p.Sessions) != 0 || p.Left.IsZero() || p.Kind != "Linux" || !strings.Contains(fmt.Sprint(p.Findings), "It is not logged in.") {
		t.Errorf("of the one who left: %+v", p)
	}
	_, metrics := r.request("GET", "/metrics", "")
	for _, want := range []string{
		`lunar_scsi_offloads_total{primitive="ATS",unit="` + guidA + `"} 2`,
		`lunar_scsi_offloads_failed_total{primitive="UNMAP",unit="` + guidB + `"} 1`,
		`lunar_scsi_slow_commands_total{unit="` + guidA + `"} 1`,
		`lunar_scsi_task_management_total{function="ABORT TASK",outcome="no such task"} 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("%s is missing in the metrics", want)
		}
	}
}

// steady writes d as JSON without what differs from run to run.
func steady(t *testing.T, d Diagnosis) string {
	t.Helper()
	for i := range d.Slow {
		d.Slow[i].TookMS = 3200
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ pattern, instead string }{
		{`"20\d\d-\d\d-\d\dT[0-9:.]+Z"`, `"2026-11-22T11:07:58Z"`},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:3260"},
		{`"longest_ms": \d+`, `"longest_ms": 12`},
		{`took [0-9.]+m?s`, "took 3.2s"},
		{`"tsih": \d+`, `"tsih": 1`},
	} {
		text = regexp.MustCompile(v.pattern).ReplaceAll(text, []byte(v.instead))
	}
	return string(text) + "\n"
}
