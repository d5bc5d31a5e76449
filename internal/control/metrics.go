package control

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/radius"
)

// metricsHandler serves what the packages have counted, in Prometheus's format.
func (d *Daemon) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		daemonCollector{d},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// A series is one metric of something of type T: a row describes it, reads it and names it.
type series[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
}

func counter[T any, N int64 | uint64](name, help string, labels []string, value func(T) N) series[T] {
	return series[T]{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, func(t T) float64 { return float64(value(t)) }}
}

func gauge[T any](name, help string, labels []string, value func(T) float64) series[T] {
	return series[T]{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, value}
}

func (s series[T]) send(ch chan<- prometheus.Metric, t T, labels ...string) {
	ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(t), labels...)
}

var (
	unitLabels    = []string{"unit"}
	poolLabels    = []string{"pool"}
	commandLabels = []string{"unit", "command"}
	offloadLabels = []string{"unit", "primitive"}
	manageLabels  = []string{"function", "outcome"}
	hostLabels    = []string{"initiator"}
	radiusLabels  = []string{"server"}
)

var daemonSeries = []series[*Daemon]{
	gauge("lunar_buffer_budget_bytes", "What the I/O buffers may take.", nil, func(d *Daemon) float64 { return float64(d.pool.Budget()) }),
	gauge("lunar_buffer_in_use_bytes", "What the I/O buffers take.", nil, func(d *Daemon) float64 { return float64(d.pool.InUse()) }),
	gauge("lunar_buffer_outstanding", "I/O buffers that are lent.", nil, func(d *Daemon) float64 { return float64(d.pool.Outstanding()) }),
	gauge("lunar_start_time_seconds", "When the daemon started, in Unix time.", nil, func(d *Daemon) float64 { return float64(d.started.Unix()) }),
}

var iscsiSeries = []series[iscsi.Metrics]{
	gauge("lunar_iscsi_connections", "Open connections.", nil, func(m iscsi.Metrics) float64 { return float64(m.Connections) }),
	gauge("lunar_iscsi_sessions", "Sessions in full feature phase, discovery too.", nil, func(m iscsi.Metrics) float64 { return float64(m.Sessions) }),
	counter("lunar_iscsi_accepted_total", "Connections accepted.", nil, func(m iscsi.Metrics) int64 { return m.Accepted }),
	counter("lunar_iscsi_turned_away_total", "Connections over a cap.", nil, func(m iscsi.Metrics) int64 { return m.TurnedAway }),
	counter("lunar_iscsi_logins_total", "Logins that succeeded.", nil, func(m iscsi.Metrics) int64 { return m.Logins }),
	counter("lunar_iscsi_login_errors_total", "Logins that were refused or did not end.", nil, func(m iscsi.Metrics) int64 { return m.LoginErrors }),
	counter("lunar_iscsi_reinstatements_total", "Sessions that a new login replaced.", nil, func(m iscsi.Metrics) int64 { return m.Reinstatements }),
	counter("lunar_iscsi_commands_total", "SCSI commands answered.", nil, func(m iscsi.Metrics) int64 { return m.Commands }),
	counter("lunar_iscsi_read_bytes_total", "Bytes of Data-In sent.", nil, func(m iscsi.Metrics) int64 { return m.ReadBytes }),
	counter("lunar_iscsi_write_bytes_total", "Bytes of Data-Out received.", nil, func(m iscsi.Metrics) int64 { return m.WriteBytes }),
	counter("lunar_iscsi_task_management_total", "Task management functions.", nil, func(m iscsi.Metrics) int64 { return m.TaskMgmt }),
	counter("lunar_iscsi_rejects_total", "PDUs refused.", nil, func(m iscsi.Metrics) int64 { return m.Rejects }),
	counter("lunar_iscsi_header_digest_errors_total", "Headers that arrived damaged.", nil, func(m iscsi.Metrics) int64 { return m.HeaderDigestErrors }),
	counter("lunar_iscsi_data_digest_errors_total", "Data segments that arrived damaged.", nil, func(m iscsi.Metrics) int64 { return m.DataDigestErrors }),
	counter("lunar_iscsi_cut_total", "Connections ended for the initiator's silence, slowness or errors.", nil, func(m iscsi.Metrics) int64 { return m.Cut }),
}

