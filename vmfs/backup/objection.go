package backup

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// A Concern is what speaks against a restore. It is by these names that it is overridden.
type Concern string

const (
	HostsAlive    Concern = "hosts"   // a host uses the volume now
	Changed       Concern = "changed" // the volume was changed after the backup
	AnotherVolume Concern = "volume"  // the backup is of another volume
)

// An Objection says what speaks against a restore.
type Objection struct {
	Concern Concern `json:"concern"`
	Text    string  `json:"text"`
}

func (r *Restore) object(c Concern, format string, args ...any) {
	r.Objections = append(r.Objections, Objection{c, fmt.Sprintf(format, args...)})
}

// leaseWait is how long hosts may take between heartbeats where the volume does not say.
const leaseWait = 20 * time.Second

// hosts looks at the heartbeats twice, and objects when one changes. It does not wait where all
// slots are free.
func (r *Restore) hosts(ctx context.Context, wait time.Duration) error {
	v := &r.backup.Volume
	first, err := r.beats()
	if err != nil {
		return err
	}
	quiet := true
	for at := 0; at+v.HeartbeatStep <= len(first); at += v.HeartbeatStep {
		b := (*vmfs.Heartbeat)(first[at:])
		quiet = quiet && b.Free()
	}
	if quiet {
		return nil
	}
	if wait <= 0 {
		if wait = 2 * v.LeaseInterval; wait <= 0 {
			wait = leaseWait
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(wait, time.Minute)):
	}
	second, err := r.beats()
	if err != nil {
		return err
	}
	for at := 0; at+v.HeartbeatStep <= len(first); at += v.HeartbeatStep {
		if a, b := first[at:at+v.HeartbeatStep], second[at:at+v.HeartbeatStep]; !bytes.Equal(a, b) {
			h := (*vmfs.Heartbeat)(b)
			r.object(HostsAlive, "host %s writes its heartbeat (slot %d, %q)", h.Owner(), at/v.HeartbeatStep, h.Address())
		}
	}
	return nil
}

// beats are the heartbeats on the targets.
func (r *Restore) beats() ([]byte, error) {
	b := make([]byte, sum(r.backup.Volume.Heartbeats))
	return b, r.readRanges(b, r.backup.Volume.Heartbeats, false, 0)
}

// readRanges reads what the targets have in ranges, from an offset of them on.
func (r *Restore) readRanges(b []byte, ranges []Range, onDevice bool, skip int64) error {
	for _, g := range ranges {
		if skip >= g.Length {
			skip -= g.Length
			continue
		}
		n := min(g.Length-skip, int64(len(b)))
		if n == 0 {
			return nil
		}
		if g.Member < 0 {
			clear(b[:n])
		} else if p := r.placed[g.Member]; true {
			if err := p.read(b[:n], p.at(g.Offset+skip, onDevice)); err != nil {
				return err
			}
		}
		b, skip = b[n:], 0
	}
	return nil
}

// saved reads n bytes of a part of the backup, at an offset of it.
func (r *Restore) saved(p *Part, off int64, n int) ([]byte, error) {
	in, err := r.backup.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	b := make([]byte, n)
	if _, err = io.CopyN(io.Discard, in, off); err == nil {
		_, err = io.ReadFull(in, b)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w: %w", p.Name, r.backup.Path, ErrDamaged, err)
	}
	return b, nil
}

// superblock is where the header part has the file system's descriptor.
const superblock = 0x200000

// changes objects when headers that are there say that the volume was changed after the backup,
// or is another.
func (r *Restore) changes() error {
	for i, p := range r.placed {
		part := r.backup.part(fmt.Sprintf("lvm/%d", i))
		now := p.header()
		if part == nil || now == nil {
			continue
		}
		b, err := r.saved(part, lvmHeader, len(now))
		if err != nil {
			return err
		}
		was := (*vmfs.LVMHeader)(b)
		if now.UUID() == was.UUID() && (now.Generation() != was.Generation() || !now.Modified().Equal(was.Modified())) {
			r.object(Changed, "the LVM header of %s was changed at %s, and in the backup at %s", p.Name, now.Modified().Format(time.DateTime), was.Modified().Format(time.DateTime))
		}
	}
	if part := r.backup.part("header"); part != nil {
		now := new(vmfs.Superblock)
		if err := r.readRanges(now[:], part.Ranges, false, superblock); err != nil {
			return err
		}
		b, err := r.saved(part, superblock, len(now))
		if err != nil {
			return err
		}
		switch was := (*vmfs.Superblock)(b); {
		case now.Magic() != was.Magic(), *now == *was:
		case now.UUID() != was.UUID(), now.Major() != was.Major():
			r.object(AnotherVolume, "the file system is %s %q, and the backup is of %s %q", now.UUID(), now.Label(), was.UUID(), was.Label())
		case now.Label() != was.Label():
			r.object(Changed, "the file system's label is %q, and was %q in the backup", now.Label(), was.Label())
		default:
			r.object(Changed, "the file system's header is not as it is in the backup")
		}
	}
	return r.mounts()
}

// mounts objects when hosts were on the volume after the backup.
func (r *Restore) mounts() error {
	part := r.backup.part("heartbeats")
	if part == nil {
		return nil
	}
	now, err := r.beats()
	if err != nil {
		return err
	}
	was, err := r.saved(part, 0, len(now))
	if err != nil {
		return err
	}
	step, n := r.backup.Volume.HeartbeatStep, 0
	for at := 0; at+step <= len(now); at += step {
		a, b := (*vmfs.Heartbeat)(was[at:]), (*vmfs.Heartbeat)(now[at:])
		if beating(a, b) && (a.Generation() != b.Generation() || b.Stamp() > a.Stamp()) {
			n++
		}
	}
	if n > 0 {
		r.object(Changed, "%d hosts wrote their heartbeats after the backup", n)
	}
	return nil
}

// beating reports that b is a heartbeat, that of the slot that a is of.
func beating(a, b *vmfs.Heartbeat) bool {
	return (b.Free() || b.InUse()) && b.Logical() == a.Logical()
}

// newer counts the descriptors and clusters that the targets have whole, and otherwise than the
// backup: what was destroyed is not one any more, so these were changed. meta is how far their
// metadata are from their locks.
func newer(was, now []byte, meta int) (n int) {
	le := binary.LittleEndian
	for at := 0; at+meta+512 <= len(was); at += 512 {
		kind := vmfs.LockType(le.Uint32(was[at:]))
		if kind < vmfs.LockFD || kind > vmfs.LockPB2 || !bytes.Equal(was[at:at+12], now[at:at+12]) {
			continue
		}
		a, b := was[at+meta:at+meta+512], now[at+meta:at+meta+512]
		switch {
		case kind == vmfs.LockFD: // its address; all but the time of access
			if bytes.Equal(a[:4], b[:4]) && !(bytes.Equal(a[:0x34], b[:0x34]) && bytes.Equal(a[0x38:0x94], b[0x38:0x94])) {
				n++
			}
		case meta == 512: // number and total; what is free, and the bitmap
			if bytes.Equal(a[:8], b[:8]) && le.Uint32(b[4:]) != 0 && !bytes.Equal(a[8:0x60], b[8:0x60]) {
				n++
			}
		default: // signature, number and total; what is free
			if bytes.Equal(a[0x10:0x22], b[0x10:0x22]) && le.Uint32(b[0x10:]) != 0 && !bytes.Equal(a[0x22:0x26], b[0x22:0x26]) {
				n++
			}
		}
	}
	return n
}
