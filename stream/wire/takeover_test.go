package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A strict volume takes one stream at a time, as all but pipes do.
type strict struct {
	*pipeVolume
	mu sync.Mutex
}

func (v *strict) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	if !v.mu.TryLock() {
		return stream.Snapshot{}, fmt.Errorf("%s: %w", v.name, stream.ErrInUse)
	}
	defer v.mu.Unlock()
	return v.pipeVolume.Receive(ctx, in, r)
}

// Partial tells what came so far, which nobody knows while more comes.
func (v *strict) Partial(context.Context) (*stream.Partial, error) {
	if !v.mu.TryLock() {
		return nil, fmt.Errorf("%s: %w", v.name, stream.ErrInUse)
	}
	defer v.mu.Unlock()
	return &stream.Partial{GUID: 1}, nil
}

// TestBeginsAgain kills a client half-way, and has another take its place: the server does not make
// it wait for the one that is dead. One that lives is left alone.
func TestBeginsAgain(t *testing.T) {
	for _, kill := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			v := &strict{pipeVolume: &pipeVolume{name: "v"}}
			r := newRig(t, mapHost{"v": v}, Options{})
			var killed atomic.Bool
			first, err := Connect(t.Context(), func(ctx context.Context) (io.ReadWriteCloser, error) {
				if killed.Load() {
					return nil, errors.New("it is dead")
				}
				return r.dial(ctx)
			}, Options{Name: "far"})
			if err != nil {
				t.Fatal(err)
			}
			half, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				source := &tripwire{Reader: newMaterial(testStream), at: testStream / 2, trip: func() {
					close(half)
					<-t.Context().Done()
				}}
				_, err = first.Volume("v").Receive(t.Context(), source, stream.Receive{})
			}()
			<-half
			if kill {
				killed.Store(true)
				r.cut()
			}
			next := r.link(Options{}).Volume("v")
			if p, err := next.Partial(t.Context()); kill && (p == nil || err != nil) {
				t.Errorf("the next client is told %+v, %v of what came", p, err)
			}
			begun := time.Now()
			_, again := next.Receive(t.Context(), newMaterial(testStream), stream.Receive{})
			switch took := time.Since(begun); {
			case kill && (again != nil || v.sum != sumOf(t, newMaterial(testStream))):
				t.Errorf("the next client: %v", again)
			case !kill && (!errors.Is(again, stream.ErrInUse) || took < takeoverTime):
				t.Errorf("beside a client that lives: %v after %s", again, took)
			}
			t.Cleanup(func() {
				if err := first.Close(); err != nil {
					t.Error(err)
				}
				<-ended
				if err == nil {
					t.Error("a client that is dead has sent all")
				}
			})
		})
	}
}