var unitSeries = []series[UnitInfo]{
	gauge("lunar_unit_online", "1 while the unit is online, else 0.", unitLabels, func(u UnitInfo) float64 {
		if u.State == UnitOnline {
			return 1
		}
		return 0
	}),
	gauge("lunar_unit_size_bytes", "The unit's capacity.", unitLabels, func(u UnitInfo) float64 { return float64(u.Size) }),
}

var spaceSeries = []series[*SpaceInfo]{
	gauge("lunar_unit_used_bytes", "Space that a thin unit takes.", unitLabels, func(s *SpaceInfo) float64 { return float64(s.Used) }),
}

var poolSeries = []series[PoolInfo]{
	gauge("lunar_pool_size_bytes", "The capacity of a pool that thin units live in.", poolLabels, func(p PoolInfo) float64 { return float64(p.Size) }),
	gauge("lunar_pool_free_bytes", "What is left of it.", poolLabels, func(p PoolInfo) float64 { return float64(p.Free) }),
	gauge("lunar_pool_alarm", "1 while it is fuller than a unit in it wants, 2 while no more than the reserve is left, else 0.", poolLabels, func(p PoolInfo) float64 {
		switch {
		case p.Full:
			return 2
		case p.Alarm:
			return 1
		}
		return 0
	}),
}

var storeSeries = []series[sbd.Metrics]{
	counter("lunar_unit_reads_total", "Reads from the store.", unitLabels, func(m sbd.Metrics) uint64 { return m.Reads }),
	counter("lunar_unit_read_bytes_total", "Bytes read from the store.", unitLabels, func(m sbd.Metrics) uint64 { return m.ReadBytes }),
	counter("lunar_unit_writes_total", "Writes to the store.", unitLabels, func(m sbd.Metrics) uint64 { return m.Writes }),
	counter("lunar_unit_write_bytes_total", "Bytes written to the store.", unitLabels, func(m sbd.Metrics) uint64 { return m.WriteBytes }),
	counter("lunar_unit_unmaps_total", "Ranges given back.", unitLabels, func(m sbd.Metrics) uint64 { return m.Unmaps }),
	counter("lunar_unit_unmap_bytes_total", "Bytes given back.", unitLabels, func(m sbd.Metrics) uint64 { return m.UnmapBytes }),
	counter("lunar_unit_zeros_total", "Ranges zeroed.", unitLabels, func(m sbd.Metrics) uint64 { return m.Zeros }),
	counter("lunar_unit_zero_bytes_total", "Bytes zeroed.", unitLabels, func(m sbd.Metrics) uint64 { return m.ZeroBytes }),
	counter("lunar_unit_copies_total", "Copies into the unit.", unitLabels, func(m sbd.Metrics) uint64 { return m.Copies }),
	counter("lunar_unit_copy_shared_bytes_total", "Bytes copied by sharing their space (reflink).", unitLabels, func(m sbd.Metrics) uint64 { return m.CopySharedBytes }),
	counter("lunar_unit_copy_below_bytes_total", "Bytes copied by the kernel (copy_file_range).", unitLabels, func(m sbd.Metrics) uint64 { return m.CopyBelowBytes }),
	counter("lunar_unit_copy_moved_bytes_total", "Bytes copied by reading and writing them.", unitLabels, func(m sbd.Metrics) uint64 { return m.CopyMovedBytes }),
	counter("lunar_unit_copy_hole_bytes_total", "Bytes copied as holes or zeros, where the source had no space for them.", unitLabels, func(m sbd.Metrics) uint64 { return m.CopyHoleBytes }),
	counter("lunar_unit_updates_total", "Atomic updates.", unitLabels, func(m sbd.Metrics) uint64 { return m.Updates }),
	counter("lunar_unit_syncs_total", "Calls that asked for durability.", unitLabels, func(m sbd.Metrics) uint64 { return m.Syncs }),
	counter("lunar_unit_commits_total", "Syncs of the store that served them.", unitLabels, func(m sbd.Metrics) uint64 { return m.Commits }),
	counter("lunar_unit_errors_total", "Calls to the unit that failed.", unitLabels, func(m sbd.Metrics) uint64 { return m.Errors }),
}

