package retain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// every makes snapshots at steps of step, from from on, named by their local time.
func every(from time.Time, step time.Duration, n int) (out []Snapshot) {
	for i := range n {
		at := from.Add(time.Duration(i) * step)
		out = append(out, Snapshot{Name: at.Format("0102T1504-07"), GUID: uint64(i + 1), Created: at})
	}
	return out
}

func kept(verdicts []Verdict) (names []string) {
	for _, v := range verdicts {
		if v.Keep {
			names = append(names, v.Name)
		}
	}
	return names
}

func TestPlan(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	at := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name string
		rule string
		all  []Snapshot
		want string
	}{
		{"hours roll up into days", "hourly=3,daily=2", every(at("2026-05-01 22:00"), time.Hour, 30),
			// 30 hours from 22:00 are up to 03:00 two days on.
			"0502T0000+02 0503T0000+02 0503T0100+02 0503T0200+02 0503T0300+02"},
		{"the first of a month is the first of a day", "daily=1,monthly=3", every(at("2026-03-30 12:00"), 24*time.Hour, 40),
			"0330T1200+02 0401T1200+02 0501T1200+02 0508T1200+02"},
		{"weeks begin on Monday", "weekly=2", every(at("2026-05-07 12:00"), 24*time.Hour, 12),
			"0511T1200+02 0518T1200+02"},
		{"periods without snapshots do not count", "daily=3", append(every(at("2026-01-01 10:00"), time.Hour, 2), every(at("2026-04-01 10:00"), 24*time.Hour, 2)...),
			"0101T1000+01 0401T1000+02 0402T1000+02"},
		{"the hour that is there twice counts twice", "hourly=3", every(at("2026-10-25 00:00"), 30*time.Minute, 9),
			// 00:00 .. 02:30 CEST, then 02:00 .. 03:00 CET
			"1025T0200+02 1025T0200+01 1025T0300+01"},
		{"the hour that is not there does not", "hourly=3", every(at("2026-03-29 00:00"), 30*time.Minute, 6),
			"0329T0000+01 0329T0100+01 0329T0300+02 0329T0330+02"},
		{"last", "last=2", every(at("2026-05-01 10:00"), time.Hour, 5), "0501T1300+02 0501T1400+02"},
		{"within", "within=2h", every(at("2026-05-01 10:00"), time.Hour, 5), "0501T1300+02 0501T1400+02"},
		{"the newest stays though its day has an older", "daily=1", every(at("2026-05-01 10:00"), time.Hour, 3), "0501T1000+02 0501T1200+02"},
		{"those of the newest second stay", "last=1", append(every(at("2026-05-01 10:00"), 0, 2), every(at("2026-05-01 09:00"), 0, 1)...), "0501T1000+02 0501T1000+02"},
		{"nothing promised is all kept", "daily=0", every(at("2026-05-01 10:00"), time.Hour, 2), "0501T1000+02 0501T1100+02"},
		{"nothing there", "daily=3", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rule, err := Parse(c.rule)
			if err != nil {
				t.Fatal(err)
			}
			var now time.Time
			for _, s := range c.all {
				if s.Created.After(now) {
					now = s.Created
				}
			}
			for i := range c.all {
				c.all[i].Name = c.all[i].Created.In(berlin).Format("0102T1504-07")
			}
			got := strings.Join(kept(rule.Plan(Setting{Now: now, Zone: berlin}, c.all)), " ")
			if got != c.want {
				t.Errorf("kept %s\n want %s", got, c.want)
			}
		})
	}
}

// TestZone shows that the calendar is the zone's: four in the afternoon in London is tomorrow in Tokyo.
func TestZone(t *testing.T) {
	all := every(time.Date(2026, 5, 1, 13, 0, 0, 0, time.UTC), time.Hour, 4)
	for name, want := range map[string]int{"UTC": 2, "Asia/Tokyo": 3, "Asia/Kolkata": 2} {
		if got := len(kept(Rule{Daily: 5}.Plan(Setting{Now: all[3].Created, Zone: zone(t, name)}, all))); got != want {
			t.Errorf("%s: %d are kept, want %d", name, got, want)
		}
	}
}

// TestDayTwice is about clocks that are put back over midnight: a day goes on after the next has
// begun, and is still one day.
func TestDayTwice(t *testing.T) {
	all := every(time.Date(2008, 11, 2, 2, 20, 0, 0, time.UTC), 10*time.Minute, 12)
	verdicts := Rule{Daily: 2}.Plan(Setting{Now: all[11].Created, Zone: zone(t, "America/St_Johns")}, all)
	// 23:50 on the first; 00:00 on the second; the newest, 00:40 on the second
	if got, want := kept(verdicts), []string{"1102T0220+00", "1102T0230+00", "1102T0410+00"}; !slices.Equal(got, want) {
		t.Errorf("%v are kept, want %v", got, want)
	}
}

func TestWhy(t *testing.T) {
	all := every(time.Date(2026, 5, 1, 22, 0, 0, 0, time.UTC), 30*time.Minute, 8)
	all[1].Guards = []string{"held by lunar:offsite"}
	now := all[7].Created
	for name, v := range map[string]string{
		"0501T2200+00": "daily=2: first of day 2026-05-01 (2)",
		"0501T2230+00": "held by lunar:offsite",
		"0501T2300+00": "hourly: hour 2026-05-01 23h UTC has passed; daily: 0501T2200+00 has day 2026-05-01",
		"0502T0030+00": "within=90m",
		"0502T0130+00": "the newest; younger than 10m, the least age; within=90m",
		"0502T0100+00": "within=90m; hourly=2: first of hour 2026-05-02 01h UTC (1)",
	} {
		rule := Rule{Hourly: 2, Daily: 2, Within: Span(90 * time.Minute)}
		verdicts := rule.Plan(Setting{Now: now, MinAge: 10 * time.Minute}, all)
		at := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.Name == name })
		if got := verdicts[at].Why(); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
	if got := (Rule{Last: 1}).Plan(Setting{Now: now}, all)[0]; got.Keep || got.Why() != "nothing in the rule asks for it" {
		t.Errorf("%v %q", got.Keep, got.Why())
	}
}

