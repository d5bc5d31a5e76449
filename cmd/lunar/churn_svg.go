package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/churn"
)

// The chart of churn has a column for each interval, as high as what was written in it, and in
// it a piece for each of the places that most was written in.

// The chart's measures, in points.
const (
	churnHeight = 320 // of the columns
	churnWidth  = 960 // of all of them, unless there are more
	churnColumn = 48  // of one, at most
	churnLeft   = 96  // for what the lines say
	churnTop    = 40
)

// draw writes the chart to a file.
func (ch *churning) draw(r *churn.Report) error {
	by := ch.by[len(ch.by)-1]
	for _, v := range churnViews {
		if v.word != by {
			continue
		}
		if ch.svg == "-" {
			return drawChurn(ch.c.stdout, r, v.of(r))
		}
		f, err := os.Create(ch.svg)
		if err != nil {
			return err
		}
		return joined(drawChurn(f, r, v.of(r)), f.Close())
	}
	return nil
}

// A band is what one place has of the columns.
type band struct {
	paint
	series []int64
}

// bands gives the first lines of a list a colour each, and all others one.
func bands(list *churn.List) []band {
	var found []band
	rest := band{paint: paint{name: "others", colour: kindPaints[paintOther].colour}}
	add := func(l *churn.Line) {
		if rest.series == nil {
			rest.series = make([]int64, len(l.Series))
		}
		for i, n := range l.Series {
			rest.series[i] += n
		}
		rest.taken += l.Written
	}
	for i := range list.Lines {
		l := &list.Lines[i]
		if i >= len(fileColours) || l.Written == 0 {
			add(l)
			continue
		}
		found = append(found, band{paint{l.Name, fileColours[i], l.Written}, l.Series})
	}
	if list.Rest != nil {
		add(list.Rest)
	}
	if rest.taken > 0 {
		found = append(found, rest)
	}
	return found
}

// drawChurn draws the chart of a list of a report.
func drawChurn(to io.Writer, r *churn.Report, list *churn.List) error {
	// Intervals that are not equally long are compared by their rates, where these are known.
	height, most, daily := make([]func(int64) float64, len(r.Intervals)), 0.0, allTimed(r)
	for i, in := range r.Intervals {
		factor := 1.0
		if daily {
			factor = (24 * time.Hour).Seconds() / in.End.Sub(in.Begin).Seconds()
		}
		height[i] = func(n int64) float64 { return float64(n) * factor }
		most = max(most, height[i](in.Written))
	}
	step := gridStep(most)
	top := step * max(1, math.Ceil(most/step))
	column := min(churnColumn, max(2, churnWidth/max(1, len(r.Intervals))))
	width := churnLeft + max(churnWidth, column*len(r.Intervals)) + svgMargin
	base := churnTop + churnHeight
	y := func(v float64) float64 { return float64(base) - v/top*churnHeight }

	var body strings.Builder
	for v := 0.0; v <= top; v += step {
		text := formatSize(int64(v))
		fmt.Fprintf(&body, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#eceff1\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", churnLeft, y(v), width-svgMargin, y(v), churnLeft-8, y(v)+4, text)
	}
	drawn := bands(list)
	for i := range r.Intervals {
		drawColumn(&body, &r.Intervals[i], drawn, i, churnLeft+i*column, column, func(n int64) float64 { return y(height[i](n)) })
	}
	end := base + 18
	if n := len(r.Intervals); n > 0 {
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\">%s</text>\n", churnLeft, end, moment(r.Intervals[0].End))
		if n > 1 {
			fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", max(churnLeft+n*column, churnLeft+320), end, moment(r.Intervals[n-1].End))
		}
	}
	for _, b := range drawn {
		end += 18
		fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s, %s, %s</text>\n",
			churnLeft, end-10, b.colour, churnLeft+20, end, svgText(b.name), formatSize(b.taken), shareOf(float64(b.taken)/float64(max(1, r.Written))))
	}
	what := "written between snapshots"
	if daily {
		what = "written a day"
	}
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n", width, end+svgMargin, width, end+svgMargin)
	fmt.Fprintf(w, "<title>Where changes come from</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n")
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" font-size=\"14\">%s, %s in all</text>\n", svgMargin, svgMargin+4, what, formatSize(r.Written))
	_, err := io.WriteString(w, body.String()+"</svg>\n")
	return joined(err, w.Flush())
}

// allTimed says whether it is known of all intervals how long they are.
func allTimed(r *churn.Report) bool {
	for i := range r.Intervals {
		if _, ok := r.Intervals[i].PerDay(); !ok {
			return false
		}
	}
	return true
}

// drawColumn draws an interval, the largest of all places at the bottom.
func drawColumn(body *strings.Builder, in *churn.Interval, drawn []band, i, x, width int, y func(int64) float64) {
	var sum int64
	for _, b := range drawn {
		n := b.series[i]
		if n == 0 {
			continue
		}
		from, to := y(sum), y(sum+n)
		sum += n
		fmt.Fprintf(body, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\"><title>%s: %s, %s</title></rect>\n",
			x, to, max(1, width-1), from-to, b.colour, svgText(or(in.From, "?")+".."+in.To), svgText(b.name), formatSize(n))
	}
}

// gridStep is how far lines are apart for there to be a handful: 1, 2, 5, 10, ... 500 of a power
// of 1024 (bytes).
func gridStep(most float64) float64 {
	for unit := 1.0; ; unit *= 1024 {
		for _, n := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500} {
			if unit*n*5 >= most {
				return unit * n
			}
		}
	}
}
