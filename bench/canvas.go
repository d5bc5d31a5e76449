package bench

import (
	"fmt"
	"html"
	"strings"
)

// A canvas collects the elements of an SVG image. It paints its own background, so that what
// is drawn reads the same on light pages and dark ones.
type canvas struct {
	width, height float64
	body          strings.Builder
}

// The colours of the targets, ours first: told apart by people who see few colours too
// (after Okabe and Ito), the ceiling grey.
var palette = []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00"}

const (
	ink    = "#24292f"
	faint  = "#d0d7de"
	paper  = "#ffffff"
	grey   = "#8c959f"
	strong = ` font-weight="bold"`
)

// colour is that of the target at a place in a report.
func (r *Report) colour(target int) string {
	if r.Targets[target] == ceiling {
		return grey
	}
	return palette[target%len(palette)]
}

func (c *canvas) rect(x, y, w, h float64, fill string) {
	fmt.Fprintf(&c.body, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, w, h, fill)
}

// text writes at a baseline; anchor is start, middle or end.
func (c *canvas) text(x, y float64, anchor, more, text string) {
	fmt.Fprintf(&c.body, `<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, more, html.EscapeString(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, stroke string) {
	fmt.Fprintf(&c.body, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, stroke)
}

// path joins points with lines and marks each.
func (c *canvas) path(points [][2]float64, stroke string) {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", p[0], p[1])
		fmt.Fprintf(&c.body, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", p[0], p[1], stroke)
	}
	fmt.Fprintf(&c.body, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(b.String()), stroke)
}

// legend names the targets in their colours, in a line from x on.
func (c *canvas) legend(r *Report, x, y float64) {
	for i, name := range r.Targets {
		c.rect(x, y-9, 10, 10, r.colour(i))
		c.text(x+15, y, "start", "", name)
		x += 75
	}
}

func (c *canvas) String() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="sans-serif" font-size="12" fill="%s">`+"\n"+
		`<rect width="100%%" height="100%%" rx="6" fill="%s"/>`+"\n%s</svg>\n", c.width, c.height, c.width, c.height, ink, paper, c.body.String())
}
