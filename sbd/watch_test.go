package sbd_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// TestWatch wants every way to change bytes to be noticed, and nothing else.
func TestWatch(t *testing.T) {
	op := &sbd.Op{MayBlock: true}
	p := make([]byte, 512)
	for name, c := range map[string]struct {
		do      func(u *sbd.Unit) error
		changes bool
	}{
		"read":            {func(u *sbd.Unit) error { return u.ReadAt(op, p, 4096) }, false},
		"write before":    {func(u *sbd.Unit) error { return u.WriteAt(op, p, 4096-512, false) }, false},
		"write behind":    {func(u *sbd.Unit) error { return u.WriteAt(op, p, 8192, false) }, false},
		"write the first": {func(u *sbd.Unit) error { return u.WriteAt(op, p, 4096-511, false) }, true},
		"write the last":  {func(u *sbd.Unit) error { return u.WriteAt(op, p, 8191, false) }, true},
		"write inline":    {func(u *sbd.Unit) error { return u.WriteAt(&sbd.Op{}, p, 4096, false) }, true},
		"write the other": {func(u *sbd.Unit) error { return u.WriteAt(op, p, 1<<20, false) }, true},
		"write between":   {func(u *sbd.Unit) error { return u.WriteAt(op, p, 1<<19, false) }, false},
		"unmap":           {func(u *sbd.Unit) error { return u.Unmap(op, 0, 1<<20, false) }, true},
		"zero":            {func(u *sbd.Unit) error { return u.Zero(op, 8191, 1, false) }, true},
		"update that reads": {func(u *sbd.Unit) error {
			return u.Update(op, 4096, 512, false, func(x sbd.Exclusive) error { return x.ReadAt(p, 4096) })
		}, false},
		"update": {func(u *sbd.Unit) error {
			return u.Update(op, 4096, 512, false, func(x sbd.Exclusive) error { return x.WriteAt(p, 4096) })
		}, true},
		"copy onto": {func(u *sbd.Unit) error {
			return u.CopyFrom(sbd.Copy{From: u, FromOff: 1 << 19, Off: 4096, N: 1, Buffers: buffers(1)})
		}, true},
		"copy out": {func(u *sbd.Unit) error {
			return u.CopyFrom(sbd.Copy{From: u, FromOff: 4096, Off: 1 << 19, N: 1, Buffers: buffers(1)})
		}, false},
		"grow":                {func(u *sbd.Unit) error { return u.Resize(4 << 20) }, false},
		"shrink, but not off": {func(u *sbd.Unit) error { return u.Resize(1<<20 + 512) }, false},
		"shrink":              {func(u *sbd.Unit) error { return u.Resize(1<<20 + 511) }, true},
		"detach":              {func(u *sbd.Unit) error { return u.Detach(errors.New("a test")) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			u := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(2<<20))
			w, err := u.Watch(op, []sbd.Range{{Off: 4096, N: 4096}, {Off: 1 << 20, N: 512}})
			if err != nil {
				t.Fatal(err)
			}
			late, err := u.Watch(op, nil)
			if err != nil {
				t.Fatal(err)
			}
			late.Stop()
			if err := c.do(u); err != nil {
				t.Fatal(err)
			}
			if w.Changed() != c.changes || late.Changed() {
				t.Errorf("changed %t, want %t", w.Changed(), c.changes)
			}
			w.Stop()
		})
	}
}

// A write that began before the watch has ended when the watch begins.
func TestWatchWaitsForWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		u := online(t, sbd.Config{WriteCache: true}, sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: release}))
		go func() {
			if err := u.WriteAt(&sbd.Op{MayBlock: true}, []byte{1}, 0, false); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		var w *sbd.Watch
		go func() {
			var err error
			if w, err = u.Watch(&sbd.Op{MayBlock: true}, []sbd.Range{{Off: 0, N: 512}}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if w != nil {
			t.Error("the watch began beside a write")
		}
		close(release)
		synctest.Wait()
		if w == nil || w.Changed() {
			t.Fatal("the watch did not begin")
		}
		w.Stop()
	})
	u := online(t, sbd.Config{}, sbd.NewMem(1<<20))
	if _, err := u.Watch(&sbd.Op{MayBlock: true}, []sbd.Range{{Off: 1 << 20, N: 1}}); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("past the end: %v", err)
	}
	if _, err := u.Watch(&sbd.Op{}, nil); !errors.Is(err, sbd.ErrWouldBlock) {
		t.Errorf("%v, want ErrWouldBlock", err)
	}
}