// rules are some of every kind.
func someRule(r *rand.Rand) Rule {
	count := func(most int) int {
		if r.IntN(3) == 0 {
			return 0
		}
		return r.IntN(most)
	}
	rule := Rule{Hourly: count(40), Daily: count(20), Weekly: count(9), Monthly: count(6), Yearly: count(3), Last: count(10)}
	if r.IntN(3) == 0 {
		rule.Within = Span(r.IntN(200)) * Span(time.Hour)
	}
	if rule.Everything() {
		rule.Last = 1
	}
	return rule
}

// some are snapshots over two years or two days, in any order, some of them guarded.
func some(r *rand.Rand, now time.Time) []Snapshot {
	over := time.Duration(1+r.IntN(2*365*24)) * time.Hour
	out := make([]Snapshot, r.IntN(150))
	for i := range out {
		out[i] = Snapshot{Name: fmt.Sprint("s", i), GUID: r.Uint64(), Created: now.Add(-time.Duration(r.Int64N(int64(over)))).Truncate(time.Second)}
		if r.IntN(20) == 0 {
			out[i].Guards = []string{"held"}
		}
	}
	return out
}

// TestProperties holds Plan to what it promises, over rules, snapshots and calendars of all kinds.
func TestProperties(t *testing.T) {
	zones := []*time.Location{nil, zone(t, "Europe/Berlin"), zone(t, "America/St_Johns"), zone(t, "Australia/Lord_Howe"), zone(t, "America/Havana"), zone(t, "Asia/Kolkata")}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		// The turn of an hour, for the snapshots to lie around.
		now := time.Date(2008, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), 0, 0, 0, time.UTC)
		rule, all := someRule(r), some(r, now)
		s := Setting{Now: now, Zone: zones[r.IntN(len(zones))], MinAge: time.Duration(r.IntN(2)) * time.Hour}
		verdicts := rule.Plan(s, all)
		first := kept(verdicts)
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d, %s in %v, %d snapshots: "+format, append([]any{seed, rule, s.Zone, len(all)}, args...)...)
		}

		shuffled := slices.Clone(all)
		r.Shuffle(len(all), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := kept(rule.Plan(s, shuffled)); !slices.Equal(again, first) {
			fail("the order matters: %v, then %v", first, again)
		}

		var rest []Snapshot
		counts := map[int]int{}
		for _, v := range verdicts {
			if v.Why() == "" {
				fail("%s has no reason", v.Name)
			}
			if v.Keep {
				rest = append(rest, v.Snapshot)
			} else if len(v.Guards) > 0 {
				fail("%s is guarded, and goes", v.Name)
			} else if now.Sub(v.Created) < s.MinAge {
				fail("%s is too young, and goes", v.Name)
			}
			for _, because := range v.fors {
				if because.why == oldestOf {
					counts[because.kind]++
				}
			}
		}
		if again := kept(rule.Plan(s, rest)); !slices.Equal(again, first) {
			fail("planning again drops more: %v, then %v", first, again)
		}
		if n := len(verdicts); n > 0 && !verdicts[n-1].Keep {
			fail("the newest goes")
		}
		for kind, p := range rule.parts()[:len(periods)] {
			there := map[int64]bool{}
			for i := range verdicts {
				there[verdicts[i].period(kind)] = true
			}
			if want := min(*p.count, len(there)); counts[kind] != want {
				fail("%s keeps %d, want %d", p.name, counts[kind], want)
			}
		}

		more := rule
		for _, p := range more.parts() {
			*p.count += r.IntN(3)
		}
		more.Within += Span(r.IntN(3)) * Span(time.Hour)
		larger := kept(more.Plan(s, all))
		for _, name := range first {
			if !slices.Contains(larger, name) {
				fail("%s, which promises more, drops %s", more, name)
			}
		}
	}
}

// TestAsTimeGoesBy prunes after each snapshot for two years, and finds what pruning once at the
// end would have left: nothing went that a longer period wanted later.
func TestAsTimeGoesBy(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"} {
		s := Setting{Zone: zone(t, name)}
		rule := Rule{Hourly: 24, Daily: 10, Weekly: 8, Monthly: 12, Yearly: 2, Last: 3, Within: Span(30 * time.Hour)}
		r := rand.New(rand.NewPCG(1, 2))
		var all, left []Snapshot
		for at := time.Date(2025, 1, 1, 0, 17, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(2 * time.Hour) {
			if r.IntN(10) == 0 {
				continue // the machine was off
			}
			taken := Snapshot{Name: fmt.Sprint(at.Unix()), GUID: uint64(at.Unix()), Created: at}
			all, left, s.Now = append(all, taken), append(left, taken), at
			verdicts := rule.Plan(s, left)
			left = left[:0]
			for _, v := range verdicts {
				if v.Keep {
					left = append(left, v.Snapshot)
				}
			}
		}
		if once, now := kept(rule.Plan(s, all)), kept(rule.Plan(s, left)); !slices.Equal(once, now) {
			t.Errorf("%s: %d are left, want %d\n%v\n%v", name, len(now), len(once), now, once)
		}
	}
}
