package control

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	iqnA = "iqn.2026-11.org.example:a"
	iqnB = "iqn.2026-11.org.example:b"
)

func TestTargetCreateAndRestart(t *testing.T) {
	r := start(t, nil)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: strings.ToUpper(iqnA), Alias: "first"}))(t)
	made := must(r.CreateTarget(t.Context(), TargetCreate{Groups: []string{DefaultGroup}, Auth: "mutual", SelfSecret: Secret("123456789012")}))(t)
	if !strings.HasPrefix(made.Name, namePrefix) || made.SelfUser != made.Name {
		t.Errorf("made up %+v", made)
	}
	before := must(r.Targets(t.Context()))(t)
	if len(before) != 2 || before[1].Name != iqnA {
		t.Fatalf("targets %+v", before)
	}
	r.restart()
	if diff := cmp.Diff(before, must(r.Targets(t.Context()))(t)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	if _, status := login(t, r.portal(), iqnA); status != 0 {
		t.Errorf("login status %04xh after a restart", status)
	}
}

func TestTargetCreateRefused(t *testing.T) {
	r := start(t, nil)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	must(r.CreateInitiator(t.Context(), InitiatorCreate{Name: iqnB, CHAPSecret: Secret("the same secret")}))(t)
	tests := []struct {
		name string
		q    TargetCreate
		want string
	}{
		{"no name", TargetCreate{Name: "disks"}, "iqn."},
		{"taken", TargetCreate{Name: iqnA}, "exists"},
		{"portal group", TargetCreate{Groups: []string{"nowhere"}}, "lunar tpg list"},
		{"method", TargetCreate{Auth: "password"}, "none, chap, mutual or radius"},
		{"mutual without a secret", TargetCreate{Auth: "mutual"}, "--chap-secret-file"},
		{"secret without mutual", TargetCreate{Auth: "chap", SelfSecret: Secret("123456789012")}, "--auth mutual"},
		{"user without secret", TargetCreate{Auth: "mutual", SelfUser: "x"}, "no secret"},
		{"short secret", TargetCreate{Auth: "mutual", SelfSecret: Secret("short")}, "12"},
		{"an initiator's secret", TargetCreate{Auth: "mutual", SelfSecret: Secret("the same secret")}, iqnB},
		{"alias", TargetCreate{Alias: strings.Repeat("x", 256)}, "alias"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.CreateTarget(t.Context(), test.q)
			wantProblem(t, err, test.want)
		})
	}
	if list := must(r.Targets(t.Context()))(t); len(list) != 1 {
		t.Errorf("%d targets, want the first alone", len(list))
	}
}

func TestTargetOffline(t *testing.T) {
	r := start(t, nil)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, r.portal(), iqnA)
	if info := must(r.OfflineTarget(t.Context(), iqnA))(t); info.State != TargetOffline {
		t.Errorf("state %s", info.State)
	}
	c.Close()
	r.restart()
	if _, status := login(t, r.portal(), iqnA); status != 0x0301 {
		t.Errorf("login status %04xh at a target that is offline, want 0301h", status)
	}
	for range 2 { // the second changes nothing
		must(r.OnlineTarget(t.Context(), iqnA))(t)
	}
	if _, status := login(t, r.portal(), iqnA); status != 0 {
		t.Errorf("login status %04xh at a target that is online again", status)
	}
	_, err := r.OfflineTarget(t.Context(), iqnB)
	wantProblem(t, err, "no target", "lunar target list")
}

func TestTargetDelete(t *testing.T) {
	r := start(t, nil)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, r.portal(), iqnA)
	_, err := r.DeleteTarget(t.Context(), iqnA, TargetDelete{})
	wantProblem(t, err, "1 session", "--force")
	must(r.DeleteTarget(t.Context(), iqnA, TargetDelete{Force: true}))(t)
	c.Close()
	if _, status := login(t, r.portal(), iqnA); status != 0x0204 {
		t.Errorf("login status %04xh at a target that was deleted, want 0204h", status)
	}
	r.restart()
	if list := must(r.Targets(t.Context()))(t); len(list) != 0 {
		t.Errorf("it came back: %+v", list)
	}
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
}

