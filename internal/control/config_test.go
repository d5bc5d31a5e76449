package control

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/stream/job"
)

// secrets of the tests, which no plan, log or export may show unasked.
const (
	secretA = "elephants-and-mice"
	secretB = "mice-and-elephants"
)

// furnish makes something of every kind.
func furnish(t *testing.T, r *rig) {
	t.Helper()
	ctx := t.Context()
	for i, u := range []UnitCreate{
		{Path: r.path("a"), Size: 1 << 20, GUID: "600144f0000000000000000000000001", Alias: "first: disk", Thin: true, Alarm: 90},
		{Path: r.path("b"), Size: 2 << 20, GUID: "600144f0000000000000000000000002", Vendor: "SUN", Product: "COMSTAR", Revision: "1.0", WriteCache: true},
		{Path: r.path("c"), Size: 1 << 20, GUID: "600144f0000000000000000000000003", Serial: "0123", BlockSize: 4096, ReadOnly: false},
	} {
		lun := 10 - i
		u.LUN = &lun
		must(r.CreateUnit(ctx, u))(t)
	}
	must(r.OfflineUnit(ctx, "600144f0000000000000000000000002", UnitTakeOffline{Purpose: ForMaintenance}))(t)
	must(r.RetireUnit(ctx, "600144f0000000000000000000000003", UnitRetire{}))(t)
	number, state, preferred := uint16(7), "non-optimized", true
	must(r.CreateGroup(ctx, GroupCreate{Name: "san", Portals: []string{"127.0.0.1:0"}, Announce: []string{"10.0.0.1"},
		PathChange: PathChange{Group: &number, State: &state, Preferred: &preferred}}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB, Groups: []string{"san"}, Auth: "mutual", SelfUser: "us", SelfSecret: Secret(secretB)}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Alias: "all"}))(t)
	must(r.OfflineTarget(ctx, iqnA))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: "iqn.1998-01.com.vmware:esx1", CHAPSecret: Secret(secretA)}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: "iqn.1998-01.com.vmware:esx2"}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{Name: "hosts"}))(t)
	must(r.AddMembers(ctx, HostGroups, "hosts", MembersChange{[]string{"iqn.1998-01.com.vmware:esx1", "wwn.210000e08b100163"}}))(t)
	must(r.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{Name: "to day"}))(t)
	must(r.AddMembers(ctx, TargetGroups, "to day", MembersChange{[]string{iqnB}}))(t)
	must(r.CreateUnit(ctx, UnitCreate{Path: r.path("e"), Size: 1 << 20, GUID: "600144f0000000000000000000000005", NoView: true}))(t)
	must(r.AddView(ctx, ViewAdd{Unit: "600144f0000000000000000000000005", HostGroup: "hosts", TargetGroup: "to day"}))(t)
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "chap"}))(t)
	must(r.ModifyISNS(ctx, ISNSModify{Server: new("127.0.0.1:1")}))(t)
	must(r.ModifyRADIUS(ctx, RADIUSModify{Servers: &[]string{"127.0.0.1:1", "radius.example.org"}, Secret: Secret(secretA), Unsigned: new(true)}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB + ":radius", Auth: "radius", SelfSecret: Secret(secretB)}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: "iqn.1998-01.com.vmware:esx3", RADIUSUser: "esx3"}))(t)
}

func export(t *testing.T, r *rig) string {
	t.Helper()
	return must(r.ExportConfig(t.Context(), ConfigExport{Secrets: true}))(t).Document
}

func TestConfigCarriesOver(t *testing.T) {
	from, to := start(t, nil), start(t, nil)
	furnish(t, from)
	want := export(t, from)
	from.end() // a store serves one daemon
	plan := must(to.ApplyConfig(t.Context(), ConfigApply{Document: want}))(t)
	if !plan.Applied || len(plan.Offline) > 0 {
		t.Errorf("plan %+v", plan)
	}
	if diff := cmp.Diff(want, export(t, to)); diff != "" {
		t.Errorf("another export (-want +got):\n%s", diff)
	}
	to.restart()
	if diff := cmp.Diff(want, export(t, to)); diff != "" {
		t.Errorf("another export after a restart (-want +got):\n%s", diff)
	}
	if again := must(to.ApplyConfig(t.Context(), ConfigApply{Document: want, Prune: true}))(t); len(again.Steps)+len(again.Notes) > 0 {
		t.Errorf("a second time changes %+v", again)
	}
	if u := must(to.Unit(t.Context(), "600144f0000000000000000000000001"))(t); u.State != UnitOnline || u.OwnStore {
		t.Errorf("unit %+v, want it online, and its store not to be removed", u)
	}
	for _, text := range []string{
		must(to.ExportConfig(t.Context(), ConfigExport{}))(t).Document, fmt.Sprintf("%+v", plan), to.log.String(), from.log.String(),
	} {
		if strings.Contains(text, secretA) || strings.Contains(text, secretB) {
			t.Errorf("a secret in %q", text)
		}
	}
}

