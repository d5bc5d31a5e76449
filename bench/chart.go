package bench

// SVG is the report as a picture: lines where the set has axes, else bars.
func (r *Report) SVG() string {
	if r.Set.Axes != nil {
		return r.lines()
	}
	return r.bars()
}
