package retain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Rule promises snapshots: how many periods of each kind one is kept of, and which are kept
// whatever period they are in. What several parts promise is kept once. The rule that promises
// nothing keeps everything.
type Rule struct {
	Hourly  int  `json:"hourly,omitempty" yaml:"hourly,omitempty"`
	Daily   int  `json:"daily,omitempty" yaml:"daily,omitempty"`
	Weekly  int  `json:"weekly,omitempty" yaml:"weekly,omitempty"` // weeks begin on Monday (ISO 8601)
	Monthly int  `json:"monthly,omitempty" yaml:"monthly,omitempty"`
	Yearly  int  `json:"yearly,omitempty" yaml:"yearly,omitempty"`
	Last    int  `json:"last,omitempty" yaml:"last,omitempty"`     // that many, the newest
	Within  Span `json:"within,omitempty" yaml:"within,omitempty"` // all that are younger
}

// maxCount is the most that a part of a rule may promise: hours of eleven years.
const maxCount = 100_000

// parts are the counts of the rule by their names, in the order they are written in.
func (r *Rule) parts() []part {
	return []part{
		{"hourly", &r.Hourly}, {"daily", &r.Daily}, {"weekly", &r.Weekly},
		{"monthly", &r.Monthly}, {"yearly", &r.Yearly}, {"last", &r.Last},
	}
}

type part struct {
	name  string
	count *int
}

// Parse reads a rule like "hourly=24,daily=30,last=10,within=7d".
func Parse(text string) (Rule, error) {
	var r Rule
	seen := map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(word), "=")
		if !ok {
			return Rule{}, fmt.Errorf("%q is no part of a rule: write one like hourly=24,daily=30,within=7d", word)
		}
		if seen[name] {
			return Rule{}, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := r.set(name, value); err != nil {
			return Rule{}, err
		}
	}
	return r, r.Check()
}

func (r *Rule) set(name, value string) (err error) {
	if name == "within" {
		r.Within, err = ParseSpan(value)
		return err
	}
	for _, p := range r.parts() {
		if p.name != name {
			continue
		}
		if *p.count, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%s=%s: that is no number", name, value)
		}
		return nil
	}
	return fmt.Errorf("a rule has no %q: it has hourly, daily, weekly, monthly, yearly, last and within", name)
}

// Check says what is wrong with the rule.
func (r *Rule) Check() error {
	for _, p := range r.parts() {
		if *p.count < 0 || *p.count > maxCount {
			return fmt.Errorf("%s=%d: a count is between 0 and %d", p.name, *p.count, maxCount)
		}
	}
	if r.Within < 0 || time.Duration(r.Within)%time.Second != 0 {
		return fmt.Errorf("within=%s: that is no number of seconds to come", time.Duration(r.Within))
	}
	return nil
}

// Everything reports whether the rule promises nothing, and so keeps everything.
func (r Rule) Everything() bool { return r == Rule{} }

// String writes the rule as Parse reads it; that which promises nothing is "".
func (r Rule) String() string {
	var words []string
	for _, p := range r.parts() {
		if *p.count != 0 {
			words = append(words, fmt.Sprintf("%s=%d", p.name, *p.count))
		}
	}
	if r.Within != 0 {
		words = append(words, "within="+r.Within.String())
	}
	return strings.Join(words, ",")
}
