package control

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestAlerts: every metric that the rules for Prometheus name is one, with the labels that their
// texts show, and each says what to do.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	labels := metricLabels(t)
	metric, shown := regexp.MustCompile(`lunar_[a-z0-9_]+`), regexp.MustCompile(`\$labels\.([a-z]+)`)
	alerts := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			named := metric.FindAllString(r.Expr, -1)
			if alerts[r.Alert] || len(named) == 0 || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["hint"] == "" {
				t.Errorf("%s is there twice, or lacks something", r.Alert)
			}
			alerts[r.Alert] = true
			for _, name := range named {
				has, there := labels[name]
				if !there {
					t.Errorf("%s: there is no metric %s", r.Alert, name)
				}
				for _, l := range shown.FindAllStringSubmatch(r.Annotations["summary"], -1) {
					if !strings.Contains(has, ","+l[1]+",") {
						t.Errorf("%s: %s has no label %q, but%s", r.Alert, name, l[1], has)
					}
				}
			}
		}
	}
	if len(alerts) < 10 {
		t.Errorf("there are %d rules", len(alerts))
	}
}
