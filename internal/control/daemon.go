package control

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/internal/comstar"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/wire"
	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/radius"
)

// DefaultSlow is Options.Slow unless it says otherwise.
const DefaultSlow = scsi.DefaultSlow

// Options say how a daemon is started; everything else is in its state.
type Options struct {
	StateDir string           // holds the state; made when it is not there
	Socket   string           // of the API
	Listen   []netip.AddrPort // portals of the default portal group
	Announce []string         // what SendTargets says instead, "host:port"
	Memory   int64            // budget of the I/O buffers in bytes
	Slow     time.Duration    // commands that take as long are remembered; 0: DefaultSlow
	Reserve  int64            // what thin units leave free of their pool, in bytes
	Version  string

	Replication netip.AddrPort // where peers come to; not valid: nowhere

	Remote                       netip.AddrPort // of the remote API; not valid: it is off
	RemoteCertificate, RemoteKey string         // files in PEM; empty: what the daemon makes for itself

	Log   *slog.Logger
	Ready func() // called once when the daemon serves; nil: nothing

	// openStore, openVolume, roots, dialPeer, wait, run, kept and addresses stand in for the medium, the clock, other programs,
	// the service manager and the network in tests.
	openStore  func(path string, o sbd.OpenOptions) (sbd.Store, error)
	openVolume func(name string) (stream.Volume, error)
	roots      *x509.CertPool // nil: the system's
	dialPeer   func(context.Context, *Daemon, peerRecord, wire.Options) (peerLink, error)
	wait       func(context.Context, time.Duration) error
	run        func(ctx context.Context, name string, args ...string) ([]byte, error)
	kept       func() []*os.File
	addresses  func() []netip.Addr
}

// How long the parts of a drain may take; together they stay below a second.
const (
	answersTime = 100 * time.Millisecond // requests to the API are answered
	logoutTime  = 450 * time.Millisecond // sessions finish their commands
	detachTime  = 300 * time.Millisecond // units sync; what is unsynced then stays in the page cache
	jobsTime    = 3 * time.Second        // only while a job's command lets go on what another has stopped
)

// comeBack is what initiators are told to wait before they log in again after a drain: long
// enough for the next daemon to listen, since Linux waits three seconds more when nobody does.
const comeBack = time.Second

// settleTime is how long a start waits for slow stores before it listens without them: their
// units answer meanwhile that they are becoming ready.
const settleTime = 250 * time.Millisecond

// A Daemon serves units to initiators. Use Open.
type Daemon struct {
	opts      Options
	log       *slog.Logger
	state     State
	vault     *vault
	journal   *journal
	pool      *buffer.Pool
	device    *target.Device
	server    *iscsi.Server
	keeper    *keeper
	reception *reception  // nil: no peer is to come
	memory    wire.Memory // of streams from peers, and to them
	alarms    *alarmBoard
	started   time.Time
	guids     comstar.Generator             // GUIDs of COMSTAR's form
	radius    atomic.Pointer[radius.Client] // nil: nobody can be asked

	// background carries all goroutines of the daemon; stop ends them.
	background context.Context
	stop       context.CancelFunc
	running    sync.WaitGroup
	troubled   chan struct{} // holds one token: a unit has something to say

	jobs   *job.Runner // set by Run
	counts jobCounts
	runs   waiters // for runs of jobs to end
	drills drills  // the sites and jobs whose units are being taken over or given back

	change sync.Mutex // see the package comment
	ended  bool       // under change: no more changes

	binding sync.Mutex // one portal is bound at a time

	mu      sync.RWMutex
	units   map[sbd.GUID]*unit
	portals map[uint16][]*portal // by portal group tag
	isns    *registration        // nil: targets are registered nowhere
}

// Open locks and reads the state and makes everything in it, without listening yet. Call Run
// or Close afterwards.
func Open(opts Options) (*Daemon, error) {
	if opts.openStore == nil {
		opts.openStore = layer.Open
	}
	if opts.openVolume == nil {
		opts.openVolume = openVolume
	}
	if opts.dialPeer == nil {
		opts.dialPeer = dialPeer
	}
	if opts.wait == nil {
		opts.wait = sleep
	}
	if opts.run == nil {
		opts.run = runCommand
	}
	if opts.kept == nil {
		opts.kept = keptFiles
	}
	if opts.addresses == nil {
		opts.addresses = publicAddresses
	}
	state, err := openState(opts.StateDir)
	if err != nil {
		return nil, err
	}
	d := &Daemon{
		opts:     opts,
		log:      opts.Log,
		state:    state,
		vault:    state.vault,
		journal:  state.journal,
		pool:     buffer.NewPool(opts.Memory),
		keeper:   newKeeper(opts.kept()),
		alarms:   newAlarmBoard(),
		started:  time.Now(),
		units:    make(map[sbd.GUID]*unit),
		portals:  make(map[uint16][]*portal),
		troubled: make(chan struct{}, 1),
	}
	d.guids.Host = hostPart()
	d.device = target.NewDevice(d.pool)
	d.device.AskRADIUS = d.askRADIUS
	d.server = iscsi.NewServer(d.device, d.pool, iscsi.Options{Log: opts.Log})
	d.background, d.stop = context.WithCancel(context.Background())
	if err := d.load(); err != nil {
		d.stop()
		err = &Problem{
			Title: filepath.Join(opts.StateDir, boltFile) + ": " + oneLine(err),
			Hint:  problemOf(err).Hint,
			cause: err,
		}
		return nil, errors.Join(err, state.Close())
	}
	return d, nil
}

