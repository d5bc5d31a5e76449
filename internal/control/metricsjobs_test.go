package control

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/retain"
)

type jobCollector []job.Status

func (jobCollector) Describe(ch chan<- *prometheus.Desc) { describeJobs(ch) }
func (c jobCollector) Collect(ch chan<- prometheus.Metric) {
	var counts jobCounts
	counts.count("daily", c[0].Last)
	counts.count("daily", &job.Run{Problem: &job.Problem{}})
	collectJobs(ch, c, &counts)
}

// TestJobMetrics tells of a job that is late, and of one that has never run and makes no replicas.
func TestJobMetrics(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	jobs := jobCollector{
		{
			Job:      job.Job{Name: "daily", Root: "/replicas", RPO: retain.Span(time.Hour)},
			Next:     at.Add(time.Hour),
			Running:  &job.Running{},
			Last:     &job.Run{Started: at, Ended: at.Add(90 * time.Second), Still: 20 * time.Millisecond, Volumes: []job.VolumeRun{{Bytes: 5}, {Bytes: 7}}},
			LastGood: at,
			Failures: 2,
			Volumes:  []job.Lag{{Source: "tank/a", Lag: 2 * time.Hour}, {Source: "tank/b", Lag: time.Minute}},
			Late:     true,
		},
		{Job: job.Job{Name: "local"}, Paused: true, Late: true, Volumes: []job.Lag{{Source: "tank/c"}}},
	}
	want := `
lunar_job_failures{name="daily"} 2
lunar_job_failures{name="local"} 0
lunar_job_lag_seconds{name="daily",volume="tank/a"} 7200
lunar_job_lag_seconds{name="daily",volume="tank/b"} 60
lunar_job_last_run_bytes{name="daily"} 12
lunar_job_last_run_seconds{name="daily"} 90
lunar_job_last_run_still_seconds{name="daily"} 0.02
lunar_job_last_success_seconds{name="daily"} 1.8e+09
lunar_job_last_success_seconds{name="local"} 0
lunar_job_late{name="daily"} 1
lunar_job_late{name="local"} 0
lunar_job_next_run_seconds{name="daily"} 1.8000036e+09
lunar_job_next_run_seconds{name="local"} 0
lunar_job_paused{name="daily"} 0
lunar_job_paused{name="local"} 1
lunar_job_rpo_seconds{name="daily"} 3600
lunar_job_rpo_seconds{name="local"} 0
lunar_job_running{name="daily"} 1
lunar_job_running{name="local"} 0
lunar_job_runs_failed_total{name="daily"} 1
lunar_job_runs_failed_total{name="local"} 0
lunar_job_runs_total{name="daily"} 2
lunar_job_runs_total{name="local"} 0
lunar_job_sent_bytes_total{name="daily"} 12
lunar_job_sent_bytes_total{name="local"} 0
`
	registry := prometheus.NewRegistry()
	registry.MustRegister(jobs)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	var got strings.Builder
	got.WriteByte('\n')
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			got.WriteString(line)
		}
	}
	if got.String() != want {
		t.Errorf("want%s\ngot%s", want, &got)
	}
}

// TestMetricsHaveJobs: those of the daemon have them.
func TestMetricsHaveJobs(t *testing.T) {
	r := start(t, nil)
	must(r.CreateJob(t.Context(), job.Job{Name: "nightly", Volumes: []job.Volume{{Source: r.path("disk.img")}}}))(t)
	w := httptest.NewRecorder()
	r.d.metricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if want := `lunar_job_failures{name="nightly"} 0`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s is not in\n%s", want, w.Body)
	}
}
