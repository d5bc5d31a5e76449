package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lunarsan/lunar/internal/peer"
)

// The names of the targets that the report treats apart.
const (
	ours    = "lunar"
	other   = "other" // another build of ours
	ceiling = "ceiling"
)

// A rival is a running target.
type rival struct {
	peer.Target
	files   *files
	serves  int  // how many of the units
	plain   bool // digests are not to be had of it
	spawn   func(dir string, units []peer.Unit) (peer.Target, error)
	dir     string      // for other processes of it
	another int         // how many of them there were
	apart   peer.Target // the one that storms apart rage in; nil until there is one
}

// A kind is a program that can be started as a target.
type kind struct {
	name  string
	most  int  // units that it can serve
	plain bool // digests are not to be had of it
	spawn func(dir string, units []peer.Unit) (peer.Target, error)
}

// kinds are the programs to measure, ours first, the ceiling last.
func kinds(ctx context.Context, c Config, binary string) []kind {
	all := []kind{
		{ours, scsiLUNs, false, func(dir string, units []peer.Unit) (peer.Target, error) {
			return peer.StartLunar(ctx, dir, binary, "", units...)
		}},
		{other, scsiLUNs, false, func(dir string, units []peer.Unit) (peer.Target, error) {
			l, err := peer.StartLunar(ctx, dir, c.Other, "", units...)
			return renamed{l, other}, err
		}},
		{"tgt", shared, false, func(dir string, units []peer.Unit) (peer.Target, error) { return peer.StartTgt(ctx, dir, units...) }},
		{"istgt", shared, false, func(dir string, units []peer.Unit) (peer.Target, error) { return peer.StartIstgt(ctx, dir, units...) }},
		{"gotgt", 1, true, func(dir string, units []peer.Unit) (peer.Target, error) {
			return peer.StartGotgt(ctx, dir, c.Root, units[0])
		}},
		{ceiling, 1, true, func(dir string, _ []peer.Unit) (peer.Target, error) {
			if c.Ceiling == "" {
				return nil, peer.Unbuilt{Program: ceiling, Reason: "no source given (-ceiling)"}
			}
			return peer.StartCeiling(ctx, dir, c.Ceiling, c.Size)
		}},
	}
	return slices.DeleteFunc(all, func(k kind) bool {
		return k.name == other && c.Other == "" || c.Only != nil && k.name != ours && k.name != other && !slices.Contains(c.Only, k.name)
	})
}

// scsiLUNs is more than any set has units.
const scsiLUNs = 1 << 14

// renamed is a target by another name.
type renamed struct {
	peer.Target
	name string
}

func (r renamed) Name() string { return r.name }

// rivals are the targets of a run, ours first, the ceiling last, serving the same files.
type rivals struct {
	targets []*rival
	notes   []string // what is left out, and why
}

// start starts all targets; those that are not to be had here are left out, with a note.
func start(ctx context.Context, c Config, f *files, dir string) (r *rivals, err error) {
	r = &rivals{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	binary, err := peer.Build(c.Root, dir)
	if err != nil {
		return r, err
	}
	if n := c.Set.units(); n > shared {
		r.notes = append(r.notes, fmt.Sprintf("lunar serves %d sparse units beside the file; the others the file alone", n))
	}
	for _, k := range kinds(ctx, c, binary) {
		own := f
		if k.name == other { // lunar shares no store with anybody
			if own, err = f.beside(other); err != nil {
				return r, err
			}
		}
		t := &rival{files: own, serves: len(own.units), plain: k.plain, spawn: k.spawn, dir: filepath.Join(dir, k.name)}
		if t.serves > k.most {
			t.serves = 1
		}
		t.Target, err = t.begin(own.units[:t.serves])
		var missing peer.Missing
		var unbuilt peer.Unbuilt
		switch {
		case k.name != ours && (errors.As(err, &missing) || errors.As(err, &unbuilt)):
			r.notes = append(r.notes, k.name+" is left out: "+err.Error())
		case err != nil:
			return r, err
		default:
			r.targets = append(r.targets, t)
		}
	}
	return r, nil
}

// begin starts a process of the target in a folder of its own.
func (r *rival) begin(units []peer.Unit) (peer.Target, error) {
	r.another++
	dir := fmt.Sprintf("%s-%d", r.dir, r.another)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return r.spawn(dir, units)
}

// elsewhere is another process of the target, with a scratch unit at its first LUN.
func (r *rival) elsewhere() (_ peer.Target, err error) {
	if r.apart == nil {
		path := fmt.Sprintf("%s-scratch", r.dir)
		r.apart, err = r.begin([]peer.Unit{scratch(path, r.files.unit(Memory).Size)})
	}
	return r.apart, err
}

// fresh is another process of the target that has done nothing yet, with a small unit. The
// caller stops it.
func (r *rival) fresh() (peer.Target, error) {
	path := fmt.Sprintf("%s-fresh-%d", r.dir, r.another)
	return r.begin([]peer.Unit{{Path: path, Size: sparseSize, WriteCache: true}})
}

// can tells whether the target may be asked for a load.
func (r *rival) can(l Load) bool {
	switch {
	case r.Name() == ceiling:
		return l.plain()
	case l.Digests != NoDigests && r.plain:
		return false
	case l.Units > 0:
		return r.files.sparse+l.Units <= r.serves
	}
	return r.files.medium[l.Medium] < r.serves
}

func (r *rivals) stop() (err error) {
	for _, t := range r.targets {
		err = errors.Join(err, t.Stop())
		if t.apart != nil {
			err = errors.Join(err, t.apart.Stop())
		}
	}
	return err
}
