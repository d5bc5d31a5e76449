package control

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metricLabels are the labels of each series, by its name, between commas.
func metricLabels(t *testing.T) map[string]string {
	t.Helper()
	labels := make(map[string]string)
	described := make(chan *prometheus.Desc)
	go func() {
		daemonCollector{}.Describe(described)
		close(described)
	}()
	desc := regexp.MustCompile(`fqName: "(.*?)".*variableLabels: \{(.*?)\}`)
	for d := range described {
		m := desc.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("a metric describes itself as %s", d)
		}
		names := []string{m[1]}
		if strings.HasSuffix(m[1], "_command_seconds") { // a histogram
			names = []string{m[1] + "_bucket", m[1] + "_sum", m[1] + "_count"}
			m[2] += ",le"
		}
		for _, name := range names {
			labels[name] = "," + m[2] + ",instance,"
		}
	}
	return labels
}

// TestDashboard: every metric that the dashboard names is one, with the labels that it asks for,
// and panels do not lie on top of each other.
func TestDashboard(t *testing.T) {
	labels := metricLabels(t)
	text, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr, LegendFormat string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	selector := regexp.MustCompile(`([a-z_]*lunar_[a-z0-9_]+)(\{[^}]*\})?`)
	label := regexp.MustCompile(`([a-z]+)=~`)
	asked := regexp.MustCompile(`by \(([a-z, ]+)\)|\{\{([a-z]+)\}\}|, ([a-z]+)\)$`)
	check := func(where, expr, legend string) {
		t.Helper()
		found := selector.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 || strings.Count(expr, "(") != strings.Count(expr, ")") {
			t.Errorf("%s: %q asks for nothing", where, expr)
		}
		for _, m := range found {
			has, there := labels[m[1]]
			if !there {
				t.Errorf("%s: there is no metric %s", where, m[1])
			}
			wanted := ""
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				wanted += l[1] + ","
			}
			for _, l := range asked.FindAllStringSubmatch(expr+" "+legend, -1) {
				wanted += strings.ReplaceAll(l[1]+l[2]+l[3], " ", "") + ","
			}
			for l := range strings.SplitSeq(strings.TrimSuffix(wanted, ","), ",") {
				if l != "" && !strings.Contains(has, ","+l+",") {
					t.Errorf("%s: %s has no label %q, but%s", where, m[1], l, has)
				}
			}
		}
	}
	taken := make(map[[2]int]string)
	ids := make(map[int]bool)
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: another panel has number %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, q := range p.Targets {
			check(p.Title, q.Expr, q.LegendFormat)
		}
	}
	for _, v := range board.Templating.List {
		if v.Definition != "" {
			check("variable "+v.Name, v.Definition, "")
		}
	}
	if len(board.Panels) < 15 || len(board.Templating.List) != 4 {
		t.Errorf("there are %d panels and %d variables", len(board.Panels), len(board.Templating.List))
	}
}
