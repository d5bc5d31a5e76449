package lint

import "testing"

// A module of its own may import what it likes: its dependencies are none of ours.
func TestNestedModule(t *testing.T) {
	stranger := "package main\n\nimport _ \"example.org/x\"\n"
	tree, err := New(map[string]string{
		"go.mod":             "module github.com/lunarsan/lunar\n",
		"bench/other/go.mod": "module github.com/lunarsan/lunar/bench/other\n",
		"bench/other/a.go":   stranger,
		"bench/others.go":    stranger,
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := foreign(tree); len(found) != 1 || found[0].Path != "bench/others.go" {
		t.Errorf("found %v, want one in bench/others.go", found)
	}
}