func TestInitiators(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: strings.ToUpper(iqnB), Alias: "B"}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: iqnA, CHAPUser: "joe", CHAPSecret: Secret("123456789012")}))(t)
	user := "ann"
	must(r.ModifyInitiator(ctx, iqnB, InitiatorModify{CHAPSecret: Secret("another secret")}))(t)
	want := []InitiatorInfo{{Name: iqnA, CHAPUser: "joe"}, {Name: iqnB, Alias: "B", CHAPUser: iqnB}}
	r.restart()
	if diff := cmp.Diff(want, must(r.Initiators(ctx))(t)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	must(r.ModifyInitiator(ctx, iqnB, InitiatorModify{CHAPUser: &user}))(t)
	must(r.ModifyInitiator(ctx, iqnA, InitiatorModify{NoCHAP: true}))(t)
	want = []InitiatorInfo{{Name: iqnA}, {Name: iqnB, Alias: "B", CHAPUser: "ann"}}
	if diff := cmp.Diff(want, must(r.Initiators(ctx))(t)); diff != "" {
		t.Errorf("modified (-want +got):\n%s", diff)
	}
	must(r.DeleteInitiator(ctx, iqnA))(t)
	r.restart()
	if diff := cmp.Diff(want[1:], must(r.Initiators(ctx))(t)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}

	_, err := r.CreateInitiator(ctx, InitiatorCreate{Name: iqnB})
	wantProblem(t, err, "already", "modify")
	_, err = r.CreateInitiator(ctx, InitiatorCreate{Name: "esx1"})
	wantProblem(t, err, "iqn.")
	_, err = r.CreateInitiator(ctx, InitiatorCreate{Name: iqnA, CHAPUser: "joe"})
	wantProblem(t, err, "no secret")
	_, err = r.CreateInitiator(ctx, InitiatorCreate{Name: iqnA, CHAPSecret: Secret("short")})
	wantProblem(t, err, "12")
	_, err = r.ModifyInitiator(ctx, iqnA, InitiatorModify{CHAPUser: &user})
	wantProblem(t, err, "no initiator", "lunar initiator list")
	_, err = r.DeleteInitiator(ctx, iqnA)
	wantProblem(t, err, "no initiator")

	must(r.CreateTarget(ctx, TargetCreate{Auth: "mutual", SelfSecret: Secret("a target's own")}))(t)
	_, err = r.CreateInitiator(ctx, InitiatorCreate{Name: iqnA, CHAPSecret: Secret("a target's own")})
	wantProblem(t, err, "secret")
}

func TestDiscovery(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	if got := must(r.Discovery(ctx))(t); got != (DiscoveryInfo{Auth: "none"}) {
		t.Errorf("at first %+v", got)
	}
	want := DiscoveryInfo{Auth: "mutual", SelfUser: "joe"}
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "mutual", SelfUser: "joe", SelfSecret: Secret("123456789012")}))(t)
	r.restart()
	if got := must(r.Discovery(ctx))(t); got != want {
		t.Errorf("after a restart %+v, want %+v", got, want)
	}
	_, err := r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "mutual"})
	wantProblem(t, err, "--chap-secret-file")
	_, err = r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "mutual", SelfSecret: Secret("short")})
	wantProblem(t, err, "12")
	if got := must(r.Discovery(ctx))(t); got != want {
		t.Errorf("after refused changes %+v, want %+v", got, want)
	}
}

func TestSessions(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, r.portal(), iqnA)
	list := must(r.Sessions(ctx))(t)
	if len(list) != 1 {
		t.Fatalf("%d sessions, want 1", len(list))
	}
	want := Session{
		ID: list[0].ID, Initiator: "iqn.2026-11.org.example:initiator", Target: iqnA, Group: 1, ISID: "800000010000",
		TSIH: list[0].TSIH, Peer: c.LocalAddr().String(), Local: r.portal(), Digests: "none", Since: list[0].Since,
	}
	if diff := cmp.Diff(want, list[0].Session); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := must(r.Targets(ctx))(t)[0].Sessions; got != 1 {
		t.Errorf("the target has %d sessions, want 1", got)
	}
	must(r.CloseSession(ctx, list[0].ID))(t)
	ended(t, c)
	_, err := r.CloseSession(ctx, 999)
	wantProblem(t, err, "no session 999", "lunar session list")
}