// load makes what the state holds, in the order in which the parts need each other.
func (d *Daemon) load() error {
	for _, part := range []struct {
		name string
		load func() error
	}{
		{"secrets", d.sealSecrets},
		{"host groups", func() error { return d.loadMemberGroups(HostGroups) }},
		{"target groups", func() error { return d.loadMemberGroups(TargetGroups) }},
		{"units", d.loadUnits},
		{"reservations", d.loadReservations},
		{"units' memory", d.loadCarried},
		{"initiators", d.loadInitiators},
		{"discovery", d.loadDiscovery},
		{"RADIUS servers", d.loadRADIUS},
		{"target ports", d.loadPorts},
		{"portal groups", d.loadGroups},
		{"target port groups", d.loadAccess},
		{"targets", d.loadTargets},
	} {
		if err := part.load(); err != nil {
			return fmt.Errorf("loading the %s: %w", part.name, err)
		}
	}
	return nil
}

// Run serves until ctx ends, then drains. It returns nil after an orderly end.
func (d *Daemon) Run(ctx context.Context) error {
	l, err := listenAPI(d.opts.Socket)
	if err != nil {
		return errors.Join(err, d.drain())
	}
	d.settle(ctx)
	if err := d.listenAll(); err != nil {
		return errors.Join(err, l.Close(), d.drain())
	}
	if err := d.startISNS(); err != nil {
		return errors.Join(err, l.Close(), d.drain())
	}
	remote, err := d.listenRemote(ctx)
	if err != nil {
		return errors.Join(err, l.Close(), d.drain())
	}
	if err := d.startJobs(ctx); err != nil {
		return errors.Join(err, l.Close(), d.drain())
	}
	if d.reception, err = d.listenReplication(ctx); err != nil {
		return errors.Join(err, l.Close(), d.drain())
	}
	failed := make(chan error, 3)
	local := d.newAPIServer()
	servers := []*http.Server{local}
	d.running.Go(func() { failed <- local.Serve(l) })
	if remote != nil {
		distant := d.newRemoteServer()
		servers = append(servers, distant)
		d.running.Go(func() { failed <- distant.Serve(remote) })
	}
	if r := d.reception; r != nil {
		context.AfterFunc(d.background, func() { _ = r.Close() }) // nothing waits in it
		d.running.Go(func() { failed <- d.receive(r) })
	}
	d.running.Go(d.watchFaults)
	d.running.Go(d.watchCapacity)
	d.running.Go(d.watchAlarms)
	d.running.Go(d.pingWatchdog)
	d.running.Go(d.resumeDR)
	d.log.Info("serving", "state", d.opts.StateDir, "api", d.opts.Socket, "version", d.opts.Version)
	notify("READY=1")
	if d.opts.Ready != nil {
		d.opts.Ready()
	}

	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
		err = fmt.Errorf("serving: %w", err)
	}
	notify("STOPPING=1")
	return errors.Join(err, d.drain(servers...))
}

// Close ends a daemon that was not run.
func (d *Daemon) Close() error { return d.drain() }

// drain stops in two phases: first nothing new comes in, then what is inside comes to its end.
func (d *Daemon) drain(servers ...*http.Server) error {
	begun := time.Now()
	d.stop() // listeners, attempts to open stores, watchers
	var problems []error
	answers, cancel := context.WithTimeout(context.Background(), answersTime)
	for _, api := range servers {
		if api.Shutdown(answers) != nil { // somebody is still asking
			problems = append(problems, api.Close())
		}
	}
	cancel()
	d.change.Lock() // a change that is under way is finished first
	d.ended = true
	d.change.Unlock()

	d.retainReservations()
	wait := comeBack
	if d.keeper.works {
		wait = 0 // they are not refused meanwhile
	}
	logout, cancel := context.WithTimeout(context.Background(), logoutTime)
	defer cancel()
	if err := d.server.Shutdown(logout, wait); err != nil {
		d.log.Warn("sessions were cut off", "reason", err)
	}
	saved := make(chan error, 1)
	go func() { saved <- d.saveCarried() }() // beside the last syncs: initiators are waiting
	d.detachAll()
	problems = append(problems, <-saved)
	d.endJobs()
	d.running.Wait()
	problems = append(problems, d.state.Close())
	d.log.Info("stopped", "took", time.Since(begun).Round(time.Millisecond))
	return errors.Join(problems...)
}

// begin starts a change for whom ctx is of: it waits for the one that is under way. The caller calls the
// returned function at the end.
func (d *Daemon) begin(ctx context.Context) (end func(), err error) {
	d.change.Lock()
	if d.ended {
		d.change.Unlock()
		return nil, &Problem{Status: http.StatusServiceUnavailable, Title: "the daemon is stopping", Hint: "Ask again when it runs."}
	}
	d.journal.author.Store(authorOf(ctx))
	return func() {
		d.journal.author.Store(nil)
		d.change.Unlock()
	}, nil
}
