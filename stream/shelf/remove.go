package shelf

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
)

// Remove ends the volume with all its snapshots, of which none may be held or cloned. The record
// goes first: a file that is made here another time has no snapshots of this one.
func (s *Shelf) Remove(ctx context.Context) error {
	if err := s.there(); errors.Is(err, stream.ErrNoVolume) {
		return s.removeRest()
	} else if err != nil {
		return err
	}
	e, err := s.edit(ctx, false)
	if err != nil {
		return err
	}
	defer e.done()
	if err := e.free(e.record.Snapshots); err != nil {
		return err
	}
	head, err := e.head()
	if err != nil {
		return err
	}
	if err := head.Close(); err != nil {
		return explain(err)
	}
	if err := s.removeRest(); err != nil {
		return err
	}
	if err := e.step("remove", s.path()); err != nil {
		return err
	}
	if err := layer.Remove(s.path()); err != nil {
		return fmt.Errorf("%s: its snapshots are removed, and the file is not: %w", s.path(), explain(err))
	}
	return explain(sbd.SyncFolder(filepath.Dir(s.path())))
}

// removeRest removes what is beside the volume.
func (s *Shelf) removeRest() error {
	if err := s.remove(s.folder.record()); err != nil {
		return explain(err)
	}
	return explain(errors.Join(s.remove(s.root()), s.remove(s.folder.chain()), s.remove(s.folder.chain()+".new"), s.remove(s.folder.chain()+".reached")))
}