var commandSeries = []series[*scsi.CommandMetrics]{
	counter("lunar_scsi_commands_failed_total", "Commands that ended with another status than GOOD or CONDITION MET.", commandLabels, func(m *scsi.CommandMetrics) uint64 { return m.Failed }),
	counter("lunar_scsi_reservation_conflicts_total", "Commands that another's reservation refused.", commandLabels, func(m *scsi.CommandMetrics) uint64 { return m.Conflicts }),
	counter("lunar_scsi_in_bytes_total", "Bytes of Data-In.", commandLabels, func(m *scsi.CommandMetrics) uint64 { return m.In }),
	counter("lunar_scsi_out_bytes_total", "Bytes of Data-Out.", commandLabels, func(m *scsi.CommandMetrics) uint64 { return m.Out }),
}

// An initiator's label is its name; empty, those of whom there are too many to name.
var hostSeries = []series[*iscsi.InitiatorLoad]{
	gauge("lunar_initiator_sessions", "Sessions that the initiator has.", hostLabels, func(i *iscsi.InitiatorLoad) float64 { return float64(i.Sessions) }),
	counter("lunar_initiator_commands_total", "SCSI commands answered.", hostLabels, func(i *iscsi.InitiatorLoad) int64 { return i.Commands }),
	counter("lunar_initiator_read_bytes_total", "Bytes of Data-In sent to the initiator.", hostLabels, func(i *iscsi.InitiatorLoad) int64 { return i.ReadBytes }),
	counter("lunar_initiator_write_bytes_total", "Bytes of Data-Out received from it.", hostLabels, func(i *iscsi.InitiatorLoad) int64 { return i.WriteBytes }),
}

var hostSeconds = prometheus.NewDesc("lunar_initiator_command_seconds", "How long an initiator's commands took in the device server.", hostLabels, nil)

var slowSeries = []series[*scsi.LogicalUnit]{
	counter("lunar_scsi_slow_commands_total", "Commands that took as long as lunar serve --slow, or longer.", unitLabels, func(lu *scsi.LogicalUnit) uint64 { n, _ := lu.SlowCommands(); return n }),
}

var offloadSeries = []series[scsi.PrimitiveMetrics]{
	counter("lunar_scsi_offloads_total", "Primitives (ATS, XCOPY, WRITE SAME, UNMAP, ODX) that succeeded.", offloadLabels, func(m scsi.PrimitiveMetrics) uint64 { return m.Good }),
	counter("lunar_scsi_offloads_failed_total", "Primitives that were refused or failed; a miscompare is no failure.", offloadLabels, func(m scsi.PrimitiveMetrics) uint64 { return m.Failed }),
}

var manageSeries = []series[scsi.FunctionMetrics]{
	counter("lunar_scsi_task_management_total", "Task management functions, by what came of them.", manageLabels, func(m scsi.FunctionMetrics) uint64 { return m.Count }),
}

