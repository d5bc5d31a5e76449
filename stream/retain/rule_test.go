package retain

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Rule{
		"hourly=24,daily=30,last=10,within=7d": {Hourly: 24, Daily: 30, Last: 10, Within: Span(7 * 24 * time.Hour)},
		"weekly=8, monthly=12,yearly=3":        {Weekly: 8, Monthly: 12, Yearly: 3},
		"last=1":                               {Last: 1},
		"hourly=100000":                        {Hourly: 100_000},
		"daily=0":                              {},
		"within=90m":                           {Within: Span(90 * time.Minute)},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q gave %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                    "is no part of a rule",
		"daily":               "is no part of a rule",
		"daily=30,":           "is no part of a rule",
		"daily=x":             "no number",
		"daily=-1":            "between 0 and 100000",
		"daily=100001":        "between 0 and 100000",
		"daily=1,daily=2":     "there twice",
		"within=7":            "no length of time",
		"within=":             "no length of time",
		"within=-7d":          "no length of time",
		"within=9999999999w":  "no length of time",
		"fortnightly=3":       `a rule has no "fortnightly"`,
		"daily=9999999999999": "between 0 and 100000",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %q", text, err, want)
		}
	}
}

func TestRuleInJSON(t *testing.T) {
	r := Rule{Hourly: 24, Daily: 30, Within: Span(7 * 24 * time.Hour)}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"hourly":24,"daily":30,"within":"7d"}`; string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
	var back Rule
	if err := json.Unmarshal(text, &back); err != nil || back != r {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"within":"soon"}`), &back); err == nil {
		t.Error("a length of time that is none was taken")
	}
}

func TestSpan(t *testing.T) {
	for span, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "90s", 90 * time.Minute: "90m", 3 * time.Hour: "3h",
		36 * time.Hour: "36h", 7 * 24 * time.Hour: "7d", 61 * time.Hour: "2d13h", math.MaxInt64 / time.Second * time.Second: "106751d23h47m16s",
	} {
		if got := Span(span).String(); got != want {
			t.Errorf("%s is written %s, want %s", span, got, want)
		}
		if back, err := ParseSpan(want); err != nil || time.Duration(back) != span {
			t.Errorf("%s is read as %s, %v", want, time.Duration(back), err)
		}
	}
}

// FuzzParse: what is read is written as something that is read the same.
func FuzzParse(f *testing.F) {
	f.Add("hourly=24,daily=30,weekly=8,monthly=12,yearly=3,last=10,within=1d12h")
	f.Add("within=2w")
	f.Add("daily=,=")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil || r.Everything() {
			return
		}
		if back, err := Parse(r.String()); err != nil || back != r {
			t.Errorf("%q is %+v, is written %q, is %+v, %v", text, r, r.String(), back, err)
		}
	})
}
