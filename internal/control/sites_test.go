package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

// What a job carries is kept as versions, each since a snapshot, and sealed; the same text is no
// other version, and the oldest are forgotten.
func TestSiteVersions(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	guid := must(sbd.ParseGUID(guidA))(t)
	deposit := func(day int, text string) error {
		at := time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, day)
		return s.d.depositSite(ctx, "main", SiteDeposit{Job: "nightly", Snapshot: fmt.Sprint("day", day), Taken: at,
			Volumes: []SiteVolume{{guid, "lu:" + guidA, s.replica}}, Document: text})
	}
	text := func(alias string) string {
		return "lunar: 1\nunits:\n- {guid: " + guidA + ", alias: " + alias + ", path: /a, size: 512}\n" +
			"initiators:\n- {name: 'iqn.2026-11.org.example:i', chap: {user: i, secret: " + secretA + "}}\n"
	}
	for day := range 3 {
		if err := deposit(day, text("one")); err != nil {
			t.Fatal(err)
		}
	}
	info := must(s.Site(ctx, "nightly"))(t)
	if len(info.Versions) != 2 || info.Snapshot != "day2" || info.Name != "main/nightly" {
		t.Errorf("the site is %+v", info)
	}
	if strings.Contains(s.dump(), secretA) {
		t.Error("a secret is in the state in the clear")
	}
	old := must(s.ShowSite(ctx, "nightly", SiteShow{Version: 1, There: true}))(t)
	now := must(s.ShowSite(ctx, "main/nightly", SiteShow{}))(t)
	if !strings.Contains(old.Document, "alias: vm1") || !strings.Contains(now.Document, "alias: one") || strings.Contains(now.Document, secretA) {
		t.Errorf("showed %s and %s", old.Document, now.Document)
	}
	for n := range maxSiteVersions + 5 {
		if err := deposit(3+n, text(fmt.Sprint("n", n))); err != nil {
			t.Fatal(err)
		}
	}
	info = must(s.Site(ctx, "nightly"))(t)
	if len(info.Versions) != maxSiteVersions || info.Versions[0].Number != 8 {
		t.Errorf("%d versions, from %d on", len(info.Versions), info.Versions[0].Number)
	}
	if n := strings.Count(s.dump(), string(siteDocumentKind)+"main/nightly/"); n < maxSiteVersions || n > 2*maxSiteVersions {
		t.Errorf("%d documents are kept", n)
	}
	_, err := s.ShowSite(ctx, "nightly", SiteShow{Version: 1})
	wantProblem(t, err, "version 1")
	must(s.DeleteSite(ctx, "nightly"))(t)
	if strings.Contains(s.dump(), "main/nightly") {
		t.Error("something is left of the site")
	}
}

func TestSiteDepositRefused(t *testing.T) {
	s := newSite(t)
	guid := must(sbd.ParseGUID(guidB))(t)
	good := "lunar: 1\nunits:\n- {guid: " + guidB + ", path: /a, size: 512}\n"
	volumes := []SiteVolume{{guid, "lu:" + guidB, "/r"}}
	for _, test := range []struct {
		q    SiteDeposit
		want string
	}{
		{SiteDeposit{Job: "a/b", Document: good, Volumes: volumes}, "not the name"},
		{SiteDeposit{Job: "a", Document: "lunar: 9\n", Volumes: volumes}, "9"},
		{SiteDeposit{Job: "a", Document: "lunar: 1\n", Volumes: volumes}, guidB},
		{SiteDeposit{Job: "a", Document: good, Volumes: []SiteVolume{{Unit: guid}}}, "no replica"},
	} {
		wantProblem(t, s.d.depositSite(t.Context(), "main", test.q), test.want)
	}
	for n := range maxSites - 1 {
		if err := s.d.depositSite(t.Context(), "main", SiteDeposit{Job: fmt.Sprint("job", n), Document: good, Volumes: volumes}); err != nil {
			t.Fatal(err)
		}
	}
	wantProblem(t, s.d.depositSite(t.Context(), "main", SiteDeposit{Job: "more", Document: good, Volumes: volumes}), "256 sites")
}

