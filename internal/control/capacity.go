package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// defaultAlarm is how full a pool may be, in percent, before it is an alarm of a thin unit in it.
const defaultAlarm = 80

// alarmBelow is how far the use must fall below an alarm to end it, in percent of the pool: what
// hovers there is told once.
const alarmBelow = 2

// How often pools are looked at: seldom while there is room, and more often the sooner it could
// be spent.
const (
	capacityInterval = 5 * time.Second
	capacityHurry    = 250 * time.Millisecond
	capacityRate     = 1 << 30 // bytes a second that a pool may fill with
)

// alarm returns the percentage that is an alarm of r.
func (r unitRecord) alarm() int { return cmp.Or(r.Alarm, defaultAlarm) }

// A fullness is what is known about the pool of a thin unit; guarded by Daemon.mu.
type fullness struct {
	measuring bool // somebody waits for the medium to tell
	low       bool // the alarm is on
	full      bool // no more than the reserve is left
}

// watchCapacity measures thin units and their pools again and again: initiators, the log and
// lunar status are warned before a pool is full, and the last of it is kept for others.
func (d *Daemon) watchCapacity() {
	for {
		d.measureUnits()
		if d.opts.wait(d.background, d.capacityPause()) != nil {
			return
		}
	}
}

// measureUnits begins to measure every thin unit but those that are being measured still: a file
// system that hangs holds up nobody else.
func (d *Daemon) measureUnits() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		if !u.record.Thin || u.fullness.measuring {
			continue
		}
		u.fullness.measuring = true
		path := u.record.Path
		go func() {
			s, err := d.measure(u, path)
			d.mu.Lock()
			defer d.mu.Unlock()
			u.fullness.measuring = false
			if err == nil {
				u.unit.SetSpace(s)
				d.judge(u)
			}
		}()
	}
}

// measure measures u by its store, or by zfs where that is what its path names.
func (d *Daemon) measure(u *unit, path string) (sbd.Space, error) {
	s, err := u.unit.Measure()
	if volume := zvolAt(path); volume != "" && errors.Is(err, errors.ErrUnsupported) {
		ctx, cancel := context.WithTimeout(d.background, zfsTime)
		defer cancel()
		return measureZvol(ctx, d.opts.run, volume)
	}
	return s, err
}

// judge compares what was measured with u's alarm and with the reserve. Daemon.mu is held.
func (d *Daemon) judge(u *unit) {
	s, known := u.unit.Space()
	if !known || !u.record.Thin {
		return
	}
	percent := int64(u.record.alarm())
	used, first := s.Size-s.Free, !d.anyInPool(s.Pool, func(f *fullness) bool { return f.low })
	switch {
	case !u.fullness.low && used*100 >= percent*s.Size:
		u.fullness.low = true
		u.lu.ThresholdReached()
		if first {
			d.log.Warn("a pool of thin units fills", "pool", s.Pool, "free", s.Free, "size", s.Size, "alarm", percent)
		}
	case u.fullness.low && used*100 < (percent-alarmBelow)*s.Size:
		u.fullness.low = false
	}
	first = !d.anyInPool(s.Pool, func(f *fullness) bool { return f.full })
	reserve := d.opts.Reserve
	switch {
	case !u.fullness.full && s.Free < reserve:
		u.fullness.full = true
		if first {
			d.log.Error("a pool is full but for its reserve: writes of thin units that need space fail", "pool", s.Pool, "free", s.Free, "reserve", reserve)
		}
	case u.fullness.full && s.Free >= reserve+reserve/4:
		u.fullness.full = false
		d.log.Info("a pool has room again", "unit", u.record.GUID, "pool", s.Pool, "free", s.Free)
	}
	u.unit.SetFull(u.fullness.full)
}

// anyInPool reports whether is holds for a unit in pool. Daemon.mu is held.
func (d *Daemon) anyInPool(pool string, is func(*fullness) bool) bool {
	for _, u := range d.units {
		if s, known := u.unit.Space(); known && s.Pool == pool && is(&u.fullness) {
			return true
		}
	}
	return false
}

// capacityPause returns how long what was measured last is good for.
func (d *Daemon) capacityPause() time.Duration {
	d.mu.RLock()
	defer d.mu.RUnlock()
	pause := capacityInterval
	for _, u := range d.units {
		s, known := u.unit.Space()
		if !known || !u.record.Thin || zvolAt(u.record.Path) != "" {
			continue
		}
		room := min(s.Free-d.opts.Reserve, capacityRate*int64(capacityInterval/time.Second))
		pause = min(pause, max(time.Duration(room)*time.Second/capacityRate, capacityHurry))
	}
	return pause
}

// Pools returns the pools of thin units, in order of their names.
func (d *Daemon) Pools() []PoolInfo {
	d.mu.RLock()
	defer d.mu.RUnlock()
	byName := make(map[string]*PoolInfo)
	for _, u := range d.units {
		s, known := u.unit.Space()
		if !known || !u.record.Thin {
			continue
		}
		p := byName[s.Pool]
		if p == nil {
			p = &PoolInfo{Name: s.Pool, Size: s.Size, Free: s.Free}
			byName[s.Pool] = p
		}
		p.Units = append(p.Units, u.record.GUID.String())
		p.Alarm = p.Alarm || u.fullness.low
		p.Full = p.Full || u.fullness.full
	}
	pools := make([]PoolInfo, 0, len(byName))
	for _, p := range byName {
		slices.Sort(p.Units)
		pools = append(pools, *p)
	}
	slices.SortFunc(pools, func(a, b PoolInfo) int { return cmp.Compare(a.Name, b.Name) })
	return pools
}

// alarm says what an operator should know about the pool; empty: nothing.
func (p *PoolInfo) alarm() string {
	const mib = 1 << 20
	left := fmt.Sprintf("%d MiB of %d MiB are free for %d thin %s", p.Free/mib, p.Size/mib, len(p.Units), plural(len(p.Units), "unit"))
	switch {
	case p.Full:
		return fmt.Sprintf("%s is full but for its reserve, writes that need space fail: %s", p.Name, left)
	case p.Alarm:
		return fmt.Sprintf("%s is %d%% full: %s", p.Name, (p.Size-p.Free)*100/max(p.Size, 1), left)
	}
	return ""
}
