package job

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// A Schedule says when something is due: five fields as in crontab(5), or @hourly, @daily,
// @weekly, @monthly, @yearly. Where both a day of the month and one of the week are said, either
// will do.
//
// What is due at fixed hours is due once a day, also on days on which clocks are changed: at the
// first moment after an hour that is left out, and the first time of one that is there twice. What
// is due every hour is due in each hour that passes.
type Schedule struct {
	text                                string
	minutes, hours, days, months, wdays uint64 // a bit for each value; none: never
	anyHour, anyDay, anyWeekday         bool
}

// cronFields are the fields in their order.
var cronFields = [5]struct {
	name     string
	min, max int
	names    string // three letters each, from min on
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of the week", 0, 7, "sunmontuewedthufrisat"},
}

var cronMacros = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// ParseSchedule reads a schedule.
func ParseSchedule(text string) (Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) == 1 && cronMacros[fields[0]] != "" {
		fields = strings.Fields(cronMacros[fields[0]])
	}
	if len(fields) != len(cronFields) {
		return Schedule{}, fmt.Errorf("%q is no schedule: write five fields (minute hour day month weekday, as for cron), or @hourly, @daily, @weekly, @monthly, @yearly", text)
	}
	s := Schedule{text: text, anyHour: fields[1][0] == '*', anyDay: fields[2][0] == '*', anyWeekday: fields[4][0] == '*'}
	for i, into := range [...]*uint64{&s.minutes, &s.hours, &s.days, &s.months, &s.wdays} {
		if err := parseCronField(i, fields[i], into); err != nil {
			return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
		}
	}
	if s.wdays&(1<<7) != 0 { // Sunday has two numbers
		s.wdays |= 1
	}
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %q: there is no such day", text)
	}
	return s, nil
}

// parseCronField reads a list of values, ranges and steps: "0,30", "8-18", "*/15", "8-18/2".
func parseCronField(i int, text string, into *uint64) error {
	f := &cronFields[i]
	for item := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(item, "/")
		low, high, ranged := strings.Cut(span, "-")
		var from, to int
		var err error
		switch {
		case span == "*":
			from, to = f.min, f.max
			if i == 4 {
				to = 6
			}
		default:
			if from, err = cronValue(i, low); err != nil {
				return err
			}
			to = from
			if ranged {
				if to, err = cronValue(i, high); err != nil {
					return err
				}
			} else if stepped {
				to = f.max
			}
		}
		by := 1
		if stepped {
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > f.max {
				return fmt.Errorf("%s %q: its step is no number", f.name, item)
			}
		}
		if from > to {
			return fmt.Errorf("%s %q: it ends before it begins", f.name, item)
		}
		for v := from; v <= to; v += by {
			*into |= 1 << v
		}
	}
	return nil
}

func cronValue(i int, text string) (int, error) {
	f := &cronFields[i]
	if at := strings.Index(f.names, strings.ToLower(text)); len(text) == 3 && at >= 0 && at%3 == 0 {
		return f.min + at/3, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < f.min || v > f.max || text[0] == '+' {
		return 0, fmt.Errorf("%s %q: it is between %d and %d", f.name, text, f.min, f.max)
	}
	return v, nil
}

// String is the schedule as it was written.
func (s Schedule) String() string { return s.text }

// furthest is how far ahead Next looks: 29 February may be eight years away.
const furthest = 9 * 366

// Next is when s is due next after a moment, by the clocks of that moment's zone; zero: never.
func (s Schedule) Next(after time.Time) time.Time {
	if s.minutes == 0 {
		return time.Time{}
	}
	y, m, d := after.Date()
	for range furthest {
		if s.onDay(y, m, d) {
			if at := s.onDayAfter(y, m, d, after); !at.IsZero() {
				return at
			}
		}
		y, m, d = time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC).Date()
	}
	return time.Time{}
}

func (s *Schedule) onDay(y int, m time.Month, d int) bool {
	if s.months&(1<<m) == 0 {
		return false
	}
	day := s.days&(1<<d) != 0
	weekday := s.wdays&(1<<time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday()) != 0
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// onDayAfter is the first moment of a day, later than after, at which s is due; zero: none is.
func (s *Schedule) onDayAfter(y int, m time.Month, d int, after time.Time) (first time.Time) {
	for hours := s.hours; hours != 0; hours &= hours - 1 {
		for minutes := s.minutes; minutes != 0; minutes &= minutes - 1 {
			wall := time.Date(y, m, d, bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes), 0, 0, time.UTC)
			for _, at := range s.moments(wall, after.Location()) {
				if at.After(after) && (first.IsZero() || at.Before(first)) {
					first = at
				}
			}
		}
	}
	return first
}

// moments are when clocks in a zone show what wall says in UTC, as far as s is due then.
func (s *Schedule) moments(wall time.Time, zone *time.Location) []time.Time {
	guess := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone)
	_, before := guess.Add(-3 * time.Hour).Zone()
	_, behind := guess.Add(3 * time.Hour).Zone()
	if before == behind {
		return []time.Time{guess}
	}
	early, late := wall.Add(-time.Duration(before)*time.Second).In(zone), wall.Add(-time.Duration(behind)*time.Second).In(zone)
	_, atEarly := early.Zone()
	_, atLate := late.Zone()
	switch once, again := atEarly == before, atLate == behind; {
	case once && again && s.anyHour:
		return []time.Time{early, late}
	case once:
		return []time.Time{early}
	case again:
		return []time.Time{late}
	case s.anyHour:
		return nil
	}
	// Clocks never show it: they are put on over it, at the end of what was in force at the
	// earlier of the two.
	_, end := late.ZoneBounds()
	return []time.Time{end}
}
