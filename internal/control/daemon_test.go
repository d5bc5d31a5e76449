package control

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

func TestSecondDaemon(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	_, err := Open(r.opts)
	if !errors.Is(err, ErrStateInUse) {
		t.Errorf("error %v, want %v", err, ErrStateInUse)
	}
	wantProblem(t, err, r.opts.StateDir, "--state")

	other := r.opts
	other.StateDir = r.path("other")
	d := must(Open(other))(t)
	err = d.Run(t.Context())
	wantProblem(t, err, "another daemon answers on "+r.opts.Socket, "--api")
	if _, err := r.Status(t.Context()); err != nil {
		t.Errorf("the first daemon is disturbed: %v", err)
	}
}

func TestStateNotReadable(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(Tx) error
		want  error
	}{
		{"newer", func(tx Tx) error { return tx.Put("unit/x", []byte(`{"format":99}`)) }, ErrStateNewer},
		{"damaged unit", func(tx Tx) error { return tx.Put("unit/x", []byte(`{`)) }, ErrStateDamaged},
		{"damaged target", func(tx Tx) error { return tx.Put("target/x", []byte(`{`)) }, ErrStateDamaged},
		{"damaged portal group", func(tx Tx) error { return tx.Put("portal-group/x", []byte(`{`)) }, ErrStateDamaged},
		{"damaged initiator", func(tx Tx) error { return tx.Put("initiator/x", []byte(`{`)) }, ErrStateDamaged},
		{"damaged discovery", func(tx Tx) error { return tx.Put("discovery/auth", []byte(`{`)) }, ErrStateDamaged},
		{"a target of no portal group", func(tx Tx) error {
			return targetKind.put(tx, iqnA, targetRecord{Name: iqnA, Auth: "none", Groups: []string{"gone"}})
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, nil)
			r.end()
			s := must(openBolt(r.opts.StateDir))(t)
			if err := s.Update(test.spoil); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds nothing locked
				_, err := Open(r.opts)
				if err == nil {
					t.Fatal("it opened")
				}
				if test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				wantProblem(t, err, filepath.Join(r.opts.StateDir, boltFile))
			}
		})
	}
}

// TestSlowStore: a store that hangs when it is opened holds up neither the start nor the end.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := false
	r := start(t, func(o *Options) {
		o.openStore = func(path string, how sbd.OpenOptions) (sbd.Store, error) {
			if slow && strings.HasSuffix(path, "slow") {
				<-hang
			}
			return sbd.Open(path, how)
		}
	})
	r.createUnit(UnitCreate{Path: r.path("slow"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("fast"), GUID: guidB})
	r.end()
	slow = true
	r.run()
	for guid, want := range map[string]string{guidA: UnitOffline, guidB: UnitOnline} {
		if u := must(r.Unit(t.Context(), guid))(t); u.State != want {
			t.Errorf("%s is %s, want %s", u.Path, u.State, want)
		}
	}
	attempts := r.d.units[mustGUID(t, guidA)].attempts
	r.end()
	close(hang)
	<-attempts.ended // and gives the store back
	s := must(sbd.Open(r.path("slow"), sbd.OpenOptions{}))(t)
	s.Close()
}

func TestDrain(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	held := make(chan struct{})
	var once sync.Once
	r := start(t, func(o *Options) {
		o.openStore = func(path string, how sbd.OpenOptions) (sbd.Store, error) {
			s, err := sbd.Open(path, how)
			if err == nil && strings.HasSuffix(path, "stuck") {
				s = sbd.NewFaulty(s, sbd.Rule{Calls: sbd.CallSync, Hold: hold, Held: func() { once.Do(func() { close(held) }) }})
			}
			return s, err
		}
	})
	r.createUnit(UnitCreate{Path: r.path("stuck"), GUID: guidA, WriteCache: true})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, r.portal(), iqnA) // which never logs out
	d := r.d
	begun := time.Now()
	r.end()
	if took := time.Since(begun); took > time.Second {
		t.Errorf("with a stuck medium and a silent initiator the drain took %v", took)
	}
	<-held
	ended(t, c)
	if exists(r.opts.Socket) {
		t.Error("the socket is left behind")
	}
	_, err := d.begin(t.Context())
	wantProblem(t, err, "stopping")
}

func TestSocket(t *testing.T) {
	r := start(t, nil)
	info, err := os.Stat(r.opts.Socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	r.end()
	// What a daemon that was killed leaves behind.
	l, err := listenAPI(r.opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	l.(*apiListener).Listener.Close()
	if !exists(r.opts.Socket) {
		t.Fatal("no stale socket to test with")
	}
	r.run()
	must(r.Status(t.Context()))(t)
	r.end()

	long := r.opts
	long.Socket = "/tmp/" + strings.Repeat("x", maxSocketPath)
	err = must(Open(long))(t).Run(context.Background())
	wantProblem(t, err, "longer than", "--api")
	nowhere := r.opts
	nowhere.Socket = r.path("no/where")
	err = must(Open(nowhere))(t).Run(context.Background())
	wantProblem(t, err, nowhere.Socket, "--api")
}

func TestStatus(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	login(t, r.portal(), iqnA)
	s := must(r.Status(t.Context()))(t)
	if s.Version != "test" || s.PID != os.Getpid() || s.StateDir != r.opts.StateDir || len(s.Units) != 1 ||
		s.Targets != 1 || s.Sessions != 1 || s.Memory.Budget != 64<<20 || len(s.Groups) != 1 || len(s.Alarms) != 0 ||
		time.Since(s.Started) > time.Minute {
		t.Errorf("status %+v", s)
	}
}
