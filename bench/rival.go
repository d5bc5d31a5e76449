package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lunarsan/lunar/internal/peer"
)

// rivals are the targets of a run, ours first, serving one file.
type rivals struct {
	targets []peer.Target
	notes   []string // what is left out, and why
}

// start starts lunar, tgt and the ceiling; the latter two are left out, with a note, where they
// are not to be had.
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
	lunar, err := peer.StartLunar(ctx, dir, binary, "", unit)
	if err != nil {
		return r, err
	}
	r.targets = append(r.targets, lunar)

	tgt, err := peer.StartTgt(ctx, dir, unit)
	var missing peer.Missing
	switch {
	case errors.As(err, &missing):
		r.notes = append(r.notes, "tgt is left out: "+missing.Error())
	case err != nil:
		return r, err
	default:
		r.targets = append(r.targets, tgt)
	}

	if c.Ceiling == "" {
		r.notes = append(r.notes, "the ceiling is left out: no source given (-ceiling)")
		return r, nil
	}
	ceiling, err := peer.StartCeiling(ctx, dir, c.Ceiling, c.Size)
	switch {
	case errors.As(err, &missing):
		r.notes = append(r.notes, "the ceiling is left out: "+missing.Error())
	case err != nil:
		return r, err
	default:
		r.targets = append(r.targets, ceiling)
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
