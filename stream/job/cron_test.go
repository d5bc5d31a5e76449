package job

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		schedule, zone, after string
		want                  string // the next three, without what they have in common with UTC
	}{
		{"0 * * * *", "UTC", "2026-11-22 19:30", "2026-11-22T20:00Z 2026-11-22T21:00Z 2026-11-22T22:00Z"},
		{"*/20 8-9 * * *", "UTC", "2026-11-22 09:15", "2026-11-22T09:20Z 2026-11-22T09:40Z 2026-11-23T08:00Z"},
		{"5/25 0 * * *", "UTC", "2026-11-22 00:05", "2026-11-22T00:30Z 2026-11-22T00:55Z 2026-11-23T00:05Z"},
		{"@daily", "Europe/Berlin", "2026-11-22 19:30", "2026-11-23T00:00+01:00 2026-11-24T00:00+01:00 2026-11-25T00:00+01:00"},
		{"30 6 * * mon-fri", "UTC", "2026-11-20 06:30", "2026-11-23T06:30Z 2026-11-24T06:30Z 2026-11-25T06:30Z"},
		{"0 0 * * 7", "UTC", "2026-11-20 00:00", "2026-11-22T00:00Z 2026-11-29T00:00Z 2026-12-06T00:00Z"},
		{"0 0 1,15 * 1", "UTC", "2026-11-28 00:00", "2026-11-30T00:00Z 2026-12-01T00:00Z 2026-12-07T00:00Z"},
		{"0 0 */10 * 1", "UTC", "2026-05-28 00:00", "2026-06-01T00:00Z 2026-08-31T00:00Z 2026-09-21T00:00Z"},
		{"0 0 31 * *", "UTC", "2026-01-31 00:00", "2026-03-31T00:00Z 2026-05-31T00:00Z 2026-07-31T00:00Z"},
		{"0 12 29 Feb *", "UTC", "2096-02-29 12:00", "2104-02-29T12:00Z 2108-02-29T12:00Z 2112-02-29T12:00Z"},
		// Clocks are put on from 02:00 to 03:00 on 29 March, and back from 03:00 to 02:00 on 25 October.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", "2026-03-28T02:30+01:00 2026-03-29T03:00+02:00 2026-03-30T02:30+02:00"},
		{"0,30 2,3 * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29T03:00+02:00 2026-03-29T03:30+02:00 2026-03-30T02:00+02:00"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25T02:30+02:00 2026-10-26T02:30+01:00 2026-10-27T02:30+01:00"},
		{"30 * * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29T01:30+01:00 2026-03-29T03:30+02:00 2026-03-29T04:30+02:00"},
		{"30 * * * *", "Europe/Berlin", "2026-10-25 01:30", "2026-10-25T02:30+02:00 2026-10-25T02:30+01:00 2026-10-25T03:30+01:00"},
		{"0 0 * * *", "America/Havana", "2026-03-07 12:00", "2026-03-08T01:00-04:00 2026-03-09T00:00-04:00 2026-03-10T00:00-04:00"},
		{"15 * * * *", "Australia/Lord_Howe", "2026-04-05 00:30", "2026-04-05T01:15+11:00 2026-04-05T02:15+10:30 2026-04-05T03:15+10:30"},
	} {
		t.Run(c.schedule+" "+c.zone, func(t *testing.T) {
			s, err := ParseSchedule(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04", c.after, zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range 3 {
				at = s.Next(at)
				got = append(got, at.Format("2006-01-02T15:04Z07:00"))
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNoSchedule(t *testing.T) {
	for text, want := range map[string]string{
		"":               "five fields",
		"@reboot":        "five fields",
		"* * * *":        "five fields",
		"60 * * * *":     "minute \"60\": it is between 0 and 59",
		"* 24 * * *":     "hour",
		"* * 0 * *":      "day of the month",
		"* * * 13 *":     "month",
		"* * * * 8":      "day of the week",
		"* * * * fry":    "day of the week",
		"5-3 * * * *":    "ends before it begins",
		"*/0 * * * *":    "its step",
		"*/x * * * *":    "its step",
		"1,,2 * * * *":   "minute",
		"-1 * * * *":     "minute",
		"+1 * * * *":     "minute",
		"0 0 30 feb *":   "no such day",
		"0 0 31 4,6,9 *": "no such day",
	} {
		if s, err := ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, %v, want %q", text, s, err, want)
		}
	}
}

// FuzzParseSchedule: what is read is due some day, later than asked, and not twice at a time.
func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"0 * * * *", "*/20 8-9 1,15 jan-mar mon", "@yearly", "0 0 29 2 *", "-/-- , * *"} {
		f.Add(seed)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 28, 23, 0, 0, 0, berlin)
		for range 3 {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%q is due at %v after %v", text, next, at)
			}
			at = next
		}
	})
}
