package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunarsan/lunar/internal/control"
)

// Each function here makes the rows of one table of lunar doctor. A table with nothing but its
// titles is not printed.

// moment writes a time, or "-" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func sessionRows(p *control.Patient) [][]string {
	rows := [][]string{{"SESSION", "FROM", "PORTAL", "TARGET", "CHAP", "DIGESTS", "FIRSTBURST", "MAXBURST", "MAXRECV", "AGE"}}
	for _, s := range p.Sessions {
		rows = append(rows, []string{
			strconv.FormatUint(s.ID, 10), s.Peer, s.Local, s.Target, or(s.CHAPUser, "none"), s.Digests,
			strconv.Itoa(s.FirstBurst), strconv.Itoa(s.MaxBurst), strconv.Itoa(s.MaxRecvSegment), age(s.Since),
		})
	}
	return rows
}

// offloadRows lists the primitives that were asked for, over all units and by unit.
func offloadRows(p *control.Patient) [][]string {
	rows := [][]string{{"OFFLOAD", "UNIT", "GOOD", "FAILED", "LAST", "LAST FAILURE", "TROUBLE"}}
	add := func(unit string, list []control.PrimitiveUse, trouble string) {
		for _, u := range list {
			if u.Good+u.Failed == 0 {
				continue
			}
			failure := "-"
			if u.Failed > 0 {
				failure = moment(u.LastFail) + " " + u.Reason
			}
			rows = append(rows, []string{u.Primitive, unit, strconv.FormatUint(u.Good, 10), strconv.FormatUint(u.Failed, 10), moment(u.LastGood), failure, or(trouble, "-")})
			trouble = ""
		}
		if trouble != "" {
			rows = append(rows, []string{"-", unit, "-", "-", "-", "-", trouble})
		}
	}
	if len(p.Units) > 1 {
		add("all", p.Primitives, "")
	}
	for _, u := range p.Units {
		var trouble []string
		for _, kind := range slices.Sorted(maps.Keys(u.Trouble)) {
			trouble = append(trouble, fmt.Sprintf("%s %d", strings.ReplaceAll(kind, "_", " "), u.Trouble[kind]))
		}
		add(or(u.Alias, u.GUID), u.Primitives, strings.Join(trouble, ", "))
	}
	return rows
}

func troubleRows(p *control.Patient) [][]string {
	rows := [][]string{{"FAILED COMMAND", "BECAUSE OF", "TIMES", "LAST", "LUN", "CDB"}}
	for _, m := range p.Trouble {
		rows = append(rows, []string{m.Request, m.Outcome, strconv.FormatUint(m.Count, 10), moment(m.Last), m.LUN, m.CDB})
	}
	return rows
}

func attentionRows(p *control.Patient) [][]string {
	rows := [][]string{{"UNIT ATTENTION", "TIMES", "LAST", "LUN"}}
	for _, m := range p.Attentions {
		rows = append(rows, []string{m.Outcome, strconv.FormatUint(m.Count, 10), moment(m.Last), m.LUN})
	}
	return rows
}

func functionRows(p *control.Patient) [][]string {
	rows := [][]string{{"TASK MANAGEMENT", "OUTCOME", "TIMES", "LONGEST", "LAST", "LUN"}}
	for _, f := range p.Functions {
		rows = append(rows, []string{f.Function, f.Outcome, strconv.FormatUint(f.Count, 10), milliseconds(f.LongestMS), moment(f.Last), f.LUN})
	}
	return rows
}

func milliseconds(n int64) string { return (time.Duration(n) * time.Millisecond).String() }

// showSlow lists the slow commands.
func (c *cli) showSlow(d control.Diagnosis) {
	if len(d.Slow) == 0 {
		c.printf("no command took %s or more since %s\n", milliseconds(d.SlowMS), moment(d.Since))
		return
	}
	c.printf("since %s, of all initiators, %d took %s or more; each unit keeps the last ones and the slowest\n\n", moment(d.Since), d.SlowCount, milliseconds(d.SlowMS))
	rows := [][]string{{"ENDED", "TOOK", "COMMAND", "UNIT", "LUN", "OUTCOME", "INITIATOR", "CDB"}}
	for _, s := range d.Slow {
		rows = append(rows, []string{moment(s.Ended), milliseconds(s.TookMS), s.Command, or(s.Alias, s.Unit), s.LUN, s.Outcome, s.Initiator, s.CDB})
	}
	c.table(rows)
}
