package job

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream/retain"
)

// TestFourHundredDays has an hourly and a daily job work for 400 days on one volume, and another
// replica of it. The link is down for nine days, clocks are changed twice, and the machine is off
// for three days. What both sides have then, and at times between, is exactly what is promised,
// as the calendar says it and not the planner.
func TestFourHundredDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	hourly := Job{Name: "hourly", Volumes: []Volume{{Source: "tank/vm1"}}, Peer: "site", Root: "backup", Schedules: []string{"0 * * * *"},
		Zone: "Europe/Berlin", Keep: retain.Rule{Hourly: 24}, KeepThere: retain.Rule{Hourly: 72, Daily: 10}, RPO: retain.Span(2 * time.Hour)}
	daily := hourly
	daily.Name, daily.Schedules, daily.RPO = "daily", []string{"5 0 * * *"}, retain.Span(25*time.Hour)
	daily.Keep, daily.KeepThere = retain.Rule{Daily: 30}, retain.Rule{Daily: 60, Weekly: 12, Monthly: 12, Yearly: 2}

	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		start := time.Now()
		runner := r.start(hourly, daily)
		on := func(day int, hour time.Duration) {
			time.Sleep(time.Until(start.AddDate(0, 0, day).Add(hour)))
			synctest.Wait()
		}

		// What was taken, as the calendar has it.
		var hours, midnights []time.Time
		off := func(at time.Time) bool {
			return at.After(start.AddDate(0, 0, 300)) && at.Before(start.AddDate(0, 0, 303))
		}
		for at := start.Add(time.Hour); at.Before(start.AddDate(0, 0, 401)); at = at.Add(time.Hour) {
			if off(at) {
				continue
			}
			hours = append(hours, at)
			if at.In(berlin).Hour() == 0 {
				midnights = append(midnights, at.Add(5*time.Minute))
			}
		}
		// The machine is on again at midnight UTC, which is an hour of the hourly job, and makes
		// up for the days that the daily one has missed.
		again := start.AddDate(0, 0, 303)
		at, _ := slices.BinarySearchFunc(midnights, again, time.Time.Compare)
		midnights = slices.Insert(midnights, at, again)

		// Beside that the source keeps what not both jobs have sent yet, and the newest that both
		// ends have.
		check := func(what string, sent time.Time) {
			t.Helper()
			now := time.Now()
			hoursHere, daysHere := until(hours, now), until(midnights, now)
			hoursThere, daysThere := until(hours, sent), until(midnights, sent)
			r.has("", "tank/vm1", "hourly", stamped("hourly", union(last(hoursHere, 24), after(hoursHere, daysThere[len(daysThere)-1]), last(hoursThere, 1))))
			r.has("", "tank/vm1", "daily", stamped("daily", union(last(daysHere, 30), after(daysHere, sent))))
			r.has("site", "backup/vm1", "hourly", stamped("hourly", union(last(hoursThere, 72), last(firsts(hoursThere, berlin, dayOf), 10))))
			r.has("site", "backup/vm1", "daily", stamped("daily", union(last(daysThere, 60), last(firsts(daysThere, berlin, weekOf), 12),
				last(firsts(daysThere, berlin, monthOf), 12), last(firsts(daysThere, berlin, yearOf), 2))))
			if t.Failed() {
				t.Fatal(what)
			}
		}
		on(1, 90*time.Minute)
		check("on the second day", time.Now())
		on(86, 90*time.Minute) // 26 March 2000
		check("after clocks were put on", time.Now())
		if days < 300 {
			return
		}

		on(200, 90*time.Minute)
		cut := time.Now()
		check("before the link breaks", cut)
		r.setDown("site", errors.New("no route to host"))
		on(209, 85*time.Minute)
		check("after nine days without the link", cut)
		for _, s := range runner.Statuses() {
			if !s.Late || s.Lag < 9*24*time.Hour || s.Failures < 9 || s.Last.OK() {
				t.Errorf("%s: late %v, lag %v, %d failures", s.Job.Name, s.Late, s.Lag, s.Failures)
			}
		}
		r.setDown("site", nil)
		on(210, 90*time.Minute)
		check("when the link is back", time.Now())
		for _, s := range runner.Statuses() {
			if s.Late || s.Failures != 0 || !s.Last.OK() {
				t.Errorf("%s: late %v, lag %v, %+v", s.Job.Name, s.Late, s.Lag, s.Last)
			}
		}

		on(300, 90*time.Second)
		check("before the machine goes off", time.Now())
		runner.Close()
		on(303, 0)
		before := len(r.runs())
		r.start(hourly, daily)
		on(303, time.Minute)
		if n := len(r.runs()) - before; n != 2 {
			t.Errorf("%d runs make up for three days", n)
		}
		check("when the machine is on again", time.Now())
		on(308, 90*time.Minute) // after 29 October, and some days more
		check("after clocks were put back", time.Now())
		on(days, 90*time.Minute)
		check("after 400 days", time.Now())

		for _, says := range r.failed() {
			if says != "peer site: no route to host" {
				t.Fatal(says)
			}
		}
	})
}

// until are those that have come by then.
func until(all []time.Time, then time.Time) []time.Time {
	return all[:len(all)-len(after(all, then))]
}

func after(all []time.Time, then time.Time) []time.Time {
	at, _ := slices.BinarySearchFunc(all, then.Add(1), time.Time.Compare)
	return all[at:]
}

func last(all []time.Time, n int) []time.Time { return all[max(0, len(all)-n):] }

func union(sets ...[]time.Time) []time.Time {
	all := slices.Concat(sets...)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// firsts are the first of each period.
func firsts(all []time.Time, zone *time.Location, period func(time.Time) string) (out []time.Time) {
	was := ""
	for _, at := range all {
		if p := period(at.In(zone)); p != was {
			out, was = append(out, at), p
		}
	}
	return out
}

func dayOf(at time.Time) string   { return at.Format("20060102") }
func monthOf(at time.Time) string { return at.Format("200601") }
func yearOf(at time.Time) string  { return at.Format("2006") }

// weekOf is the Monday of a week.
func weekOf(at time.Time) string {
	return at.AddDate(0, 0, -(int(at.Weekday())+6)%7).Format("20060102")
}

func stamped(prefix string, all []time.Time) (names []string) {
	for _, at := range all {
		names = append(names, prefix+"-"+at.UTC().Format(stamp))
	}
	return names
}
