package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/churn"
)

// churnIntervals is how many intervals are shown, the newest, unless all are asked for.
const churnIntervals = 31

// show prints a report, and draws it where that is asked for.
func (ch *churning) show(r *churn.Report) error {
	if ch.svg != "" {
		if err := ch.draw(r); err != nil || ch.svg == "-" {
			return err
		}
	}
	return ch.c.print(&ch.output, r, func() {
		ch.intervals(r)
		for _, v := range churnViews {
			for _, by := range ch.by {
				if by == v.word {
					ch.list(r, v.title, v.of(r))
				}
			}
		}
		for i, a := range r.Advice {
			if i == 0 {
				ch.c.printf("\n")
			}
			ch.c.printf("%s\n", printable(a.Text))
		}
	})
}

// intervals prints how much changed from snapshot to snapshot.
func (ch *churning) intervals(r *churn.Report) {
	rows := [][]string{{"SNAPSHOTS", "UNTIL", "LASTED", "WRITTEN", "FREED", "SENT", "A DAY", "OF THE DISK"}}
	first := 0
	if ch.top > 0 {
		first = max(0, len(r.Intervals)-churnIntervals)
	}
	for _, i := range r.Intervals[first:] {
		row := []string{printable(or(i.From, "?") + ".." + i.To), moment(i.End), lasted(i.End.Sub(i.Begin)), formatSize(i.Written), formatSize(i.Freed), formatSize(i.Sent), "", ""}
		if i.Begin.IsZero() {
			row[2] = ""
		}
		if n, ok := i.PerDay(); ok {
			row[6] = formatSize(n)
		}
		if i.Size > 0 {
			row[7] = shareOf(float64(i.Written) / float64(i.Size))
		}
		rows = append(rows, row)
	}
	if first > 0 {
		rows = append(rows, []string{fmt.Sprintf("and %d before", first)})
	}
	if len(r.Intervals) > 1 {
		total := []string{"all", "", "", formatSize(r.Written), formatSize(r.Freed), formatSize(r.Sent)}
		if r.PerDay != nil {
			total[2] = lasted(time.Duration(r.Seconds * float64(time.Second)))
			total = append(total, formatSize(*r.PerDay))
		}
		rows = append(rows, total)
	}
	ch.c.table(rows)
}

// list prints what changed in places of one sort.
func (ch *churning) list(r *churn.Report, title string, list *churn.List) {
	titles := []string{"WRITTEN", "SHARE", "FREED", "A DAY", "TREND", title}
	kinds := title == "FILE" || title == "DISK"
	if kinds {
		titles = append(titles, "KIND")
	}
	rows := [][]string{titles}
	lines := list.Lines
	if list.Rest != nil {
		lines = append(lines[:len(lines):len(lines)], *list.Rest)
	}
	for _, l := range lines {
		row := []string{formatSize(l.Written), shareOf(l.Share), formatSize(l.Freed), "", trendOf(l), printable(l.Name)}
		if l.PerDay != nil {
			row[3] = formatSize(*l.PerDay)
		}
		if kinds && l.Path != "" {
			row = append(row, l.Kind.String())
		}
		rows = append(rows, row)
	}
	ch.c.printf("\n")
	ch.c.table(rows)
}

// lasted writes how long an interval is: 1d2h, 40m.
func lasted(d time.Duration) string {
	d = d.Round(time.Second)
	var text strings.Builder
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	return or(text.String(), "0s")
}

// shareOf writes a share.
func shareOf(share float64) string {
	switch p := 100 * share; {
	case p == 0 || p >= 9.95:
		return fmt.Sprintf("%.0f%%", p)
	case p < 0.05:
		return "<0.1%"
	default:
		return fmt.Sprintf("%.1f%%", p)
	}
}

// trendOf writes how a line's rate changed: +40%, x12, new.
func trendOf(l churn.Line) string {
	switch {
	case len(l.Series) < 2:
		return ""
	case l.Trend == nil && l.Written > 0:
		return "new"
	case l.Trend == nil:
		return ""
	case *l.Trend >= 9:
		return fmt.Sprintf("x%.0f", *l.Trend+1)
	}
	return strings.Replace(fmt.Sprintf("%+.0f%%", math.Round(100**l.Trend)), "+0%", "0%", 1)
}
