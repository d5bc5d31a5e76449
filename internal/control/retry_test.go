package control

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		retry(t.Context(), sleep, func() error {
			at = append(at, time.Since(begun)/time.Second)
			if len(at) == 9 {
				return nil
			}
			return errBroken
		})
		want := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91, 121}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("attempts at these seconds (-want +got):\n%s", diff)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			retry(ctx, sleep, func() error { n++; return errBroken })
		}()
		time.Sleep(1500 * time.Millisecond)
		cancel()
		<-done
		if n != 2 {
			t.Errorf("%d attempts in 1.5 s, want 2", n)
		}
		retry(ctx, sleep, func() error { n++; return nil })
		if n != 2 {
			t.Error("an attempt after the end")
		}
	})
}
