package bench

import (
	"encoding/json"
	"time"
)

// The shape of the report as JSON. Values are by the name of the metric, as in the tables,
// medians by target; a target that was not measured is absent.
type (
	jsonReport struct {
		Machine  string    `json:"machine"`
		When     time.Time `json:"when"`
		Set      string    `json:"set"`
		Rounds   int       `json:"rounds"`
		Targets  []string  `json:"targets"`
		Rows     []jsonRow `json:"rows"`
		Verdicts []Verdict `json:"verdicts,omitempty"`
		Notes    []string  `json:"notes,omitempty"`
	}
	jsonRow struct {
		Load     string                `json:"load"`
		Client   string                `json:"client"`
		Pattern  string                `json:"pattern"`
		Block    int                   `json:"block"`
		Depth    int                   `json:"depth"`
		Sessions int                   `json:"sessions"`
		Units    int                   `json:"units,omitempty"`
		Digests  string                `json:"digests,omitempty"`
		Medium   string                `json:"medium,omitempty"`
		Storm    string                `json:"storm,omitempty"`
		Place    string                `json:"storm_place,omitempty"`
		Metrics  map[string]jsonMetric `json:"metrics"`
	}
	jsonMetric struct {
		Median    map[string]float64   `json:"median"`
		Rounds    map[string][]float64 `json:"rounds"` // sorted
		BestPeer  string               `json:"best_peer,omitempty"`
		OfBest    float64              `json:"of_best,omitempty"`
		OfCeiling float64              `json:"of_ceiling,omitempty"`
	}
)

// MarshalJSON writes the report with its medians and ratios.
func (r *Report) MarshalJSON() ([]byte, error) {
	out := jsonReport{r.Machine, r.When, r.Set.Name, r.Rounds, r.Targets, make([]jsonRow, len(r.Rows)), r.Verdicts(), r.Notes}
	for i := range r.Rows {
		row := &r.Rows[i]
		l := row.Load
		j := jsonRow{
			Load: l.String(), Client: l.Client.String(), Pattern: l.Pattern.String(), Block: l.Block, Depth: l.Depth,
			Sessions: l.Sessions, Units: l.Units, Digests: l.Digests.String(), Medium: l.Medium.String(),
			Metrics: map[string]jsonMetric{},
		}
		if l.Storm != Calm {
			j.Storm, j.Place = l.Storm.String(), l.Place.String()
		}
		for _, m := range metrics {
			if row.median(m, 0) != 0 {
				j.Metrics[m.name] = r.jsonMetric(row, m)
			}
		}
		out.Rows[i] = j
	}
	return json.Marshal(out)
}

func (r *Report) jsonMetric(row *Row, m metric) jsonMetric {
	j := jsonMetric{Median: map[string]float64{}, Rounds: map[string][]float64{}}
	for i, name := range r.Targets {
		if values := row.values(m, i); values != nil {
			j.Median[name], j.Rounds[name] = row.median(m, i), values
		}
		if name == ceiling {
			j.OfCeiling = r.ratio(row, m, i)
		}
	}
	if best := r.best(row, m); best >= 0 {
		j.BestPeer, j.OfBest = r.Targets[best], r.ratio(row, m, best)
	}
	return j
}
