package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// faultReason is why a unit whose sync failed in an earlier run stays offline.
func faultReason(fault string) error {
	return errors.New(fault + "; look at the medium, then lunar lu online")
}

// awaited is the reason of a unit without a store that is there again before long.
func awaited(err error) error { return fmt.Errorf("%w: %w", sbd.ErrAwaited, err) }

// openOptions say how the unit's store is opened.
func (r unitRecord) openOptions() sbd.OpenOptions {
	o := sbd.OpenOptions{ReadOnly: r.ReadOnly}
	if r.Direct {
		o.Direct = r.BlockSize
	}
	return o
}

// attempts are a goroutine that tries to open a unit's store.
type attempts struct {
	cancel context.CancelFunc
	first  chan struct{} // closed after the first attempt
	ended  chan struct{}
}

// end stops the attempts. It does not wait: an attempt may hang in the medium, and gives the
// store back when it finds that nobody wants it any more.
func (a *attempts) end() {
	if a != nil {
		a.cancel()
	}
}

// seek begins to open u's store: now, and again and again until it is there. Daemon.change
// is held, or nobody else knows u yet.
func (d *Daemon) seek(u *unit) {
	ctx, cancel := context.WithCancel(d.background)
	a := &attempts{cancel, make(chan struct{}), make(chan struct{})}
	u.attempts = a
	guid, path := u.record.GUID, u.record.Path
	go func() {
		defer close(a.ended)
		defer cancel()
		var once sync.Once
		known := ""
		retry(ctx, d.opts.wait, func() error {
			err := d.open(ctx, u)
			once.Do(func() { close(a.first) })
			if err != nil && err.Error() != known && ctx.Err() == nil {
				known = err.Error()
				d.log.Warn("the unit stays offline; its store is tried again", "unit", guid, "path", path, "reason", err)
			}
			return err
		})
	}()
}

// open makes one attempt to bring u online. It gives up when ctx ends.
func (d *Daemon) open(ctx context.Context, u *unit) error {
	d.mu.RLock()
	r := u.record
	d.mu.RUnlock()
	s, err := d.opts.openStore(r.Path, r.openOptions())
	if err != nil {
		d.change.Lock()
		defer d.change.Unlock()
		if ctx.Err() == nil {
			d.takeOffline(u, awaited(err))
		}
		return err
	}
	d.change.Lock()
	defer d.change.Unlock()
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), s.Close())
	}
	if err := u.unit.Attach(s); err != nil {
		d.takeOffline(u, awaited(err))
		return errors.Join(err, s.Close())
	}
	u.lu.ResumeSanitize()
	d.log.Info("the unit is online", "unit", r.GUID, "path", r.Path)
	return nil
}

// takeOffline syncs u and detaches it for a reason. What the last sync says goes to the log
// and the record: nobody else is there to hear it. Daemon.change is held.
func (d *Daemon) takeOffline(u *unit, reason error) {
	synced := u.unit.Sync(&sbd.Op{MayBlock: true})
	if errors.Is(synced, sbd.ErrOffline) {
		synced = nil
	}
	d.recordFault(u)
	if err := errors.Join(synced, u.unit.Detach(reason)); err != nil {
		d.log.Error("the unit's store did not sync or close", "unit", u.record.GUID, "path", u.record.Path, "reason", err)
	}
}

// settle waits until each unit's store was tried once, but not for long.
func (d *Daemon) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for _, u := range d.units {
		if u.attempts == nil {
			continue
		}
		select {
		case <-u.attempts.first:
		case <-ctx.Done():
			d.log.Warn("some stores are slow to open; serving without them")
			return
		}
	}
}

// detachAll takes all units offline for the end of the daemon. A unit that is still syncing
// after detachTime is left behind: its bytes are in the page cache, which outlives us.
func (d *Daemon) detachAll() {
	var detached sync.WaitGroup
	for _, u := range d.units {
		detached.Go(func() {
			d.takeOffline(u, awaited(errors.New("the daemon is stopping")))
			u.lu.Close()
		})
	}
	done := make(chan struct{})
	go func() {
		detached.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(detachTime):
		d.log.Warn("not all units have synced; the kernel writes the rest")
	}
}
