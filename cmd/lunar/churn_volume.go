package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/churn"
	"github.com/lunarsan/lunar/stream/image"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/zfs"
	"github.com/lunarsan/lunar/vmfs"
)

// rangeOf takes apart VOLUME@FROM..TO; ok is false for anything else.
func rangeOf(source string) (volume, from, to string, ok bool) {
	at := strings.LastIndexByte(source, '@')
	if at <= 0 {
		return "", "", "", false
	}
	from, to, ok = strings.Cut(source[at+1:], "..")
	return source[:at], from, to, ok
}

// looksItself says whether it is found out of a source by itself whose bytes it has.
func looksItself(source string) bool {
	_, _, _, ranged := rangeOf(source)
	return source != "-" && !fileExists(source) && (ranged || !strings.ContainsAny(source, "/."))
}

// isVolume says whether a name is that of a volume, rather than of a job.
func isVolume(name string) bool {
	return strings.HasPrefix(name, "lu:") || strings.Contains(name, "/") || fileExists(name)
}

// snapshotted is the volume that a name means: lu:GUID, a file, or a dataset.
func (c *cli) snapshotted(ctx context.Context, name string) (stream.Volume, error) {
	path, err := c.pathOf(ctx, name, func(control.UnitInfo) error { return nil })
	if err != nil {
		return nil, err
	}
	dataset, zvol := strings.CutPrefix(path, "/dev/zvol/")
	if !zvol && (filepath.IsAbs(path) || fileExists(path)) {
		return shelf.New(path), nil
	}
	v, err := zfs.Open(dataset, zfs.Exec("zfs"))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("%s: %v", name, err), "Name a file, a dataset of ZFS, or a unit as lu:GUID."}
	}
	return v, nil
}

// volume adds up what changed of a volume between two of its snapshots.
func (ch *churning) volume(ctx context.Context, name, from, to string, only func(string) bool) (int, error) {
	v, err := ch.c.snapshotted(ctx, name)
	if err != nil {
		return 0, err
	}
	list, err := churn.Between(ctx, v, from, to, only)
	if err != nil {
		return 0, err
	}
	u := churn.Unit{Name: name}
	if ch.units == nil {
		ch.sweepUp(ctx, v, list)
		u.Layout = ch.layoutOf(v, list[len(list)-1].Name)
	} else if u, err = ch.unit(name); err != nil {
		return 0, err
	}
	p := ch.c.progress("reading what changed of "+name, 0)
	defer p.done()
	err = ch.tally.Add(ctx, counted{v, p}, list, u)
	if errors.Is(err, churn.ErrTwice) {
		err = &control.Problem{Title: err.Error(), Hint: "Name each range once."}
	}
	return len(list) - 1, err
}

// noInterval is err with the way out.
func noInterval(err error) error {
	switch {
	case errors.Is(err, stream.ErrNoSnapshot):
		return &control.Problem{Title: err.Error(), Hint: "Write VOLUME@FROM..TO, or VOLUME@.. for all snapshots that there are."}
	case errors.Is(err, churn.ErrOrder):
		return &control.Problem{Title: err.Error(), Hint: "Name the older one first."}
	case errors.Is(err, stream.ErrNoVolume):
		return &control.Problem{Title: err.Error(), Hint: "Name a file, a dataset of ZFS, or a unit as lu:GUID."}
	}
	return err
}

// counted is a volume whose streams show how far they are.
type counted struct {
	stream.Volume
	p *progress
}

func (c counted) Send(ctx context.Context, s stream.Send) (io.ReadCloser, error) {
	in, err := c.Volume.Send(ctx, s)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{c.p.reader(in), in}, nil
}

// churnClone is what the clones are called that are looked at, with the number of the process
// behind it.
const churnClone = "lunar-churn-"

// uncloneTime is how long throwing a clone away may take, whatever the reason is that all ends.
const uncloneTime = 30 * time.Second

// layoutOf finds what lies where on a volume at its snapshots, on a clone of each that is thrown
// away at once; with --quick on one of the newest. Where nothing can be found out, changes are told
// by unit, and it is said why.
func (ch *churning) layoutOf(v stream.Volume, newest string) func(context.Context, string) (*churn.Map, error) {
	var (
		once   *churn.Map
		looked bool
		warned bool
	)
	return func(ctx context.Context, snapshot string) (*churn.Map, error) {
		if ch.quick {
			snapshot = newest
		}
		if ch.quick && looked {
			return once, nil
		}
		looked = true
		m, err := ch.look(ctx, v, snapshot)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && !warned:
			warned = true
			ch.c.warn("whose the changes of %s are cannot be told: %v", v.Name(), err)
		}
		once = m
		return m, nil
	}
}

// look finds what lies where on a volume at a snapshot.
func (ch *churning) look(ctx context.Context, v stream.Volume, snapshot string) (m *churn.Map, err error) {
	clone := churnClone + strconv.Itoa(os.Getpid())
	path, err := v.Clone(ctx, snapshot, clone)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), uncloneTime)
		defer cancel()
		if left := v.Unclone(ctx, clone); left != nil {
			ch.c.warn("the clone %s of %s is left: %v", clone, v.Name(), left)
		}
	}()
	s, err := image.Open(path, image.Options{ReadOnly: true, Bare: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := &vmfs.Device{Name: v.Name() + "@" + snapshot, ReaderAt: s, Size: s.Size()}
	parts, err := ch.choice.partitions(ctx, d)
	if err != nil {
		return nil, err
	}
	layout, err := ch.layout(parts)
	if err != nil {
		return nil, err
	}
	return layout.On(d), nil
}

// sweepUp throws clones away that were left by one of us who was killed.
func (ch *churning) sweepUp(ctx context.Context, v stream.Volume, list []stream.Snapshot) {
	for _, s := range list {
		for _, clone := range s.Clones {
			pid, ok := strings.CutPrefix(clone, churnClone)
			n, err := strconv.Atoi(pid)
			if !ok || err != nil || n <= 0 || unix.Kill(n, 0) != unix.ESRCH {
				continue
			}
			if err := v.Unclone(ctx, clone); err != nil {
				ch.c.warn("the clone %s of %s is left: %v", clone, v.Name(), err)
			}
		}
	}
}
