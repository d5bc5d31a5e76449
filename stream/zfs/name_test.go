package zfs

import (
	"errors"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"tank": true, "tank/v": true, "tank/a.b/c-d_e:f": true, "tank/a b": true,
		"": false, "/tank": false, "tank/": false, "tank//v": false, "-r": false, "tank/-v": false, "tank/..": false, "./v": false,
		"tank/v@a": false, "tank/v#a": false, "tank/v%a": false, "tank/v,w": false, "tank/\tv": false, "tank/v\n": false, "tank/é": false, "tank/v;id": false,
		"tank/" + strings.Repeat("v", 250): true, "tank/" + strings.Repeat("v", 251): false,
	} {
		if _, err := Open(name, nil); ok != (err == nil) || err != nil && !errors.Is(err, errName) {
			t.Errorf("dataset %q: %v", name, err)
		}
	}
	for name, ok := range map[string]bool{
		"a": true, "lunar-2026-11-22T10:00:00Z": true, "a b": true,
		"": false, "-r": false, " a": false, "a,b": false, "a%b": false, "%": false, "a@b": false, "a#b": false, "a/b": false, "*": false, "..": false,
		strings.Repeat("a", 256): false,
	} {
		if err := checkShort(name); ok != (err == nil) {
			t.Errorf("snapshot %q: %v", name, err)
		}
	}
	for tag, ok := range map[string]bool{
		"lunar:job": true, "a b": true, "a,b": true,
		"": false, "-r": false, ".send-1": false, "a\tb": false, "a\nb": false, strings.Repeat("a", 256): false,
	} {
		if err := checkTag(tag); ok != (err == nil) {
			t.Errorf("tag %q: %v", tag, err)
		}
	}
}

// TestPath: where the machine has the node.
func TestPath(t *testing.T) {
	v, err := Open("tank/a b/c", nil)
	if err != nil {
		t.Fatal(err)
	}
	v.folder = folders["linux"]
	if got := v.Path(); got != "/dev/zvol/tank/a+b/c" {
		t.Error(got)
	}
	if v.Name() != "tank/a b/c" {
		t.Error(v.Name())
	}
}
