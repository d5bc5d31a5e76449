package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// A rig is two machines with volumes in memory, and what a runner remembers.
type rig struct {
	*testing.T
	mu      sync.Mutex
	volumes map[string]*streamtest.Memory // by machine, |, and name
	down    map[string]error              // machines that do not answer
	fault   func(peer, call string, done bool) error
	states  map[string]State
	ended   []Run
	open    int
	slow    time.Duration // that opening an end takes
}

func newRig(t *testing.T) *rig {
	return &rig{T: t, volumes: make(map[string]*streamtest.Memory), down: make(map[string]error), states: make(map[string]State)}
}

// volumeSize is how long volumes are (bytes): what is in them is others' business.
const volumeSize = 16

func (r *rig) add(peer, name string) *streamtest.Memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := streamtest.NewMemory(name, volumeSize)
	r.volumes[peer+"|"+name] = v
	return v
}

// volume is one that may not be there yet. Volumes have a second name, with "lu:" before the first.
func (r *rig) volume(peer, name string) *streamtest.Memory {
	name = strings.TrimPrefix(name, "lu:")
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.volumes[peer+"|"+name]
	if v == nil {
		v = streamtest.NoMemory(name)
		r.volumes[peer+"|"+name] = v
	}
	return v
}

func (r *rig) setDown(peer string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down[peer] = err
}

// setFault has calls asked for errors: see streamtest.Faulty.
func (r *rig) setFault(fault func(peer, call string, done bool) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

func (r *rig) Open(ctx context.Context, _ *Job, peer string) (End, error) {
	time.Sleep(r.slow)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.down[peer]; err != nil {
		return nil, fmt.Errorf("peer %s: %w", peer, err)
	}
	r.open++
	return &rigEnd{r, peer}, nil
}

type rigEnd struct {
	*rig
	peer string
}

func (e *rigEnd) Volume(_ context.Context, name string) (stream.Volume, error) {
	v := e.volume(e.peer, name)
	e.mu.Lock()
	fault := e.fault
	e.mu.Unlock()
	if fault == nil {
		return v, nil
	}
	if err := fault(e.peer, "volume", false); err != nil {
		return nil, err
	}
	return &streamtest.Faulty{Volume: v, Fail: func(call string, done bool) error { return fault(e.peer, call, done) }}, nil
}

func (e *rigEnd) Take(ctx context.Context, volumes []string, name string) (time.Duration, error) {
	var all error
	for _, volume := range volumes {
		v, _ := e.Volume(ctx, volume)
		_, err := v.Take(ctx, name)
		all = errors.Join(all, err)
	}
	return time.Millisecond, all
}

func (e *rigEnd) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
	return nil
}

func (r *rig) Load(_ context.Context, job string) (State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[job], nil
}

func (r *rig) Save(_ context.Context, job string, s State) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[job] = s
	return nil
}

// start starts a runner with jobs. It is closed when the test ends, at the latest.
func (r *rig) start(jobs ...Job) *Runner {
	r.Helper()
	runner := New(context.Background(), Options{Open: r.Open, Journal: r, Ended: func(_ Job, run Run) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = append(r.ended, run)
	}})
	r.Cleanup(func() {
		runner.Close()
		if r.open != 0 {
			r.Errorf("%d ends are open", r.open)
		}
	})
	for _, j := range jobs {
		if err := runner.Set(r.Context(), j); err != nil {
			r.Fatal(err)
		}
	}
	return runner
}

// runs are those that have ended.
func (r *rig) runs() []Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ended)
}

func (r *rig) failed() []string {
	var says []string
	for _, run := range r.runs() {
		if run.Problem != nil {
			says = append(says, run.Problem.Says)
		}
		for _, v := range run.Volumes {
			if v.Problem != nil {
				says = append(says, v.Problem.Says)
			}
		}
	}
	return says
}

// names are the snapshots that a volume has of a prefix.
func (r *rig) names(peer, volume, prefix string) (names []string) {
	r.Helper()
	all, err := r.volume(peer, volume).Snapshots(r.Context())
	if err != nil && !errors.Is(err, stream.ErrNoVolume) {
		r.Fatal(err)
	}
	for _, s := range all {
		if !s.Bookmark && strings.HasPrefix(s.Name, prefix+"-") {
			names = append(names, s.Name)
		}
	}
	return names
}

func (r *rig) has(peer, volume, prefix string, want []string) {
	r.Helper()
	got := r.names(peer, volume, prefix)
	if slices.Equal(got, want) {
		return
	}
	minus := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	r.Errorf("%v: %s of %q has %d of %s, want %d\ntoo many: %v\ntoo few: %v", time.Now().UTC(), volume, peer, len(got), prefix, len(want), minus(got, want), minus(want, got))
}
