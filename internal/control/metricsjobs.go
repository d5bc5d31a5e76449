package control

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lunarsan/lunar/stream/job"
)

// The label of a job is "name": Prometheus has a "job" of its own.
var (
	jobLabels     = []string{"name"}
	replicaLabels = []string{"name", "volume"}
)

var jobSeries = []series[*job.Status]{
	gauge("lunar_job_rpo_seconds", "How old the newest replica of a job's volumes may get; 0: nobody asks.", jobLabels, func(s *job.Status) float64 { return time.Duration(s.Job.RPO).Seconds() }),
	gauge("lunar_job_late", "1 while a replica is older than that, else 0.", jobLabels, func(s *job.Status) float64 { return oneIf(s.Late && !s.Paused) }),
	gauge("lunar_job_paused", "1 while the job is paused, else 0.", jobLabels, func(s *job.Status) float64 { return oneIf(s.Paused) }),
	gauge("lunar_job_running", "1 while a run is under way, else 0.", jobLabels, func(s *job.Status) float64 { return oneIf(s.Running != nil) }),
	gauge("lunar_job_failures", "Runs that failed since the last one that did not.", jobLabels, func(s *job.Status) float64 { return float64(s.Failures) }),
	gauge("lunar_job_last_success_seconds", "When the newest run began that did all it should, in Unix time; 0: none did.", jobLabels, func(s *job.Status) float64 { return unixTime(s.LastGood) }),
	gauge("lunar_job_next_run_seconds", "When the next run is due, in Unix time; 0: when it is asked for.", jobLabels, func(s *job.Status) float64 { return unixTime(s.Next) }),
}

var jobCountSeries = []series[jobCount]{
	counter("lunar_job_runs_total", "Runs that have ended.", jobLabels, func(n jobCount) uint64 { return n.runs }),
	counter("lunar_job_runs_failed_total", "Runs that did not do all that they should.", jobLabels, func(n jobCount) uint64 { return n.failures }),
	counter("lunar_job_sent_bytes_total", "What was sent.", jobLabels, func(n jobCount) uint64 { return n.sent }),
}

var jobRunSeries = []series[*job.Run]{
	gauge("lunar_job_last_run_seconds", "How long the last run took.", jobLabels, func(r *job.Run) float64 { return r.Ended.Sub(r.Started).Seconds() }),
	gauge("lunar_job_last_run_bytes", "What the last run sent.", jobLabels, func(r *job.Run) float64 { return float64(r.Bytes()) }),
	gauge("lunar_job_last_run_still_seconds", "How long writes stood still for its snapshots.", jobLabels, func(r *job.Run) float64 { return r.Still.Seconds() }),
}

var replicaSeries = []series[job.Lag]{
	gauge("lunar_job_lag_seconds", "How old the newest replica of a volume is; where there is none yet, how long the job is known.", replicaLabels, func(l job.Lag) float64 { return l.Lag.Seconds() }),
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

func describeJobs(ch chan<- *prometheus.Desc) {
	describe(ch, jobSeries)
	describe(ch, jobCountSeries)
	describe(ch, jobRunSeries)
	describe(ch, replicaSeries)
}

// collectJobs sends the metrics of jobs.
func collectJobs(ch chan<- prometheus.Metric, jobs []job.Status, counts *jobCounts) {
	for i := range jobs {
		j := &jobs[i]
		for _, s := range jobSeries {
			s.send(ch, j, j.Job.Name)
		}
		n := counts.of(j.Job.Name)
		for _, s := range jobCountSeries {
			s.send(ch, n, j.Job.Name)
		}
		if j.Last != nil {
			for _, s := range jobRunSeries {
				s.send(ch, j.Last, j.Job.Name)
			}
		}
		if !j.Job.Replicates() {
			continue
		}
		for _, l := range j.Volumes {
			for _, s := range replicaSeries {
				s.send(ch, l, j.Job.Name, l.Source)
			}
		}
	}
}
