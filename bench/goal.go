package bench

import (
	"fmt"
	"strings"
	"time"
)

// A goal is something that a load is to show of us.
type goal struct {
	name   string
	metric metric // whose table has the verdict; some goals need others besides
	always bool   // the report tells it when it is kept, too: it is what the load is for
	sets   func(Load) bool
	judge  func(*Report, *Row) (kept bool, figures string)
}

// What is to be reached.
const (
	ofBest     = 1.5 // times the best peer's rate
	ofCeiling  = 0.7 // times the ceiling's
	ofCalm     = 2   // times the latency that a storm elsewhere leaves
	ofUnhurt   = 0.75
	pingTime   = 10 * time.Millisecond
	perSession = 64  // KiB
	perAll     = 100 // MB, of 1,000 sessions and the daemon
)

// goals are all of them, in the order of the report.
var goals = []goal{
	{"rate", iopsMetric, false,
		func(l Load) bool { return l.Storm == Calm && l.Medium != Scratch && l.Pattern != Idle },
		(*Report).fast},
	{"processor time", processorMetric, false,
		func(l Load) bool { return l.Storm == Calm && l.Medium != Scratch && l.Pattern != Idle },
		func(r *Report, row *Row) (bool, string) { return r.noWorse(row, processorMetric) }},
	{"p99 at QD32", p99Metric, false,
		func(l Load) bool { return l.Depth == 32 && l.Storm == Calm && l.Medium != Scratch },
		func(r *Report, row *Row) (bool, string) { return r.noWorse(row, p99Metric) }},
	{"latency in a storm", p99Metric, true,
		func(l Load) bool { return l.Storm != Calm && l.Place == Beside && l.Pattern != Ping },
		(*Report).unhurt},
	{"rate beside a slow reader", iopsMetric, true,
		func(l Load) bool { return l.Storm == Stall && l.Place == Beside },
		(*Report).unslowed},
	{"NOP", maxMetric, true,
		func(l Load) bool { return l.Pattern == Ping && (l.Storm == Calm || l.Place != Apart) },
		(*Report).prompt},
	{"idle sessions", sessionMetric, true,
		func(l Load) bool { return l.Pattern == Idle },
		(*Report).small},
}

// A Verdict is whether a load showed what it was to show.
type Verdict struct {
	Load    string `json:"load"`
	Client  string `json:"client"`
	Goal    string `json:"goal"`
	Kept    bool   `json:"kept"`
	Figures string `json:"figures"`
	always  bool
}

func (v Verdict) String() string {
	return fmt.Sprintf("%s (%s), %s: %s", v.Load, v.Client, v.Goal, v.Figures)
}

// Verdicts are those of all goals that the loads have, and that something was measured for.
func (r *Report) Verdicts() (all []Verdict) {
	for i := range r.Rows {
		row := &r.Rows[i]
		for _, g := range goals {
			if kept, figures := r.judge(row, g); figures != "" {
				all = append(all, Verdict{row.Load.String(), row.Load.Client.String(), g.name, kept, figures, g.always})
			}
		}
	}
	return all
}

// judge tells whether a row keeps a goal; no figures: it has none, or nothing was measured.
func (r *Report) judge(row *Row, g goal) (kept bool, figures string) {
	if !g.sets(row.Load) || row.median(g.metric, 0) == 0 {
		return false, ""
	}
	return g.judge(r, row)
}

// fast wants 1.5 times the best peer's rate or 70 % of the ceiling's; of 4 KiB at depths 1 and
// 32, which most depends on, both.
func (r *Report) fast(row *Row) (bool, string) {
	var met, judged int
	var figures []string
	add := func(target int, least float64) {
		ratio := r.ratio(row, iopsMetric, target)
		if ratio == 0 {
			return
		}
		judged++
		if ratio >= least {
			met++
		}
		figures = append(figures, fmt.Sprintf("%.2f of %s (%v wanted)", ratio, r.Targets[target], least))
	}
	if best := r.best(row, iopsMetric); best >= 0 {
		add(best, ofBest)
	}
	if top := r.index(ceiling); top >= 0 {
		add(top, ofCeiling)
	}
	need := min(1, judged)
	if l := row.Load; l.plain() && l.Medium == Memory && l.Block == 4<<10 && (l.Depth == 1 || l.Depth == 32) {
		need = judged
	}
	between := " and "
	if need < judged {
		between = " or "
	}
	return met >= need, strings.Join(figures, between)
}

// noWorse wants a figure that is at most the best peer's.
func (r *Report) noWorse(row *Row, m metric) (bool, string) {
	best := r.best(row, m)
	ratio := r.ratio(row, m, best)
	if ratio == 0 {
		return false, ""
	}
	return ratio <= 1, fmt.Sprintf("%s of %s's %s", number(ratio), r.Targets[best], number(row.median(m, best)))
}

// unhurt wants a p99 beside a storm that is less than twice of what it is while the same storm
// rages apart. That it has alone is told: beyond it, a storm takes processors from everybody.
func (r *Report) unhurt(row *Row) (bool, string) {
	is := row.median(p99Metric, 0)
	apart, alone := row.Load, row.Load
	apart.Place = Apart
	alone.Storm, alone.Place = Calm, Beside
	limit := r.value(apart, p99Metric, 0)
	if limit == 0 {
		return false, ""
	}
	return is <= ofCalm*limit, fmt.Sprintf("p99 %s µs, %s with the storm apart (%.2f times, %d at most), %s alone",
		number(is), number(limit), is/limit, ofCalm, number(r.value(alone, p99Metric, 0)))
}

// unslowed wants most of the rate that there is alone.
func (r *Report) unslowed(row *Row) (bool, string) {
	alone := row.Load
	alone.Storm, alone.Place = Calm, Beside
	was := r.value(alone, iopsMetric, 0)
	if was == 0 {
		return false, ""
	}
	part := row.median(iopsMetric, 0) / was
	return part >= ofUnhurt, fmt.Sprintf("%.2f of the %s IOPS alone (%v at least)", part, number(was), ofUnhurt)
}

// prompt wants every answer in 10 ms. The longest with the storm apart, where there is one, is
// told: it is what the machine makes of any answer.
func (r *Report) prompt(row *Row) (bool, string) {
	longest := row.median(maxMetric, 0)
	figures := fmt.Sprintf("p99 %s µs, longest %s µs (%d at most)", number(row.median(p99Metric, 0)), number(longest), pingTime.Microseconds())
	apart := row.Load
	apart.Place = Apart
	if at := r.value(apart, maxMetric, 0); at != 0 {
		figures += fmt.Sprintf(", %s with the storm apart", number(at))
	}
	return longest < float64(pingTime.Microseconds()), figures
}

// small wants less than 64 KiB a session, and less than 100 MB for a thousand and the daemon.
func (r *Report) small(row *Row) (bool, string) {
	session, all := row.median(sessionMetric, 0), row.median(peakMetric, 0)*(1<<20)/1e6
	return session < perSession && all < perAll,
		fmt.Sprintf("%s KiB a session (%d at most), %s MB in all (%d at most)", number(session), perSession, number(all), perAll)
}
