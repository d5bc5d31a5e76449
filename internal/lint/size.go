package lint

import (
	"fmt"
	"path"
	"strings"
)

// A file longer than this is more than one thing (lines).
const (
	maxLines     = 500
	maxTestLines = 800
)

// size reports files that are too long. What a machine wrote, and data that tests read, may
// be of any length.
func size(t *Tree) (out []Finding) {
	for _, f := range t.Files {
		limit := maxLines
		switch {
		case f.generated() || strings.Contains("/"+f.Path, "/testdata/"):
			continue
		case f.isTest():
			limit = maxTestLines
		}
		switch path.Ext(f.Path) {
		case ".go", ".sh", ".md", ".c", "":
			if path.Base(f.Path) == "LICENSE" {
				continue
			}
		default:
			continue
		}
		if n := strings.Count(f.Text, "\n"); n > limit {
			out = append(out, Finding{f.Path, 0, fmt.Sprintf("%d lines, more than %d: it is several things, split it", n, limit)})
		}
	}
	return out
}
