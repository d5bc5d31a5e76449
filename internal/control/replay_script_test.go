package control

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runReplay plays the script in file, step by step; steps are set apart by empty lines.
func runReplay(t *testing.T, file string, p *replay) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for step := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		input, want, asks := strings.Cut(step, "\n----")
		want = strings.Trim(want, "\n")
		pieces := piecesOf(want)
		var got []string
		for _, c := range commandsOf(t, input) {
			a := p.line(c.words, c.out)
			if a.text == "" {
				continue
			}
			var in []piece
			if len(got) < len(pieces) {
				in = pieces[len(got)]
			}
			got = append(got, a.render(in))
		}
		answer := strings.Join(got, "\n")
		if diff := cmp.Diff(want, answer); diff != "" && !*rewrite {
			t.Errorf("%s:\n%s\n(-want +got):\n%s", file, input, diff)
		}
		if asks || answer != "" {
			input += "\n----\n" + answer
		}
		out = append(out, strings.TrimSpace(input))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A request is a line of a script, with the Data-Out below it.
type request struct {
	words []string
	out   []byte
}

func commandsOf(t *testing.T, input string) (commands []request) {
	for line := range strings.Lines(input) {
		text, _, _ := strings.Cut(line, "#")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case line[0] != ' ':
			commands = append(commands, request{words: words})
		case len(commands) == 0:
			t.Fatalf("%q is Data-Out of nothing", line)
		default:
			last := &commands[len(commands)-1]
			for _, w := range words {
				last.out = append(last.out, unfold(t, w)...)
			}
		}
	}
	return commands
}

// unfold reads hexadecimal, "00a1", and what is repeated, "fa*512".
func unfold(t *testing.T, word string) []byte {
	digits, times, many := strings.Cut(word, "*")
	var p []byte
	n := 1
	if _, err := fmt.Sscanf(digits, "%x", &p); err != nil {
		t.Fatalf("%q: hexadecimal, please: %v", word, err)
	}
	if many {
		if _, err := fmt.Sscanf(times, "%d", &n); err != nil {
			t.Fatalf("%q: %v", word, err)
		}
	}
	return bytes.Repeat(p, n)
}

// A piece is a line of an expected answer: its bytes from first on, up to last, or the text
// before a =; and what is said of it.
type piece struct {
	first, last int
	key         string
	comment     string
}

var byteRange = regexp.MustCompile(`^([0-9a-f]{2,})(?:-([0-9a-f]{2,}))? `)

// piecesOf returns the pieces of each expected answer.
func piecesOf(want string) (answers [][]piece) {
	for line := range strings.Lines(want) {
		text, comment, _ := strings.Cut(strings.TrimRight(line, "\n"), "# ")
		p := piece{comment: comment}
		m := byteRange.FindStringSubmatch(line)
		key, _, isKey := strings.Cut(text, "=")
		switch {
		case m != nil:
			fmt.Sscanf(m[1], "%x", &p.first)
			if p.last = p.first; m[2] != "" {
				fmt.Sscanf(m[2], "%x", &p.last)
			}
		case isKey:
			p.key = key
		default:
			answers = append(answers, []piece{{key: strings.TrimSpace(text), comment: comment}})
			continue
		}
		if len(answers) > 0 {
			answers[len(answers)-1] = append(answers[len(answers)-1], p)
		}
	}
	return answers
}

// An answered is what came: lines of text, and then bytes.
type answered struct {
	text string
	data []byte
}

// render writes an answer in the pieces that are expected, with what is said of them; what is
// beyond them in pieces of sixteen, or of one byte again and again.
func (a answered) render(pieces []piece) string {
	var lines []string
	for line := range strings.Lines(a.text) {
		line = strings.TrimSpace(line)
		key, _, _ := strings.Cut(line, "=")
		if i := slices.IndexFunc(pieces, func(p piece) bool { return p.key == key }); i >= 0 {
			lines = append(lines, annotated(line, pieces[i].comment))
		} else {
			lines = append(lines, line)
		}
	}
	at := 0
	for _, p := range pieces {
		if p.key != "" || p.first != at {
			continue
		}
		end := min(p.last+1, len(a.data))
		if end <= at {
			break
		}
		lines = append(lines, annotated(fmt.Sprintf("%-7s %s", span(at, end), folded(a.data[at:end])), p.comment))
		at = end
	}
	for end := 0; at < len(a.data); at = end {
		if end = at + runOf(a.data[at:]); end < at+16 {
			end = min(at+16, len(a.data))
		}
		lines = append(lines, fmt.Sprintf("%-7s %s", span(at, end), folded(a.data[at:end])))
	}
	return strings.Join(lines, "\n")
}

func annotated(text, comment string) string {
	if comment == "" {
		return text
	}
	return fmt.Sprintf("%-32s # %s", text, comment)
}

// span names the bytes from at up to end.
func span(at, end int) string {
	if end == at+1 {
		return fmt.Sprintf("%02x", at)
	}
	return fmt.Sprintf("%02x-%02x", at, end-1)
}

// folded is p in hexadecimal, with a run of one byte as what is repeated and how often.
func folded(p []byte) string {
	if len(p) > 8 && runOf(p) == len(p) {
		return fmt.Sprintf("%02x*%d", p[0], len(p))
	}
	return fmt.Sprintf("%x", p)
}

// runOf counts how often p begins with its first byte.
func runOf(p []byte) int { return len(p) - len(bytes.TrimLeft(p, string(p[:1]))) }

// sortedKeys writes the keys of a login's answers, one a line.
func sortedKeys(keys map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintf(&b, "%s=%s\n", k, keys[k])
	}
	return b.String()
}