func TestConfigWithoutSecretsKeepsThem(t *testing.T) {
	r := start(t, nil)
	furnish(t, r)
	want := export(t, r)
	bare := must(r.ExportConfig(t.Context(), ConfigExport{}))(t).Document
	if plan := must(r.ApplyConfig(t.Context(), ConfigApply{Document: bare}))(t); len(plan.Steps) > 0 {
		t.Errorf("plan %+v, want nothing to do", plan)
	}
	if diff := cmp.Diff(want, export(t, r)); diff != "" {
		t.Errorf("the configuration changed (-want +got):\n%s", diff)
	}
	_, err := start(t, nil).ApplyConfig(t.Context(), ConfigApply{Document: bare})
	wantProblem(t, err, "no secret", "--secrets")
}

// A brokenState cannot be written.
type brokenState struct{ State }

func (brokenState) Update(func(Tx) error) error { return errBroken }

func TestConfigApplyTakesBack(t *testing.T) {
	r := start(t, nil)
	furnish(t, r)
	want, status := export(t, r), must(r.Status(t.Context()))(t)
	groups := must(r.Groups(t.Context()))(t)
	const other = `lunar: 1
units:
- {guid: 600144f0000000000000000000000001, path: PATH/a, size: 1048576, views: [{lun: 9, host_group: hosts}, {entry: 7, host_group: others}], thin: true, read_only: true}
- {guid: 600144f0000000000000000000000002, path: PATH/b, views: [{lun: 10}], product: OTHER}
- {guid: 600144f0000000000000000000000004, path: PATH/d, size: 1048576}
host_groups:
- {name: hosts, members: ["iqn.1998-01.com.vmware:esx2"], chap: {user: g, secret: fedcba9876543210}}
- {name: others, members: ["iqn.1998-01.com.vmware:esx1"]}
portal_groups:
- {name: lan, portals: ["127.0.0.1:0"]}
targets:
- {name: "iqn.2026-11.org.example:a", portal_groups: [lan], auth: chap}
- {name: "iqn.2026-11.org.example:new"}
initiators:
- {name: "iqn.1998-01.com.vmware:esx2", chap: {user: u, secret: 0123456789abcdef}}
discovery: {auth: none}
isns: {server: ""}
radius: {servers: [127.0.0.2], secret: 0123456789abcdef}
`
	saved := r.d.state
	r.d.state = brokenState{saved}
	document := strings.ReplaceAll(other, "PATH", r.path(""))
	_, err := r.ApplyConfig(t.Context(), ConfigApply{Document: document, Prune: true, Force: true})
	if err == nil || !strings.Contains(err.Error(), errBroken.Error()) || strings.Contains(err.Error(), "taking") {
		t.Errorf("error %v, want the state's alone", err)
	}
	r.d.state = saved
	if diff := cmp.Diff(want, export(t, r)); diff != "" {
		t.Errorf("the configuration changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(groups, must(r.Groups(t.Context()))(t)); diff != "" {
		t.Errorf("the portal groups changed (-want +got):\n%s", diff)
	}
	after := must(r.Status(t.Context()))(t)
	if len(after.Units) != len(status.Units) {
		t.Errorf("%d units, want %d", len(after.Units), len(status.Units))
	}
	if lu := r.d.units[mustGUID(t, "600144f0000000000000000000000001")]; lu.unit.ReadOnly() {
		t.Error("a unit stayed read-only")
	}

	must(r.ApplyConfig(t.Context(), ConfigApply{Document: document, Prune: true, Force: true}))(t)
	got := export(t, r)
	for _, word := range []string{"product: OTHER", "lun: 9", "entry: 7", "host_group: others", "name: lan", "example:new"} {
		if !strings.Contains(got, word) {
			t.Errorf("no %q in\n%s", word, got)
		}
	}
	r.restart()
	if diff := cmp.Diff(got, export(t, r)); diff != "" {
		t.Errorf("another export after a restart (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(r.path("c")); err != nil {
		t.Errorf("the store of a unit that was pruned: %v", err)
	}
}

func TestConfigAppliesOneAtATime(t *testing.T) {
	r := start(t, nil)
	var documents [2]string
	for i := range documents {
		var b strings.Builder
		b.WriteString("lunar: 1\ninitiators:\n")
		for n := range 50 {
			fmt.Fprintf(&b, "- name: iqn.2026-11.org.example:%d-%02d\n", i, n)
		}
		documents[i] = b.String()
	}
	var running sync.WaitGroup
	for n := range 20 {
		running.Go(func() {
			if _, err := r.ApplyConfig(t.Context(), ConfigApply{Document: documents[n%2], Prune: true}); err != nil {
				t.Error(err)
			}
			known, err := r.Initiators(t.Context())
			if err != nil || len(known) != 50 || known[0].Name[:26] != known[49].Name[:26] {
				t.Errorf("%d initiators, %v: want those of one document", len(known), err)
			}
		})
	}
	running.Wait()
}

// Sessions go on over changes of what they have nothing to do with, and of what they look at
// alone when they log in.
func TestConfigApplySpares(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("a"), Size: 1 << 20}))(t)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	login(t, r.portal(), iqnA)
	must(r.ApplyConfig(t.Context(), ConfigApply{Document: "lunar: 1\ntargets:\n- {name: \"" + iqnA + "\", auth: chap}\ninitiators:\n- name: iqn.2026-11.org.example:i\n"}))(t)
	if n := len(must(r.Sessions(t.Context()))(t)); n != 1 {
		t.Errorf("%d sessions, want the one that was there", n)
	}
	_, err := r.ApplyConfig(t.Context(), ConfigApply{Document: "lunar: 1\n", Prune: true})
	wantProblem(t, err, "1 session", "--force")
	must(r.ApplyConfig(t.Context(), ConfigApply{Document: "lunar: 1\n", Prune: true, Force: true}))(t)
	eventually(t, "the session ends", func() bool { return len(must(r.Sessions(t.Context()))(t)) == 0 })
}

func TestConfigDocumentsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("a"), Size: 1 << 20, GUID: "600144f0000000000000000000000001"}))(t)
	const unit = "lunar: 1\nunits:\n- {guid: 600144f0000000000000000000000001, path: "
	want := export(t, r)
	for _, c := range []struct{ document, words string }{
		{"", "no documents"},
		{"units: []", "lunar: 1"},
		{"lunar: 2", "format 2"},
		{"lunar: 1\nfoo: 2", "line 2: field foo not found"},
		{"lunar: 1\nlunar: 1", "already defined"},
		{"lunar: &a 1\nunits: *a", "aliases"},
		{strings.Repeat("[", 100), "depth"},
		{strings.Repeat("#", MaxDocument+1), "more than"},
		{"lunar: 1\nunits:\n- {path: /a, size: 512}", "needs a GUID"},
		{unit + "relative, size: 512}", "absolute"},
		{unit + "/other}", "another path"},
		{unit + "PATH/a, thin: true}", "another thin"},
		{unit + "PATH/a, offset: 512}", "another offset"},
		{unit + "PATH/a, state: ill}", "no state"},
		{unit + "PATH/a, views: [{lun: 99999}]}", "out of range"},
		{unit + "PATH/a, views: [{lun: 1}, {lun: 2}]}", "another one"},
		{unit + "PATH/a, views: [{entry: 1}, {entry: 1}]}", "twice"},
		{unit + "PATH/a, views: [{host_group: g}]}", "no host group"},
		{unit + "PATH/a, views: [{target_group: g}]}", "no target group"},
		{"lunar: 1\nhost_groups: [{name: a, members: [x]}]", "member"},
		{"lunar: 1\nhost_groups: [{name: a, members: [\"iqn.2026-11.org.example:a\"]}, {name: b, members: [\"iqn.2026-11.org.example:a\"]}]", "at most"},
		{"lunar: 1\ntarget_groups: [{name: a, chap: {user: u, secret: 0123456789abcdef}}]", "no credential"},
		{unit + "PATH/a}\n- {guid: 600144f0000000000000000000000001, path: PATH/a}", "twice"},
		{"lunar: 1\nunits:\n- {guid: 600144f0000000000000000000000002, path: PATH/a, size: 512}", "both have the store"},
		{"lunar: 1\nunits:\n- {guid: 600144f0000000000000000000000002, path: PATH/x, size: 512, views: [{lun: 0}]}", "both show LUN 0"},
		{"lunar: 1\nunits:\n- {guid: 600144f0000000000000000000000002, path: PATH/x, size: 512, serial: 600144f0000000000000000000000001}", "both have the serial"},
		{"lunar: 1\nunits:\n- {guid: 600144f0000000000000000000000002, path: PATH/x}", "no size"},
		{"lunar: 1\nportal_groups:\n- {name: default, portals: [127.0.0.1]}", "--listen"},
		{"lunar: 1\nportal_groups:\n- {name: a, portals: [127.0.0.1]}\n- {name: b, portals: [127.0.0.1]}", "both listen"},
		{"lunar: 1\nportal_groups:\n- {name: a, tag: 1, portals: [127.0.0.1]}", "both have tag 1"},
		{"lunar: 1\ntargets:\n- {name: x}", "target \"x\""},
		{"lunar: 1\ntargets:\n- {name: \"iqn.2026-11.org.example:a\", auth: mutual}", "mutual"},
		{"lunar: 1\ninitiators:\n- {name: \"iqn.2026-11.org.example:a\", chap: {user: u, secret: s}}", "secret"},
		{"lunar: 1\nalua_groups:\n- {number: 1, state: fine}", "fine"},
		{"lunar: 1\ndiscovery: {auth: guess}", "guess"},
	} {
		_, err := r.ApplyConfig(t.Context(), ConfigApply{Document: strings.ReplaceAll(c.document, "PATH", r.path("")), Force: true})
		wantProblem(t, err, c.words)
	}
	if diff := cmp.Diff(want, export(t, r)); diff != "" {
		t.Errorf("the configuration changed (-want +got):\n%s", diff)
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		"lunar: 1\n", "lunar: 1\nunits:\n- guid: 600144f0000000000000000000000001\n  path: /a\n  size: 512\n",
		"lunar: 1\ntargets:\n- name: iqn.2026-11.org.example:a\n  self: {user: u, secret: !!binary /w==}\n  created: 2026-11-22T00:00:00Z\n",
		"lunar: &a 1\nunits: *a\n", "lunar: 1\nportal_groups:\n- {name: a, portals: [\"[::]:3260\"]}\nalua_groups: [{number: 1, state: standby}]\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDocument(text)
		if err != nil {
			if d != nil {
				t.Error("a document and an error")
			}
			return
		}
		m := merge{current: emptyConfiguration(), listen: func(g groupRecord) groupRecord { return g }, sizeOf: func(string) (int64, error) { return 0, errors.New("no store") }}
		if m.merge(d) != nil {
			return
		}
		written, err := m.wanted.document(true).encode()
		if err != nil {
			t.Fatal(err)
		}
		d, err = parseDocument(written)
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		m = merge{current: emptyConfiguration(), listen: m.listen, sizeOf: m.sizeOf}
		if err := m.merge(d); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if again, _ := m.wanted.document(true).encode(); again != written {
			t.Errorf("%q, and from that %q", written, again)
		}
	})
}

