package control

import (
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHistoryTellsAll(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: "iqn.1998-01.com.vmware:esx1", CHAPSecret: Secret(secretA)}))(t)
	must(r.CreateUnit(ctx, UnitCreate{Path: r.path("a"), Size: 1 << 20, GUID: "600144f0000000000000000000000001"}))(t)
	must(r.ModifyUnit(ctx, "600144f0000000000000000000000001", UnitModify{Alias: ptr("a")}))(t)
	must(r.DeleteInitiator(ctx, "iqn.1998-01.com.vmware:esx1"))(t)
	if _, err := r.CreateUnit(ctx, UnitCreate{Path: r.path("a")}); err == nil {
		t.Error("a store serves two units")
	}
	want := []string{
		"remove initiator iqn.1998-01.com.vmware:esx1", "change unit 600144f0000000000000000000000001",
		"create unit 600144f0000000000000000000000001", "create initiator iqn.1998-01.com.vmware:esx1",
	}
	me := must(user.Current())(t).Username
	for range 2 {
		list := must(r.ConfigHistory(ctx))(t)
		var got []string
		for i, c := range list {
			got = append(got, c.Changes...)
			if c.Number != uint64(len(list)-i) || c.Time.IsZero() || runtime.GOOS == "linux" && c.Who != me {
				t.Errorf("change %+v, want number %d by %s", c, len(list)-i, me)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		r.restart()
	}
	if state, err := os.ReadFile(r.opts.StateDir + "/" + boltFile); err != nil || strings.Contains(string(state), secretA) {
		t.Errorf("the secret is in the state (%v)", err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	r := start(t, nil)
	for n := range maxHistory + 10 {
		must(r.ModifyDiscovery(t.Context(), DiscoveryModify{Auth: []string{"chap", "none"}[n%2]}))(t)
	}
	list := must(r.ConfigHistory(t.Context()))(t)
	if len(list) != maxHistory || list[0].Number != maxHistory+10 {
		t.Errorf("%d changes, the last %d: want %d and %d", len(list), list[0].Number, maxHistory, maxHistory+10)
	}
	_, err := r.RollbackConfig(t.Context(), "5", ConfigRollback{})
	wantProblem(t, err, "no change 5")
	must(r.RollbackConfig(t.Context(), "11", ConfigRollback{}))(t)
	if d := must(r.Discovery(t.Context()))(t); d.Auth != "chap" {
		t.Errorf("discovery %+v after change 11", d)
	}
}

func TestRollback(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	empty := export(t, r)
	furnish(t, r)
	full := export(t, r)
	after := must(r.ConfigHistory(ctx))(t)[0].Number
	must(r.ApplyConfig(ctx, ConfigApply{Document: empty, Prune: true, Force: true}))(t)
	if diff := cmp.Diff(empty, export(t, r)); diff != "" {
		t.Errorf("the configuration is not empty (-want +got):\n%s", diff)
	}
	_, err := r.RollbackConfig(ctx, "x", ConfigRollback{})
	wantProblem(t, err, "no number")

	if plan := must(r.RollbackConfig(ctx, fmt.Sprint(after), ConfigRollback{DryRun: true}))(t); plan.Applied || len(plan.Steps) == 0 {
		t.Errorf("plan %+v, want steps that are not taken", plan)
	}
	_, err = r.RollbackConfig(ctx, fmt.Sprint(after), ConfigRollback{Base: &after})
	wantProblem(t, err, "since the plan")
	must(r.RollbackConfig(ctx, fmt.Sprint(after), ConfigRollback{}))(t)
	if diff := cmp.Diff(full, export(t, r)); diff != "" {
		t.Errorf("not as it was (-want +got):\n%s", diff)
	}
	must(r.RollbackConfig(ctx, "0", ConfigRollback{Force: true}))(t)
	if diff := cmp.Diff(empty, export(t, r)); diff != "" {
		t.Errorf("not as it began (-want +got):\n%s", diff)
	}
	must(r.RollbackConfig(ctx, fmt.Sprint(after+2), ConfigRollback{}))(t)
	r.restart()
	if diff := cmp.Diff(full, export(t, r)); diff != "" {
		t.Errorf("not as it was after a restart (-want +got):\n%s", diff)
	}
}
