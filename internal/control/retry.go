package control

import (
	"context"
	"time"
)

// Bounds of the time between two attempts.
const (
	retryFirst = time.Second
	retryLast  = 30 * time.Second
)

// retry calls try, at intervals that double from retryFirst to retryLast, until it returns
// nil or ctx ends. wait lets time pass, or returns an error when ctx ends.
func retry(ctx context.Context, wait func(context.Context, time.Duration) error, try func() error) {
	for pause := retryFirst; ; pause = min(2*pause, retryLast) {
		if ctx.Err() != nil || try() == nil || wait(ctx, pause) != nil {
			return
		}
	}
}

// sleep lets d pass, or returns ctx's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
