package retain

import (
	"fmt"
	"time"
)

// A period is a kind of time between two turns of a calendar.
type period struct {
	noun string
	// number counts the periods of the kind: times are in one period exactly when their numbers
	// are the same, and later ones have greater numbers.
	number func(time.Time) int64
	label  func(time.Time) string
}

// periods stand in the order of the counts in Rule.parts.
var periods = [...]period{
	{"hour", hour, func(t time.Time) string { return t.Format("2006-01-02 15h MST") }},
	{"day", day, func(t time.Time) string { return t.Format("2006-01-02") }},
	{"week", week, func(t time.Time) string {
		y, w := t.ISOWeek()
		return fmt.Sprintf("%d-W%02d", y, w)
	}},
	{"month", month, func(t time.Time) string { return t.Format("2006-01") }},
	{"year", year, func(t time.Time) string { return t.Format("2006") }},
}

// hour is when the hour began (seconds): an hour that is there twice, because clocks were put
// back, counts twice.
func hour(t time.Time) int64 {
	return t.Unix() - int64(t.Minute()*60+t.Second())
}

func day(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

func week(t time.Time) int64 {
	y, w := t.ISOWeek()
	return int64(y)*64 + int64(w)
}

func month(t time.Time) int64 {
	y, m, _ := t.Date()
	return int64(y)*12 + int64(m)
}

func year(t time.Time) int64 { return int64(t.Year()) }
