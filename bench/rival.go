package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lunarsan/lunar/internal/peer"
)

// The names of the targets that the report treats apart.
const (
	ours    = "lunar"
	ceiling = "ceiling"
)

// rivals are the targets of a run, ours first, the ceiling last, serving one file.
type rivals struct {
	targets []peer.Target
	notes   []string // what is left out, and why
}

// start starts all targets; those that are not to be had here are left out, with a note.
func start(ctx context.Context, c Config, dir string) (r *rivals, err error) {
	r = &rivals{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	unit := peer.Unit{Path: dir + "/unit", Size: c.Size, WriteCache: true}
	if err := fill(unit); err != nil {
		return r, err
	}
	binary, err := peer.Build(c.Root, dir)
	if err != nil {
		return r, err
	}
	lunar, err := peer.StartLunar(ctx, dir, binary, "", append([]peer.Unit{unit}, sparse(dir, c.Set.units())...)...)
	if err != nil {
		return r, err
	}
	r.targets = append(r.targets, lunar)
	if n := c.Set.units(); n > 0 {
		r.notes = append(r.notes, fmt.Sprintf("lunar serves %d sparse units beside the file; the others the file alone", n))
	}

	for _, other := range []struct {
		name  string
		start func() (peer.Target, error)
	}{
		{"tgt", func() (peer.Target, error) { return peer.StartTgt(ctx, dir, unit) }},
		{"istgt", func() (peer.Target, error) { return peer.StartIstgt(ctx, dir, unit) }},
		{"gotgt", func() (peer.Target, error) { return peer.StartGotgt(ctx, dir, c.Root, unit) }},
		{ceiling, func() (peer.Target, error) {
			if c.Ceiling == "" {
				return nil, peer.Unbuilt{Program: ceiling, Reason: "no source given (-ceiling)"}
			}
			return peer.StartCeiling(ctx, dir, c.Ceiling, c.Size)
		}},
	} {
		if c.Only != nil && !slices.Contains(c.Only, other.name) {
			continue
		}
		t, err := other.start()
		var missing peer.Missing
		var unbuilt peer.Unbuilt
		switch {
		case errors.As(err, &missing), errors.As(err, &unbuilt):
			r.notes = append(r.notes, other.name+" is left out: "+err.Error())
		case err != nil:
			return r, err
		default:
			r.targets = append(r.targets, t)
		}
	}
	return r, nil
}

func (r *rivals) stop() (err error) {
	for _, t := range r.targets {
		err = errors.Join(err, t.Stop())
	}
	return err
}

// fill writes the whole file, so that no target reads holes.
func fill(u peer.Unit) error {
	f, err := os.OpenFile(u.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, u.Size)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("filling the file of the benchmark: %w", err)
	}
	return nil
}

// sparse are units of holes, which cost no memory to have and the same to read wherever.
func sparse(dir string, n int) []peer.Unit {
	units := make([]peer.Unit, n)
	for i := range units {
		units[i] = peer.Unit{Path: fmt.Sprintf("%s/sparse-%d", dir, i+1), Size: sparseSize, WriteCache: true, Thin: true}
	}
	return units
}