var radiusSeries = []series[radius.ServerState]{
	counter("lunar_radius_accepted_total", "Proofs that a RADIUS server accepted.", radiusLabels, func(s radius.ServerState) uint64 { return s.Accepted }),
	counter("lunar_radius_rejected_total", "Proofs that it rejected.", radiusLabels, func(s radius.ServerState) uint64 { return s.Rejected }),
	counter("lunar_radius_unanswered_total", "Proofs about which it said nothing.", radiusLabels, func(s radius.ServerState) uint64 { return s.Unanswered }),
}

var commandSeconds = prometheus.NewDesc("lunar_scsi_command_seconds", "How long commands took in the device server.", commandLabels, nil)

// daemonCollector reads the counts of all packages when it is asked.
type daemonCollector struct{ d *Daemon }

func (c daemonCollector) Describe(ch chan<- *prometheus.Desc) {
	describe(ch, daemonSeries)
	describe(ch, iscsiSeries)
	describe(ch, unitSeries)
	describe(ch, spaceSeries)
	describe(ch, poolSeries)
	describe(ch, storeSeries)
	describe(ch, commandSeries)
	describe(ch, slowSeries)
	describe(ch, offloadSeries)
	describe(ch, manageSeries)
	describe(ch, hostSeries)
	describe(ch, radiusSeries)
	describeJobs(ch)
	ch <- hostSeconds
	ch <- commandSeconds
}

func describe[T any](ch chan<- *prometheus.Desc, list []series[T]) {
	for _, s := range list {
		ch <- s.desc
	}
}

func (c daemonCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range daemonSeries {
		s.send(ch, c.d)
	}
	m := c.d.server.Metrics()
	for _, s := range iscsiSeries {
		s.send(ch, m)
	}
	for _, i := range c.d.server.Initiators() {
		for _, s := range hostSeries {
			s.send(ch, &i, i.Initiator)
		}
		ch <- histogram(hostSeconds, &i.Latency, i.Took, i.Initiator)
	}
	if r := c.d.radius.Load(); r != nil {
		for _, state := range r.States() {
			for _, s := range radiusSeries {
				s.send(ch, state, state.Server)
			}
		}
	}
	collectJobs(ch, c.d.jobs.Statuses(), &c.d.counts)
	for _, p := range c.d.Pools() {
		for _, s := range poolSeries {
			s.send(ch, p, p.Name)
		}
	}
	for _, u := range c.d.snapshot() {
		for _, s := range unitSeries {
			s.send(ch, u.info, u.info.GUID)
		}
		if u.info.Space != nil {
			for _, s := range spaceSeries {
				s.send(ch, u.info.Space, u.info.GUID)
			}
		}
		m := u.unit.unit.Metrics()
		for _, s := range storeSeries {
			s.send(ch, m, u.info.GUID)
		}
		for _, m := range u.unit.lu.Metrics() {
			for _, s := range commandSeries {
				s.send(ch, &m, u.info.GUID, m.Name)
			}
			ch <- latencies(&m, u.info.GUID)
		}
		for _, s := range slowSeries {
			s.send(ch, u.unit.lu, u.info.GUID)
		}
		for _, m := range u.unit.lu.PrimitiveMetrics() {
			for _, s := range offloadSeries {
				s.send(ch, m, u.info.GUID, m.Primitive.String())
			}
		}
	}
	for _, m := range c.d.device.Histories().FunctionMetrics() {
		for _, s := range manageSeries {
			s.send(ch, m, m.Function.String(), m.Response.String())
		}
	}
}

// latencies is the histogram of one command's durations, in seconds.
func latencies(m *scsi.CommandMetrics, unit string) prometheus.Metric {
	return histogram(commandSeconds, &m.Latency, m.Took, unit, m.Name)
}

// histogram has a bucket for each octave: finer ones are more than a database wants.
func histogram(desc *prometheus.Desc, l *scsi.Latencies, took time.Duration, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64)
	for bound, count := range l.Octaves() {
		buckets[bound.Seconds()] = count
	}
	return prometheus.MustNewConstHistogram(desc, l.Count(), took.Seconds(), buckets, labels...)
}
