package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// lines draws, for each axis of the set, how IOPS and processor time an I/O go along it: the
// axis in powers of two, the values from zero.
func (r *Report) lines() string {
	const width, height, head = 460., 260., 60.
	c := canvas{width: 2 * width, height: head + height*float64(len(r.Set.Axes))}
	c.text(16, 24, "start", strong, "How cost grows")
	c.text(16, 42, "start", "", fmt.Sprintf("%s; median of %d rounds", r.Machine, r.Rounds))
	c.legend(r, 2*width-75*float64(len(r.Targets))-10, 24)
	for i, axis := range r.Set.Axes {
		for j, m := range []metric{iopsMetric, processorMetric} {
			r.plot(&c, axis, m, box{width*float64(j) + 70, head + height*float64(i) + 25, width - 90, height - 75})
		}
	}
	return c.String()
}

// A box is where a plot's values lie.
type box struct{ x, y, w, h float64 }

func (r *Report) plot(c *canvas, axis Axis, m metric, at box) {
	first, last := axis.Of(axis.Loads[0]), axis.Of(axis.Loads[len(axis.Loads)-1])
	highest := 0.
	for _, l := range axis.Loads {
		for target := range r.Targets {
			highest = max(highest, r.value(l, m, target))
		}
	}
	highest = roundUp(highest)
	x := func(v int) float64 {
		return at.x + at.w*math.Log2(float64(v)/float64(first))/math.Log2(float64(last)/float64(first))
	}
	y := func(v float64) float64 { return at.y + at.h*(1-v/highest) }

	c.text(at.x-50, at.y-10, "start", strong, m.name)
	for part := 0.; part <= 1; part += 0.25 {
		v := highest * part
		c.line(at.x, y(v), at.x+at.w, y(v), faint)
		c.text(at.x-6, y(v)+4, "end", ` font-size="11"`, number(v))
	}
	for _, l := range axis.Loads {
		v := axis.Of(l)
		c.text(x(v), at.y+at.h+16, "middle", ` font-size="11"`, strconv.Itoa(v))
	}
	c.text(at.x+at.w/2, at.y+at.h+34, "middle", "", axis.Name)
	for target := range r.Targets {
		var points [][2]float64
		for _, l := range axis.Loads {
			if v := r.value(l, m, target); v != 0 {
				points = append(points, [2]float64{x(axis.Of(l)), y(v)})
			}
		}
		if points != nil {
			c.path(points, r.colour(target))
		}
	}
}

// value is the median of a metric of a target at a load; 0 when there is none.
func (r *Report) value(l Load, m metric, target int) float64 {
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Load == l })
	if i < 0 {
		return 0
	}
	return r.Rows[i].median(m, target)
}

// roundUp is the next of 1, 2, 4 and 8 times a power of ten: a scale whose quarters read well.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 8} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}
