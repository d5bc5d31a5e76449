package churn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A Unit is a volume whose changes are added up.
type Unit struct {
	Name string // for people
	Size int64  // bytes; 0: as the streams say
	// Layout is whose bytes the volume has at a snapshot, or nil where nobody knows. A nil
	// function is that too.
	Layout func(ctx context.Context, snapshot string) (*Map, error)
}

// A Tally adds up what changed, by owner and interval. The zero value is empty.
type Tally struct {
	steps   []Interval
	known   map[uint64]moment // snapshots by GUID
	counted map[counted]bool
	rows    map[place]*row
}

// A moment is when a snapshot was made.
type moment struct {
	name string // behind the @
	at   time.Time
}

// counted is an increment that was added up.
type counted struct {
	unit string
	from uint64
	to   uint64
}

// A place is where changes were.
type place struct {
	unit string
	Owner
}

// A row is what changed in a place.
type row struct {
	sums
	written []int64 // by interval; may be shorter than there are
}

// An Interval is the time between two snapshots, of one volume or of several that were taken
// together.
type Interval struct {
	From    string    `json:"from,omitempty"` // name of a snapshot; not in a stream
	To      string    `json:"to"`
	Begin   time.Time `json:"begin,omitzero"`
	End     time.Time `json:"end"`
	Units   int       `json:"units"`
	Size    int64     `json:"size"`    // of the volumes (bytes); 0: not known
	Written int64     `json:"written"` // bytes of the volumes
	Freed   int64     `json:"freed"`   // bytes of the volumes, discarded or become zeros
	Sent    int64     `json:"sent"`    // bytes of their streams
}

// seconds is how long the interval is; 0: not known.
func (i *Interval) seconds() float64 {
	if i.Begin.IsZero() || !i.End.After(i.Begin) {
		return 0
	}
	return i.End.Sub(i.Begin).Seconds()
}

// ErrFiles says that a stream is of a file system: its records do not tell ranges of a disk.
var ErrFiles = errors.New("a stream of a file system, not of a volume")

// ErrTwice says that an increment was added up already.
var ErrTwice = errors.New("was read already")

// Know tells when a snapshot was made that streams go on from.
func (t *Tally) Know(guid uint64, name string, at time.Time) {
	if t.known == nil {
		t.known = map[uint64]moment{}
	}
	t.known[guid] = moment{name, at}
}

// Read adds up what a stream changes, or those of a package do; unit tells of which volume a
// dataset is. A full stream changes nothing: it only tells when its snapshot was made. increments
// is how many were added up; none is that which an error is about.
func (t *Tally) Read(ctx context.Context, in io.Reader, unit func(dataset string) (Unit, error)) (increments int, err error) {
	var (
		v     = dmu.NewVerifier(in, false)
		under *increment // nil: a full stream
	)
	for {
		rec, err := v.Next()
		if errors.Is(err, io.EOF) {
			return increments, nil
		}
		if err == nil && v.Number()%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return increments, err
		}
		switch rec.Type() {
		case dmu.TypeBegin:
			if rec.Begin().Kind() != dmu.Substream {
				continue
			}
			if under, err = t.begin(ctx, rec.Begin(), unit); err != nil {
				return increments, err
			}
			if under != nil {
				under.sent = -v.Offset()
			}
		case dmu.TypeEnd:
			if under != nil {
				under.sent += v.Offset() + dmu.RecordSize
				if size, known := v.Checker.VolumeSize(); known && under.size == 0 {
					under.size = int64(size)
				}
				t.end(under)
				increments++
			}
			under = nil
		default:
			if under != nil {
				under.add(rec)
			}
		}
	}
}

// An increment is a stream under way.
type increment struct {
	unit  string
	guids counted
	step  Interval
	size  int64 // of the volume; 0: not known yet
	sent  int64
	freed int64 // everything in front of it was looked at for holes
	tail  int64 // behind it nothing is that could be freed
	sweep *sweep
}

