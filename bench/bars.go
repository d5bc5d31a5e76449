package bench

import "fmt"

// bars draws IOPS, a group of bars for each load. Loads differ by orders of magnitude: in each
// group the longest bar has the full width, and each bar tells its figure.
func (r *Report) bars() string {
	const (
		left, right = 260, 90
		bar, gap    = 14, 12
		width       = 900
		head        = 60
	)
	group := float64(len(r.Targets)*bar + gap)
	c := canvas{width: width, height: head + group*float64(len(r.Rows)) + 10}
	c.text(16, 24, "start", strong, "IOPS, each group to its own scale")
	c.text(16, 42, "start", "", fmt.Sprintf("%s; median of %d rounds", r.Machine, r.Rounds))
	c.legend(r, width-75*float64(len(r.Targets))-10, 24)
	for i := range r.Rows {
		row := &r.Rows[i]
		y := head + group*float64(i)
		longest := 0.
		for target := range r.Targets {
			longest = max(longest, row.median(iopsMetric, target))
		}
		c.line(16, y-gap/2, width-16, y-gap/2, faint)
		c.text(left-10, y+bar-2, "end", "", row.Load.String())
		c.text(left-10, y+2*bar-2, "end", ` fill="`+grey+`"`, row.Load.Client.String())
		for target := range r.Targets {
			v := row.median(iopsMetric, target)
			if v == 0 {
				continue
			}
			top, w := y+float64(target*bar), v/longest*(width-left-right)
			c.rect(left, top, w, bar-2, r.colour(target))
			c.text(left+w+5, top+bar-4, "start", ` font-size="11"`, number(v))
		}
	}
	return c.String()
}
