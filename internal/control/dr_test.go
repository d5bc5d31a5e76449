package control

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

const drHost = "iqn.2026-11.org.example:recovery"

// A site is a daemon with a replica of a VMFS volume, taken three times, and what a job of peer main
// has carried to it.
type site struct {
	*rig
	copies  copies
	replica string
	taken   []time.Time
}

// newSite makes a site whose replica is of the unit guidA, LUN 7.
func newSite(t *testing.T) *site {
	return makeSite(t, func(r *rig) string {
		path := r.path("replica.img")
		must(0, os.WriteFile(path, make([]byte, 1<<20), 0o600))(t)
		return path
	})
}

// newVMFSSite makes one whose replica is a VMFS volume that was made on that disk.
func newVMFSSite(t *testing.T) *site {
	return makeSite(t, func(r *rig) string {
		return r.volume("replica.img", vmfstest.Spec{Version: 5, Devices: []vmfstest.Device{{Table: vmfstest.GPT, Start: 2048, Extents: []vmfstest.Run{{Count: 1}}, ID: original(guidA)}}})
	})
}

func makeSite(t *testing.T, replica func(*rig) string) *site {
	t.Helper()
	s := new(site)
	s.rig = start(t, func(o *Options) { o.openVolume = s.copies.open })
	s.replica = replica(s.rig)
	v := s.copies.at(s.replica)
	for i, name := range []string{"monday", "tuesday", "wednesday"} {
		at := time.Date(2026, 11, 16+i, 1, 0, 0, 0, time.UTC)
		v.now = func() time.Time { return at }
		must(v.Take(t.Context(), name))(t)
		s.taken = append(s.taken, at)
	}
	s.deposit(t, "nightly", s.taken[0])
	must(s.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	return s
}

// siteYAML is what a job carries along.
const siteYAML = `lunar: 1
units:
- {guid: ` + guidA + `, alias: vm1, path: /there/vm1.img, size: SIZE, serial: 5a17, vendor: SUN, product: COMSTAR, revision: '1.0', version: 5, views: [{entry: 0, host_group: prod, lun: 7}]}
host_groups:
- {name: prod, members: ['iqn.1998-01.com.vmware:esx1']}
portal_groups:
- {name: san, tag: 3, portals: ['192.0.2.1:3260']}
targets:
- {name: 'iqn.2026-11.org.example:there', portal_groups: [san]}
`

func (s *site) deposit(t *testing.T, job string, at time.Time) {
	t.Helper()
	info := must(os.Stat(s.replica))(t)
	text := strings.ReplaceAll(siteYAML, "SIZE", strconv.FormatInt(info.Size(), 10))
	guid := must(sbd.ParseGUID(guidA))(t)
	if err := s.d.depositSite(t.Context(), "main", SiteDeposit{Job: job, Snapshot: "monday", Taken: at,
		Volumes: []SiteVolume{{guid, "lu:" + guidA, s.replica}}, Document: text}); err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, path string) [32]byte {
	t.Helper()
	f := must(os.Open(path))(t)
	defer f.Close()
	h := sha256.New()
	must(io.Copy(h, f))(t)
	return [32]byte(h.Sum(nil))
}

// recoveryHost logs in as the host that tests are shown to.
func (s *site) recoveryHost() *initiator.Conn {
	s.t.Helper()
	return must(s.dial(drHost, iqnA, 1, nil))(s.t)
}

// A test shows the volume as it was under the identity that its header has, hosts write to it, and
// nothing of that is in the replica.
func TestDRTest(t *testing.T) {
	t.Parallel()
	s := newVMFSSite(t)
	ctx := t.Context()
	before := sum(t, s.replica)
	tuesday := s.taken[1].Add(time.Hour)
	info := must(s.TestDR(ctx, DRTest{Job: "nightly", At: &tuesday, Hosts: []string{drHost}}))(t)
	if info.Phase != drReady || info.Snapshot != "tuesday" || len(info.Units) != 1 || len(info.Warnings) != 0 {
		t.Fatalf("made %+v", info)
	}
	if u := info.Units[0]; u.GUID != guidA || u.LUN != 7 || u.State != UnitOnline || u.Header != headerMatches {
		t.Errorf("shows %+v", u)
	}

	c := s.recoveryHost()
	block := bytes.Repeat([]byte{0xDA}, 512)
	ready(t, c, 7)
	if _, sense := perform(t, c, 7, block, 0x2A, 0, 0, 0, 0, 9, 0, 0, 1, 0); sense != 0 {
		t.Fatalf("writing: %v\n%s", sense, s.log)
	}
	read, _ := perform(t, c, 7, nil, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0)
	if !bytes.Equal(read, block[:len(read)]) {
		t.Errorf("read % x back", read[:16])
	}
	other := must(s.dial("iqn.1998-01.com.vmware:esx1", iqnA, 2, nil))(t)
	if _, sense := perform(t, other, 7, nil, 0, 0, 0, 0, 0, 0); sense != scsi.LogicalUnitNotSupported {
		t.Errorf("another host hears %v of the test", sense)
	}

	_, err := s.EndDR(ctx, info.Name, DREnd{})
	wantProblem(t, err, "in use", drHost, "--force")
	s.restart()
	if again := must(s.DR(ctx, info.Name))(t); again.Phase != drReady || len(again.Units) != 1 {
		t.Errorf("after a restart: %+v", again)
	}
	if ended := must(s.EndDR(ctx, info.Name, DREnd{Force: true}))(t); ended.Phase != DREnded {
		t.Errorf("ended %+v", ended)
	}
	if sum(t, s.replica) != before {
		t.Error("the replica has changed")
	}
	if left := clonesOf(t, s.replica); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if units, groups := must(s.Units(ctx))(t), must(s.MemberGroups(ctx, HostGroups))(t); len(units)+len(groups) > 0 {
		t.Errorf("left behind: %+v %+v", units, groups)
	}
}

// Tests of several times stand beside each other and the original, with identities of their own.
func TestDRTestsBesideEachOther(t *testing.T) {
	t.Parallel()
	s := newVMFSSite(t)
	ctx := t.Context()
	first := must(s.TestDR(ctx, DRTest{Job: "main/nightly", Hosts: []string{drHost}}))(t)
	_, err := s.TestDR(ctx, DRTest{Job: "nightly", HostGroup: first.HostGroup})
	wantProblem(t, err, guidA, "--fresh-identity")
	_, err = s.TestDR(ctx, DRTest{Job: "nightly", Hosts: []string{drHost}, Fresh: true})
	wantProblem(t, err, drHost, "--host-group "+first.HostGroup)
	second := must(s.TestDR(ctx, DRTest{Job: "nightly", Snapshot: "monday", HostGroup: first.HostGroup, Fresh: true}))(t)
	if second.Name != "nightly-2" || second.Units[0].GUID == guidA || second.Units[0].LUN == 7 || !strings.Contains(second.Units[0].Header, guidA) {
		t.Errorf("the second is %+v", second)
	}
	if len(second.Warnings) != 1 || !strings.Contains(second.Warnings[0], "snapshot") {
		t.Errorf("warnings %q", second.Warnings)
	}
	_, err = s.EndDR(ctx, "nightly", DREnd{})
	wantProblem(t, err, second.Units[0].GUID, "dr-nightly")
	must(s.EndDR(ctx, "nightly-2", DREnd{}))(t)
	must(s.EndDR(ctx, "nightly", DREnd{}))(t)
	if left := clonesOf(t, s.replica); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What a test is made of is no configuration: it is in no document, and no document ends it.
func TestDRTestIsNoConfiguration(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	before := export(t, s.rig)
	must(s.TestDR(ctx, DRTest{Job: "nightly", Hosts: []string{drHost}}))(t)
	if after := export(t, s.rig); after != before {
		t.Errorf("the document is now %s", after)
	}
	must(s.ApplyConfig(ctx, ConfigApply{Document: before, Prune: true, Force: true}))(t)
	if u := must(s.Unit(ctx, guidA))(t); u.State != UnitOnline {
		t.Errorf("the unit is %+v", u)
	}
	_, err := s.ApplyConfig(ctx, ConfigApply{Document: "lunar: 1\nunits:\n- {guid: " + guidA + ", path: /x, size: 512}\n"})
	wantProblem(t, err, "DR test nightly", "lunar dr end nightly")
	_, err = s.DeleteUnit(ctx, guidA, UnitDelete{})
	wantProblem(t, err, "DR test nightly", "lunar dr end nightly")
	_, err = s.DeleteSite(ctx, "nightly")
	wantProblem(t, err, "in use", "lunar dr end nightly")
	must(s.EndDR(ctx, "nightly", DREnd{}))(t)
	must(s.DeleteSite(ctx, "nightly"))(t)
}

func TestDRTestRefused(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	early := s.taken[0].Add(-time.Hour)
	hosts := []string{drHost}
	for _, test := range []struct {
		q    DRTest
		want []string
	}{
		{DRTest{Job: "nightly"}, []string{"which hosts", "--host"}},
		{DRTest{Job: "nightly", Hosts: hosts, HostGroup: "x"}, []string{"which hosts"}},
		{DRTest{Job: "nightly", HostGroup: "nobody"}, []string{"nobody"}},
		{DRTest{Job: "nightly", Hosts: []string{"esx1"}}, []string{"esx1"}},
		{DRTest{Job: "weekly", Hosts: hosts}, []string{"weekly", "lunar site list"}},
		{DRTest{Job: "nightly", Hosts: hosts, Name: "a b"}, []string{"not a name"}},
		{DRTest{Job: "nightly", Hosts: hosts, Units: []string{"dead"}}, []string{"no unit"}},
		{DRTest{Job: "nightly", Hosts: hosts, Snapshot: "friday"}, []string{"friday"}},
		{DRTest{Job: "nightly", Hosts: hosts, At: &early}, []string{"2026-11-16T00:00:00Z"}},
	} {
		_, err := s.TestDR(ctx, test.q)
		wantProblem(t, err, test.want...)
	}
	_, err := s.CreateUnit(ctx, UnitCreate{Path: s.replica})
	wantProblem(t, err, "a replica of site main/nightly", "lunar dr test nightly", "--read-only")
	plan := must(s.TestDR(ctx, DRTest{Job: "nightly", Hosts: hosts, DryRun: true}))(t)
	if len(plan.Plan) != 3 || len(must(s.DRs(ctx))(t)) != 0 || len(clonesOf(t, s.replica)) != 0 {
		t.Errorf("the plan is %q", plan.Plan)
	}
}

// What fails in the middle leaves nothing, and neither does a daemon that dies in the middle.
func TestDRTestTakenBack(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	v := s.copies.at(s.replica)
	v.fail = func(what string) error {
		if what == "clone" {
			return errBroken
		}
		return nil
	}
	_, err := s.TestDR(ctx, DRTest{Job: "nightly", Hosts: []string{drHost}})
	if err == nil || !strings.Contains(err.Error(), errBroken.Error()) {
		t.Fatalf("error %v", err)
	}
	v.fail = nil
	if records := must(s.DRs(ctx))(t); len(records) > 0 || len(clonesOf(t, s.replica)) > 0 {
		t.Fatalf("left %+v %v", records, clonesOf(t, s.replica))
	}

	// The clone cannot be thrown away either, and the daemon dies.
	opened := s.d.opts.openStore
	s.d.opts.openStore = func(path string, o sbd.OpenOptions) (sbd.Store, error) {
		if strings.Contains(path, ".dr-") && !o.ReadOnly {
			return nil, errBroken
		}
		return opened(path, o)
	}
	v.fail = func(what string) error {
		if what == "unclone" {
			return errBroken
		}
		return nil
	}
	_, err = s.TestDR(ctx, DRTest{Job: "nightly", Hosts: []string{drHost}})
	if err == nil {
		t.Fatal("no error")
	}
	if r := must(s.DR(ctx, "nightly"))(t); r.Phase != drEnding || len(clonesOf(t, s.replica)) != 1 {
		t.Fatalf("left %+v %v", r, clonesOf(t, s.replica))
	}
	v.fail = nil
	s.crash()
	eventually(t, "the rest is thrown away", func() bool {
		records, err := s.DRs(ctx)
		return err == nil && len(records) == 0
	})
	if left := clonesOf(t, s.replica); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if !slices.Equal(must(filepath.Glob(s.replica+"@*"))(t), []string{s.replica + "@monday", s.replica + "@tuesday", s.replica + "@wednesday"}) {
		t.Error("a snapshot has gone")
	}
}