// begin begins a stream.
func (t *Tally) begin(ctx context.Context, b *dmu.Begin, unit func(dataset string) (Unit, error)) (*increment, error) {
	if b.Objset() != dmu.ObjsetZvol {
		return nil, fmt.Errorf("%s is %w", b.ToName(), ErrFiles)
	}
	dataset, name, _ := strings.Cut(b.ToName(), "@")
	to := moment{name, time.Unix(int64(b.CreationTime()), 0).UTC()}
	if known, ok := t.known[b.ToGUID()]; ok {
		to = known
	}
	t.Know(b.ToGUID(), to.name, to.at)
	if b.FromGUID() == 0 {
		return nil, nil
	}
	u, err := unit(dataset)
	if err != nil {
		return nil, err
	}
	i := &increment{
		unit: u.Name, guids: counted{u.Name, b.FromGUID(), b.ToGUID()}, size: u.Size, tail: u.Size,
		step: Interval{To: to.name, End: to.at},
	}
	if t.counted[i.guids] {
		return nil, fmt.Errorf("%s %w", b.ToName(), ErrTwice)
	}
	if from, ok := t.known[b.FromGUID()]; ok {
		i.step.From, i.step.Begin = from.name, from.at
	}
	if i.tail == 0 {
		i.tail = maxVolume
	}
	m := unknown()
	if u.Layout != nil {
		found, err := u.Layout(ctx, to.name)
		if err != nil {
			return nil, err
		}
		if found != nil {
			m = found
		}
	}
	i.sweep = newSweep(m)
	return i, nil
}

// maxVolume is beyond the end of every volume (bytes).
const maxVolume = 1 << 56

// add takes a record of the volume's data into account.
func (i *increment) add(rec *dmu.Record) {
	switch rec.Type() {
	case dmu.TypeWrite:
		w := rec.Write()
		i.write(w.Object(), w.Offset(), w.LogicalSize())
	case dmu.TypeWriteEmbedded:
		w := rec.WriteEmbedded()
		i.write(w.Object(), w.Offset(), w.Length())
	case dmu.TypeWriteByref:
		w := rec.WriteByref()
		i.write(w.Object(), w.Offset(), w.Length())
	case dmu.TypeFree:
		f := rec.Free()
		i.free(f.Object(), f.Offset(), f.Length())
	}
}

func (i *increment) write(object, off, n uint64) {
	if object != dmu.ZvolData || off >= maxVolume {
		return
	}
	i.sweep.add(int64(off), int64(off+min(n, maxVolume)), false)
}

// free takes a hole into account. Senders say with one to the end where the last block ends, and
// come to what is behind it a second time: nothing was there. Those of the upper levels of a
// volume go beyond its end.
func (i *increment) free(object, off, n uint64) {
	off = min(off, maxVolume)
	switch {
	case object != dmu.ZvolData:
	case n == dmu.ToEnd:
		i.tail = min(i.tail, int64(off))
	default:
		from, to := max(int64(off), i.freed), min(int64(off+min(n, maxVolume)), i.tail)
		if from < to {
			i.sweep.add(from, to, true)
			i.freed = to
		}
	}
}

// end adds a stream up that is whole.
func (t *Tally) end(i *increment) {
	if t.rows == nil {
		t.rows, t.counted = map[place]*row{}, map[counted]bool{}
	}
	t.counted[i.guids] = true
	n := t.step(&i.step)
	s := &t.steps[n]
	s.Units++
	s.Size += i.size
	s.Sent += i.sent
	for owner, sum := range i.sweep.sum {
		if sum == (sums{}) {
			continue
		}
		at := place{i.unit, i.sweep.m.owners[owner]}
		r := t.rows[at]
		if r == nil {
			r = &row{}
			t.rows[at] = r
		}
		r.written = append(r.written, make([]int64, max(0, n+1-len(r.written)))...)
		r.written[n] += sum.written
		r.sums.written += sum.written
		r.freed += sum.freed
		s.Written += sum.written
		s.Freed += sum.freed
	}
}

// step is the number of the interval between two snapshots: those of volumes that were taken
// together have the same names.
func (t *Tally) step(like *Interval) int {
	for n := range t.steps {
		s := &t.steps[n]
		if s.From == like.From && s.To == like.To {
			if s.Begin.IsZero() || !like.Begin.IsZero() && like.Begin.Before(s.Begin) {
				s.Begin = like.Begin
			}
			if like.End.After(s.End) {
				s.End = like.End
			}
			return n
		}
	}
	t.steps = append(t.steps, *like)
	return len(t.steps) - 1
}
