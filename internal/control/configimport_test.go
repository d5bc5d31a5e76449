package control

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An import takes COMSTAR's metadata from the stores, secrets from the export, and leaves nothing
// behind where it cannot go through.
func TestImportConfig(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	text, err := os.ReadFile("../comstar/testdata/stmf.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sp1/gw/trio1", "sp2/esx/vol1"} {
		if err := os.MkdirAll(r.path(path[:strings.LastIndexByte(path, '/')]), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.path(path), make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ask := ConfigImport{From: ImportSTMF, Export: string(text), DropGroups: true, MapPaths: []string{"/dev/zvol/rdsk=" + r.path("")}}

	must(r.CreateUnit(ctx, UnitCreate{Path: r.path("other"), Size: 1 << 20, LUN: ptr(5), Alias: "other"}))(t)
	before := export(t, r)
	_, err = r.ImportConfig(ctx, ask)
	wantProblem(t, err, "LUN 5")
	if diff := cmp.Diff(before, export(t, r)); diff != "" {
		t.Errorf("half an import (-want +got):\n%s", diff)
	}
	must(r.DeleteUnit(ctx, "other", UnitDelete{}))(t)

	plan := must(r.ImportConfig(ctx, ask))(t)
	if !plan.Applied || !slices.ContainsFunc(plan.Lost, func(l string) bool { return strings.Contains(l, "as LUN 300") }) {
		t.Errorf("plan %+v, want it applied but for LUN 300", plan)
	}
	u := must(r.Unit(ctx, "600144f01eb3862c0000494b55cd0001"))(t)
	if u.State != UnitOnline || u.Product != "COMSTAR" || u.Version != 5 || u.Size != 1<<20 {
		t.Errorf("unit %+v", u)
	}
	if asked := must(r.RADIUS(ctx))(t); len(asked.Servers) != 1 || asked.Servers[0].Server != "10.0.0.9:1812" || !asked.Secret {
		t.Errorf("RADIUS %+v", asked)
	}
	if again := must(r.ImportConfig(ctx, ask))(t); len(again.Steps) > 0 {
		t.Errorf("a second time changes %+v", again.Steps)
	}
	after := export(t, r)
	if !strings.Contains(after, "secret:") || strings.Contains(after, "[secret]") {
		t.Errorf("the secrets of the export are not in\n%s", after)
	}
}
