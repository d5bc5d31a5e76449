package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// local measures a load on a file of the disk without a target: what the disk leaves to any.
// Its commands are calls of as many goroutines as the load has in flight; a write ends when it
// is durable.
func local(ctx context.Context, l Load, f *files, about time.Duration) (_ Sample, err error) {
	u := f.unit(l.Medium)
	file, err := os.OpenFile(u.Path, os.O_RDWR, 0)
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if l.Medium == Cold {
		if err := forget(u.Path); err != nil {
			return Sample{}, err
		}
	}
	places := u.Size / int64(l.Block)
	var count atomic.Int64
	place := func() int64 {
		n := count.Add(1) - 1
		switch {
		case l.Medium == Cold:
			return n % places * stride(places) % places
		case l.Client == QemuImg:
			return n % places
		}
		return rand.Int64N(places)
	}
	began := time.Now()
	latencies := make([]histogram, l.InFlight())
	errs := make([]error, l.InFlight())
	var wg sync.WaitGroup
	for i := range latencies {
		wg.Go(func() {
			p := make([]byte, l.Block)
			for errs[i] == nil && time.Since(began) < about && (l.Medium != Cold || count.Load() < places) && ctx.Err() == nil {
				start := time.Now()
				errs[i] = once(file, l, p, place()*int64(l.Block))
				latencies[i].add(time.Since(start))
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	all := new(histogram)
	for i := range latencies {
		all.merge(&latencies[i])
	}
	if err := errors.Join(append(errs, context.Cause(ctx))...); err != nil {
		return Sample{}, fmt.Errorf("%s without a target: %w", l, err)
	}
	sample := meter{}.sample(l, all.total, took)
	sample.latencies(all)
	return sample, nil
}

// once runs one command of a load on a file.
func once(file *os.File, l Load, p []byte, off int64) error {
	write := l.Pattern == Write || l.Pattern == Mixed && rand.IntN(10) < 3
	if !write {
		_, err := file.ReadAt(p, off)
		return err
	}
	if _, err := file.WriteAt(p, off); err != nil || l.Medium != Durable {
		return err
	}
	return datasync(file)
}