// Everything that operators configure is in the document: a field that a record gets has to go
// there, or to be named here.
func TestDocumentHasAllFields(t *testing.T) {
	elsewhere := map[string]string{
		"isnsRecord.Entity": "is of this machine", "radiusRecord.Shared": "is its secret", "alarmRecord.Secret": "is url or login",
		"unitRecord.OwnStore": "is of this machine", "unitRecord.Clone": "is of this machine", "unitRecord.Fault": "is no configuration", "unitRecord.LUN": "is of an old format",
		"unitRecord.DR": "is no configuration", "memberGroupRecord.DR": "is no configuration", "unitRecord.Retired": "is a state", "unitRecord.Offline": "is a state", "unitRecord.Purpose": "is a state",
		"accessRecord.Cause": "is no configuration", "accessRecord.Explicit": "is alua",
		"groupRecord.Moved": "is permanent", "groupRecord.Access": "is alua_group", "targetRecord.Groups": "is portal_groups",
	}
	for _, c := range []struct{ record, document any }{
		{unitRecord{}, documentUnit{}}, {viewRecord{}, documentView{}}, {memberGroupRecord{}, documentGroup{}},
		{targetRecord{}, documentTarget{}}, {groupRecord{}, documentPortalGroup{}}, {accessRecord{}, documentALUAGroup{}},
		{initiatorRecord{}, documentInitiator{}}, {discoveryRecord{}, documentDiscovery{}}, {isnsRecord{}, documentISNS{}}, {radiusRecord{}, documentRADIUS{}}, {alarmRecord{}, documentAlarm{}}, {peerRecord{}, documentPeer{}}, {credential{}, documentCHAP{}},
	} {
		r, d := reflect.TypeOf(c.record), reflect.TypeOf(c.document)
		for i := range r.NumField() {
			name := r.Field(i).Name
			if _, there := d.FieldByName(name); !there && elsewhere[r.Name()+"."+name] == "" {
				t.Errorf("%s.%s is not in the document", r.Name(), name)
			}
		}
	}
}

func emptyConfiguration() configuration {
	return configuration{
		map[string]unitRecord{}, map[string]groupRecord{DefaultGroup: {Name: DefaultGroup, Tag: defaultGroupTag}}, map[string]accessRecord{},
		map[string]targetRecord{}, map[string]portRecord{}, map[string]initiatorRecord{}, map[string]discoveryRecord{}, map[string]isnsRecord{}, map[string]radiusRecord{}, map[string]alarmRecord{}, map[string]peerRecord{}, map[string]job.Job{},
		map[string]memberGroupRecord{}, map[string]memberGroupRecord{},
	}
}
