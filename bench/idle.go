package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// settling is how long a target is left alone before its memory is read.
const settling = 500 * time.Millisecond

// idle measures the memory of sessions that read once and then do nothing, on a process of its
// own: one that has worked keeps memory that new sessions would take.
func idle(ctx context.Context, l Load, r *rival) (_ Sample, err error) {
	t, err := r.fresh()
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, t.Stop()) }()
	var conns []*initiator.Conn
	defer func() {
		for _, c := range conns {
			err = errors.Join(err, c.Close())
		}
	}()
	before := resident(t.PID())
	for i := range l.Sessions {
		c, err := dial(ctx, t, i, l.Digests)
		if err != nil {
			return Sample{}, fmt.Errorf("session %d: %w", i+1, err)
		}
		conns = append(conns, c)
		if err := readOnce(c, scsi.LUNOf(t.LUN(0)), l.Block); err != nil {
			return Sample{}, fmt.Errorf("session %d: %w", i+1, err)
		}
	}
	select {
	case <-time.After(settling):
	case <-ctx.Done():
		return Sample{}, context.Cause(ctx)
	}
	after := resident(t.PID())
	return Sample{Peak: after, Session: (after - before) / int64(l.Sessions)}, nil
}

// readOnce reads the first bytes of a unit, past the unit attentions of a new session (SPC-5).
func readOnce(c *initiator.Conn, lun scsi.LUN, length int) error {
	var cdb initiator.CDB
	read := initiator.Command{LUN: lun, CDB: cdb.Read10(0, uint16(length/512)), In: make([]byte, length)}
	err := c.Do(&read)
	for tries := 0; errors.Is(err, scsi.CheckCondition) && tries < 8; tries++ {
		err = c.Do(&read)
	}
	return err
}
