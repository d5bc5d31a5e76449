package sbd_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

const moment = time.Second

// A snapshot of several units is of one instant: it has no write without those that were answered
// before that one was sent.
func TestHoldIsOneInstant(t *testing.T) {
	const writers, slot = 3, 4096
	units := make([]*sbd.Unit, 3)
	for i := range units {
		units[i] = online(t, sbd.Config{WriteCache: i > 0}, sbd.NewMem(1<<20))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range int64(writers) {
		wg.Go(func() {
			op, p := &sbd.Op{MayBlock: true}, make([]byte, slot)
			for n := uint64(1); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				binary.LittleEndian.PutUint64(p, n)
				if err := units[n%3].WriteAt(op, p, w*slot, false); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 200 {
		_, err := sbd.Hold(t.Context(), units, moment, func(_ context.Context, held []*sbd.Held) error {
			for w := range int64(writers) {
				var newest, sum uint64
				for _, h := range held {
					p := make([]byte, 8)
					if _, err := h.Store().ReadAt(p, w*slot); err != nil {
						return err
					}
					n := binary.LittleEndian.Uint64(p)
					newest, sum = max(newest, n), sum+n
				}
				if newest > 2 && sum != 3*newest-3 { // of three in a row
					t.Errorf("writer %d: the newest write is %d, and the units have %d together", w, newest, sum)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
}

// Copies that cross each other, and holds of the same units in any order, wait for each other in
// one order.
func TestHoldAmongCopies(t *testing.T) {
	a := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(4<<20))
	b := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(4<<20))
	var wg sync.WaitGroup
	for _, pair := range [][2]*sbd.Unit{{a, b}, {b, a}, {a, a}} {
		wg.Go(func() {
			buffers := [][]byte{make([]byte, sbd.CopyPiece), make([]byte, sbd.CopyPiece)}
			for range 20 {
				if err := pair[0].CopyFrom(sbd.Copy{From: pair[1], Off: 2 << 20, N: 2 << 20, Buffers: buffers}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				units := []*sbd.Unit{pair[0], pair[1]}
				if units[0] == units[1] {
					units = units[:1]
				}
				if _, err := sbd.Hold(t.Context(), units, time.Minute, func(context.Context, []*sbd.Held) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// While writes stand still, reads go on, and all that changes something waits.
func TestHoldLetsReadsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(1<<20))
		waits := map[string]func(op *sbd.Op) error{
			"write": func(op *sbd.Op) error { return u.WriteAt(op, make([]byte, 512), 0, false) },
			"sync":  func(op *sbd.Op) error { return u.Sync(op) },
			"unmap": func(op *sbd.Op) error { return u.Unmap(op, 0, 512, false) },
			"update": func(op *sbd.Op) error {
				return u.Update(op, 4096, 512, false, func(sbd.Exclusive) error { return nil })
			},
		}
		goes := map[string]func(op *sbd.Op) error{
			"read":   func(op *sbd.Op) error { return u.ReadAt(op, make([]byte, 512), 0) },
			"mapped": func(op *sbd.Op) error { _, _, err := u.Mapped(op, 0); return err },
		}
		for what, call := range goes {
			stood, err := sbd.Hold(t.Context(), []*sbd.Unit{u}, moment, func(context.Context, []*sbd.Held) error {
				return call(&sbd.Op{MayBlock: true})
			})
			if err != nil || stood != 0 {
				t.Errorf("%s: %v after %v", what, err, stood)
			}
		}
		for what, call := range waits {
			done := make(chan error, 1)
			stood, err := sbd.Hold(t.Context(), []*sbd.Unit{u}, moment, func(context.Context, []*sbd.Held) error {
				go func() { done <- call(&sbd.Op{MayBlock: true}) }()
				time.Sleep(moment / 2)
				if len(done) > 0 {
					t.Errorf("%s: did not wait", what)
				}
				if err := u.WriteAt(new(sbd.Op), make([]byte, 512), 0, false); !errors.Is(err, sbd.ErrWouldBlock) {
					t.Errorf("a write that may not wait: %v", err)
				}
				return nil
			})
			if err != nil || stood != moment/2 {
				t.Errorf("%s: stood still for %v: %v", what, stood, err)
			}
			if err := <-done; err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Whatever happens, writes go on.
func TestHoldEnds(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		f     func(ctx context.Context, held []*sbd.Held) error
		busy  bool // a write does not end
		want  error
		stood time.Duration
	}{
		"at once":     {f: func(context.Context, []*sbd.Held) error { return nil }},
		"by an error": {f: func(context.Context, []*sbd.Held) error { return boom }, want: boom},
		"when its time is up": {f: func(ctx context.Context, _ []*sbd.Held) error {
			<-ctx.Done()
			return ctx.Err()
		}, want: context.DeadlineExceeded, stood: moment},
		"in spite of who does not listen": {f: func(_ context.Context, held []*sbd.Held) error {
			time.Sleep(time.Hour)
			if err := held[0].Swap(sbd.NewMem(1 << 20)); !errors.Is(err, sbd.ErrReleased) {
				t.Errorf("Swap when writes go on: %v", err)
			}
			return nil
		}, want: sbd.ErrReleased, stood: moment + time.Second},
		"before it begins":  {busy: true, want: context.DeadlineExceeded, stood: moment},
		"in spite of panic": {f: func(context.Context, []*sbd.Held) error { panic(boom) }, want: boom},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faulty := sbd.NewFaulty(sbd.NewMem(1 << 20))
				units := []*sbd.Unit{online(t, sbd.Config{WriteCache: true}, sbd.NewMem(1<<20)), online(t, sbd.Config{WriteCache: true}, faulty)}
				var stuck sync.WaitGroup
				letGo := make(chan struct{})
				if test.busy {
					faulty.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: letGo})
					stuck.Go(func() {
						if err := units[1].WriteAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0, false); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				stood, err := func() (stood time.Duration, err error) {
					defer func() {
						if p := recover(); p != nil {
							err = p.(error)
						}
					}()
					return sbd.Hold(t.Context(), units, moment, test.f)
				}()
				if !errors.Is(err, test.want) || stood != test.stood {
					t.Errorf("Hold = %v, %v, want %v, %v", stood, err, test.stood, test.want)
				}
				for _, u := range units {
					if err := u.WriteAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 4096, true); err != nil {
						t.Error(err)
					}
				}
				close(letGo)
				stuck.Wait()
				time.Sleep(2 * time.Hour) // who did not listen ends
			})
		})
	}
}

// A unit goes on with the store that took its own's place.
func TestHoldSwaps(t *testing.T) {
	old := sbd.NewFaulty(sbd.NewMem(1 << 20))
	u := online(t, sbd.Config{WriteCache: true, Offset: 4096}, old)
	op := &sbd.Op{MayBlock: true}
	swap := func(s sbd.Store) error {
		_, err := sbd.Hold(t.Context(), []*sbd.Unit{u}, moment, func(_ context.Context, held []*sbd.Held) error {
			if held[0].Unit != u {
				t.Error("another unit is held")
			}
			return held[0].Swap(s)
		})
		return err
	}
	if err := swap(sbd.NewMem(1 << 19)); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("Swap to less: %v", err)
	}
	fresh := sbd.NewMem(1 << 20)
	if err := swap(fresh); err != nil {
		t.Fatal(err)
	}
	was := old.Calls(sbd.CallWrite)
	if err := u.WriteAt(op, []byte{7}, 0, true); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := fresh.ReadAt(p, 4096); err != nil || p[0] != 7 || old.Calls(sbd.CallWrite) != was {
		t.Errorf("the write went elsewhere: %d, %v", p[0], err)
	}
	if _, err := sbd.Hold(t.Context(), []*sbd.Unit{u, u}, moment, nil); err == nil {
		t.Error("a unit stands still twice")
	}
	if err := u.Detach(nil); err != nil {
		t.Fatal(err)
	}
	if err := swap(fresh); !errors.Is(err, sbd.ErrOffline) {
		t.Errorf("Hold of an offline unit: %v", err)
	}
}
