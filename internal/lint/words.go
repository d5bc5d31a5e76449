package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// unfinished are words that put off what the tree should say or do now.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b|panic\("(unwritten|not implemented|unimplemented)"\)`)

// somewhere matches paths that exist on one person's machine.
var somewhere = regexp.MustCompile(`(^|[\s"'` + "`" + `(=:])/(home/[a-z]|root/|work/|Users/)`)

// upwards matches paths that may lead out of the checkout.
var upwards = regexp.MustCompile(`(?:\.\./)+[A-Za-z0-9_.-]+`)

// mayReachOut are the files that look for something beside the checkout and do without it.
var mayReachOut = []string{"bench", "stream/dmu", "stream/image", "stream/zpl"}

// words reports words of unfinished work.
func words(t *Tree) (out []Finding) {
	for l := range t.lines() {
		if m := unfinished.FindString(l.text); m != "" {
			out = append(out, l.finding("%s: finish it, or open an issue", m))
		}
	}
	return out
}

// paths reports paths that mean something on one machine only, or lead out of the checkout.
func paths(t *Tree) (out []Finding) {
	for l := range t.lines() {
		if m := somewhere.FindString(l.text); m != "" {
			out = append(out, l.finding("a path of one machine: %s", m))
		}
		for _, m := range upwards.FindAllString(l.text, -1) {
			outside := strings.HasPrefix(path.Join(l.file.dir(), m), "..")
			if outside && !slices.ContainsFunc(mayReachOut, l.file.within) {
				out = append(out, l.finding("%s leads out of the checkout", m))
			}
		}
	}
	return out
}
