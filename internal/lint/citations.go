package lint

import (
	"fmt"
	"regexp"
	"strings"
)

// refs is the file of everything that may be cited.
const refs = "docs/refs.txt"

var (
	// citation matches a document and the sections that follow it: "RFC 7143 §6.3, §11.12 and
	// §11.13".
	citation = regexp.MustCompile(`\b(RFC[ -]?\d{3,5}|(?:SAM|SPC|SBC)-\d)((?:(?:,| and| or|,? to|;)? ?§ ?[0-9A-D][0-9.]*)*)`)
	section  = regexp.MustCompile(`[0-9A-D][0-9.]*`)
	document = regexp.MustCompile(`^(?:RFC \d+|(?:SAM|SPC|SBC)-\d)$`)

	// superseded are editions that must not be cited, whatever refs says of them.
	superseded = map[string]string{
		"RFC 3720": "RFC 7143", "RFC 3980": "RFC 7143", "RFC 4850": "RFC 7143", "RFC 5048": "RFC 7143",
		"SAM-2": "SAM-5", "SAM-3": "SAM-5", "SAM-4": "SAM-5",
		"SPC-3": "SPC-5", "SPC-4": "SPC-5",
		"SBC-2": "SBC-4", "SBC-3": "SBC-4",
	}
)

// citations reports citations of documents that are superseded or unknown, and of sections
// that do not exist, in comments and in prose. A version that a disk claims to comply with is
// no citation: a line that speaks of a version, or a declaration named after one, may name
// any edition.
func citations(t *Tree) (out []Finding) {
	known := map[string]bool{}
	doc := ""
	for _, f := range t.Files {
		if f.Path != refs {
			continue
		}
		for line := range strings.Lines(f.Text) {
			line = strings.TrimSpace(line)
			num, _, isSection := strings.Cut(line, "\t")
			switch {
			case line == "" || line[0] == '#':
			case document.MatchString(line):
				doc = line
				known[doc] = true
			case isSection:
				known[doc+" §"+num] = true
			}
		}
	}
	if len(known) == 0 {
		return []Finding{{refs, 0, "it lists nothing that may be cited"}}
	}
	for l := range t.lines() {
		text, anyEdition := l.text, strings.Contains(strings.ToLower(l.text), "version")
		if l.file.AST != nil {
			text = l.file.commentAt(l.n)
			anyEdition = anyEdition || strings.Contains(strings.ToLower(l.file.declarationAt(l.n)), "version")
		}
		if l.file.Path == refs {
			continue
		}
		for _, text := range cited(text, known, anyEdition) {
			out = append(out, l.finding("%s", text))
		}
	}
	return out
}

// commentAt returns what is comment in a line of a Go file.
func (f *File) commentAt(n int) string {
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			first := f.fset.Position(c.Pos()).Line
			lines := strings.Split(c.Text, "\n")
			if i := n - first; i >= 0 && i < len(lines) {
				return lines[i]
			}
		}
	}
	return ""
}

// declarationAt returns the names that the declaration around a line of a Go file declares.
func (f *File) declarationAt(n int) (names string) {
	for name, d := range f.topLevel() {
		if f.fset.Position(d.Pos()).Line <= n && n <= f.fset.Position(d.End()).Line {
			names += name.Name + " "
		}
	}
	return names
}

// cited judges the citations of one line.
func cited(line string, known map[string]bool, anyEdition bool) (wrong []string) {
	for _, m := range citation.FindAllStringSubmatch(line, -1) {
		doc := strings.Replace(strings.Replace(m[1], "RFC-", "RFC", 1), "RFC", "RFC ", 1)
		doc = strings.Replace(doc, "  ", " ", 1)
		if instead, old := superseded[doc]; old {
			if !anyEdition {
				wrong = append(wrong, fmt.Sprintf("%s is superseded: cite %s", doc, instead))
			}
			continue
		}
		if !known[doc] {
			wrong = append(wrong, fmt.Sprintf("%s is not in %s", doc, refs))
			continue
		}
		for _, sec := range section.FindAllString(m[2], -1) {
			if sec = strings.TrimRight(sec, "."); !known[doc+" §"+sec] {
				wrong = append(wrong, fmt.Sprintf("%s lists no §%s of %s", refs, sec, doc))
			}
		}
	}
	return wrong
}
