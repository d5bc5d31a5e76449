package control

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWholeDocument: testdata/whole.yaml, which has every field that there is, is what a daemon
// exports that was empty when it was applied.
func TestWholeDocument(t *testing.T) {
	r := start(t, nil)
	text, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(text), "WORK", r.path(""))
	doc := must(parseDocument(want))(t)
	set, known := make(map[string]bool), make(map[string]bool)
	fields(reflect.ValueOf(*doc), set, known)
	for name := range known {
		if !set[name] {
			t.Errorf("%s is nowhere in the document", name)
		}
	}
	for _, u := range doc.Units {
		must(0, os.WriteFile(u.Path, make([]byte, u.Offset+u.Size), 0o600))(t)
	}
	plan := must(r.ApplyConfig(t.Context(), ConfigApply{Document: want}))(t)
	if len(plan.Offline)+len(plan.Notes) > 0 {
		t.Errorf("plan %+v", plan)
	}
	for _, when := range []string{"applied", "applied, and the daemon has restarted"} {
		if diff := cmp.Diff(want, export(t, r)); diff != "" {
			t.Errorf("the document is %s (-document +export):\n%s", when, diff)
		}
		if again := must(r.ApplyConfig(t.Context(), ConfigApply{Document: want, Prune: true}))(t); len(again.Steps)+len(again.Notes) > 0 {
			t.Errorf("the document is %s, and changes %+v", when, again)
		}
		r.restart()
	}
}

// fields enters the fields of v's type and of what is in v, and those that are set.
func fields(v reflect.Value, set, known map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fields(v.Elem(), set, known)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields(v.Index(i), set, known)
		}
	case reflect.Struct:
		if v.Type().PkgPath() != reflect.TypeFor[document]().PkgPath() {
			return
		}
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			known[name] = true
			set[name] = set[name] || !v.Field(i).IsZero()
			fields(v.Field(i), set, known)
		}
	}
}