// The configuration that was carried is made fit for this site by what is rewritten.
func TestSiteRewrite(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	plain := must(s.ShowSite(ctx, "nightly", SiteShow{}))(t)
	if strings.Contains(plain.Document, "192.0.2.1") || !strings.Contains(plain.Document, "path: "+s.replica+"\n") || len(plain.Notes) != 1 || !strings.Contains(plain.Notes[0], "all portal groups") {
		t.Errorf("without rewrites it is %s %q", plain.Document, plain.Notes)
	}
	must(s.ModifySite(ctx, "nightly", SiteModify{Rewrites: []SiteRewrite{
		{RewritePath, s.path(""), "/elsewhere"}, {RewritePath, "/", "/not"}, {RewritePortal, "192.0.2.1", "127.0.0.1"}, {RewritePortalGroup, "san", "recovery"},
	}}))(t)
	here := must(s.ShowSite(ctx, "nightly", SiteShow{}))(t)
	for _, want := range []string{"path: /elsewhere/replica.img\n", "- name: recovery\n  portals:\n  - 127.0.0.1:3260\n", "portal_groups:\n  - recovery\n"} {
		if !strings.Contains(here.Document, want) {
			t.Errorf("%q is not in %s", want, here.Document)
		}
	}
	if there := must(s.ShowSite(ctx, "nightly", SiteShow{There: true}))(t); !strings.Contains(there.Document, "192.0.2.1:3260") {
		t.Errorf("as it came it is %s", there.Document)
	}
	info := must(s.ModifySite(ctx, "nightly", SiteModify{Rewrites: []SiteRewrite{{RewritePath, "/", ""}}}))(t)
	if len(info.Rewrites) != 3 {
		t.Errorf("rewrites %+v", info.Rewrites)
	}
	must(s.CreateGroup(ctx, GroupCreate{Name: "recovery", Portals: []string{"127.0.0.1:0"}}))(t)
	if here := must(s.ShowSite(ctx, "nightly", SiteShow{}))(t); strings.Contains(here.Document, "name: recovery") {
		t.Errorf("a portal group that is here is in %s", here.Document)
	}
	for _, w := range []SiteRewrite{{"disk", "a", "b"}, {RewritePath, "a", "/b"}, {RewritePortal, "a b", "c"}, {RewritePortalGroup, "", "x"}} {
		_, err := s.ModifySite(ctx, "nightly", SiteModify{Rewrites: []SiteRewrite{w}})
		wantProblem(t, err)
	}
}

// TestSiteCarries: what goes along of one daemon makes the same of another.
func TestSiteCarries(t *testing.T) {
	from := start(t, nil)
	furnish(t, from)
	must(from.SetAlarm(t.Context(), AlarmCommand, AlarmSet{Command: "/bin/true"}))(t)
	unit := must(sbd.ParseGUID("600144f0000000000000000000000005"))(t)
	s := newSite(t)
	volumes := []SiteVolume{{unit, "lu:" + unit.String(), s.replica}}
	q, err := from.d.siteDeposit(t.Context(), "weekly", "first", time.Now(), volumes, true)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(q.Document, "guid:") != 1 || strings.Contains(q.Document, "alarms:") {
		t.Errorf("more than the unit and who sees it goes along: %s", q.Document)
	}
	q.Document += "alarms:\n- {way: command, command: /bin/false}\n" // which another version may send
	if err := s.d.depositSite(t.Context(), "main", q); err != nil {
		t.Fatal(err)
	}
	_, err = s.DiffSite(t.Context(), "weekly")
	wantProblem(t, err, "no RADIUS server")
	must(s.ModifyRADIUS(t.Context(), RADIUSModify{Servers: &[]string{"127.0.0.1:1"}, Secret: Secret(secretA)}))(t)
	plan := must(s.DiffSite(t.Context(), "weekly"))(t)
	var steps []string
	for _, step := range plan.Steps {
		steps = append(steps, step.Action+" "+step.Kind+" "+step.Name)
	}
	want := []string{"create unit " + unit.String(), "create host group hosts", "create target group to day",
		"change target " + iqnA, "create target " + iqnB, "create target " + iqnB + ":radius",
		"create initiator iqn.1998-01.com.vmware:esx1", "create initiator iqn.1998-01.com.vmware:esx2", "create initiator iqn.1998-01.com.vmware:esx3"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("the plan is (-want +got):\n%s", diff)
	}
	bare, err := from.d.siteDeposit(t.Context(), "weekly", "first", time.Now(), volumes, false)
	if err != nil || strings.Contains(bare.Document, secretA) || strings.Contains(bare.Document, secretB) {
		t.Errorf("%v, %s", err, bare.Document)
	}
}
