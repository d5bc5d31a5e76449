package control

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Every route is in the description with its types, all of their fields among the components, and
// nothing refers to what is not there.
func TestOpenAPI(t *testing.T) {
	r := start(t, nil)
	response, text := r.request("GET", openAPIPath, "")
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %s", response.Status, text)
	}
	var a openAPI
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, route := range routes {
		o, there := a.Paths[route.path][strings.ToLower(route.method)]
		if !there || o.Summary != route.doc || ids[o.ID] {
			t.Errorf("%s %s is described as %+v", route.method, route.path, o)
		}
		ids[o.ID] = true
		if named := strings.Contains(route.path, "{"); named != (len(o.Parameters) == 1) {
			t.Errorf("%s %s has parameters %+v", route.method, route.path, o.Parameters)
		}
		if (o.Body != nil) != (route.ask != nil) {
			t.Errorf("%s %s has body %+v", route.method, route.path, o.Body)
		}
		for _, kind := range []reflect.Type{route.ask, route.answer} {
			checkDescribed(t, &a, kind)
		}
		if _, there := o.Responses["default"].Content["application/problem+json"]; !there {
			t.Errorf("%s %s does not describe its problems", route.method, route.path)
		}
	}
	for _, part := range strings.Split(text, `"$ref":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		if a.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
			t.Errorf("nothing is at %s", ref)
		}
	}
}

// checkDescribed checks that all fields that JSON has of kind are described.
func checkDescribed(t *testing.T, a *openAPI, kind reflect.Type) {
	t.Helper()
	if kind == nil {
		return
	}
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice || kind.Kind() == reflect.Map {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct {
		return
	}
	s := a.Components.Schemas[schemaName(kind)]
	if s == nil {
		t.Errorf("%v is not described", kind)
		return
	}
	for _, f := range reflect.VisibleFields(kind) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		if s.Properties[name] == nil {
			t.Errorf("%v.%s is not described", kind, name)
		}
	}
}
