package scsi

import (
	"sync"

	"github.com/lunarsan/lunar/sbd"
)

// synchronizeCache is SYNCHRONIZE CACHE of 10 and 16 bytes (SBC-4). The whole unit is synced,
// whatever the range. With IMMED the command ends first and the sync follows; when that
// fails, the unit remembers it, and what is written or synced later fails.
func synchronizeCache(t *Task) error {
	if _, _, err := t.restExtent(); err != nil {
		return err
	}
	if immediate := t.CDB[1]&0x02 != 0; !immediate {
		return t.unit().Sync(&t.op)
	}
	if err := t.unit().Err(); err != nil {
		return err
	}
	t.lu().later.start(t.unit())
	return nil
}

// A laterSync syncs a unit for commands that do not wait for it: once at a time, and once
// more for all that came meanwhile. The zero value is ready.
type laterSync struct {
	mu             sync.Mutex
	running, again bool
	workers        sync.WaitGroup
}

func (l *laterSync) start(u *sbd.Unit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		l.again = true
		return
	}
	l.running = true
	l.workers.Go(func() { l.run(u) })
}

func (l *laterSync) run(u *sbd.Unit) {
	for more := true; more; {
		// The unit keeps the failure for those who come next: nobody waits for this one.
		_ = u.Sync(&sbd.Op{MayBlock: true})
		l.mu.Lock()
		more, l.again = l.again, false
		l.running = more
		l.mu.Unlock()
	}
}

// wait returns when what was started has ended. Nothing may be started meanwhile.
func (l *laterSync) wait() { l.workers.Wait() }
