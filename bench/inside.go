package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// sparseSize is that of each of the units that a load may spread over.
const sparseSize = 16 << 20

// inside measures with our own initiator, a goroutine a session.
func inside(ctx context.Context, l Load, t peer.Target, size int64, about time.Duration) (_ Sample, err error) {
	sessions := make([]*session, 0, l.Sessions)
	defer func() {
		for _, s := range sessions {
			err = errors.Join(err, s.conn.Close())
		}
	}()
	for i := range l.Sessions {
		s, err := login(ctx, l, t, i, size)
		if err != nil {
			return Sample{}, fmt.Errorf("session %d: %w", i+1, err)
		}
		sessions = append(sessions, s)
	}
	if _, err := together(sessions, about/10); err != nil { // pools fill, caches warm
		return Sample{}, err
	}
	m := watch(t)
	began := time.Now()
	latencies, err := together(sessions, about)
	sample := m.sample(l, latencies.total, time.Since(began))
	sample.P50, sample.P99, sample.P999 = latencies.quantile(.5), latencies.quantile(.99), latencies.quantile(.999)
	return sample, err
}

// together runs all sessions for a while and returns the latencies of their commands.
func together(sessions []*session, about time.Duration) (*histogram, error) {
	end := time.Now().Add(about)
	errs := make([]error, len(sessions))
	var wg sync.WaitGroup
	for i, s := range sessions {
		s.latencies = histogram{}
		wg.Go(func() { errs[i] = s.run(end) })
	}
	wg.Wait()
	all := new(histogram)
	for _, s := range sessions {
		all.merge(&s.latencies)
	}
	return all, errors.Join(errs...)
}

// A session keeps its queue full, of commands at random places.
type session struct {
	load      Load
	conn      *initiator.Conn
	random    *rand.Rand
	units     []scsi.LUN
	places    int64 // on a unit, for a block
	idle      []*slot
	flying    []*slot // as they were started
	latencies histogram
}

// A slot is one command of the queue.
type slot struct {
	initiator.Command
	cdb   [10]byte
	data  []byte
	began time.Time
}

func login(ctx context.Context, l Load, t peer.Target, n int, size int64) (*session, error) {
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, "tcp", t.Portal())
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := nc.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, nc.Close())
		}
	}
	opts := initiator.Options{
		Name:      fmt.Sprintf("iqn.2026-01.io.lunarsan:bench:%d", n),
		Target:    t.IQN(),
		ISID:      [6]byte{0x80, 0, 0, 0, byte(n >> 8), byte(n)},
		Unchecked: true, // tests judge targets; here they are timed
	}
	if l.Digests {
		opts.Keys = []string{"HeaderDigest=CRC32C", "DataDigest=CRC32C"}
	}
	conn, err := initiator.Dial(nc, opts)
	if err != nil {
		return nil, err
	}
	if l.Digests && !(conn.Params.HeaderDigest && conn.Params.DataDigest) {
		return nil, errors.Join(errors.New("it has no digests"), conn.Close())
	}
	s := &session{load: l, conn: conn, random: rand.New(rand.NewPCG(uint64(n), 0))}
	if l.Units == 0 {
		s.units, s.places = []scsi.LUN{scsi.LUNOf(t.LUN(0))}, size/int64(l.Block)
	} else {
		for i := range l.Units {
			s.units = append(s.units, scsi.LUNOf(t.LUN(1+i)))
		}
		s.places = sparseSize / int64(l.Block)
	}
	for range l.Depth {
		s.idle = append(s.idle, &slot{data: make([]byte, l.Block)})
	}
	return s, s.greet()
}

// greet takes the unit attentions that a new session finds (SPC-5).
func (s *session) greet() error {
	for _, lun := range s.units {
		ready := initiator.Command{LUN: lun, CDB: make([]byte, 6)}
		for tries := 0; ; tries++ {
			err := s.conn.Do(&ready)
			if err == nil {
				break
			}
			if !errors.Is(err, scsi.CheckCondition) || tries == 8 {
				return errors.Join(fmt.Errorf("TEST UNIT READY: %w", err), s.conn.Close())
			}
		}
	}
	return nil
}

// run keeps the queue full until end, as far as the command window lets it, and then empties
// it.
func (s *session) run(end time.Time) error {
	for open := true; open || len(s.flying) > 0; open = time.Now().Before(end) {
		for open && len(s.idle) > 0 && !s.conn.MaxCmdSN.Less(s.conn.CmdSN) {
			if err := s.start(); err != nil {
				return err
			}
		}
		if err := s.conn.Step(); err != nil {
			return err
		}
		// Answers come mostly in order: the first is the likeliest.
		if i := slices.IndexFunc(s.flying, func(c *slot) bool { return c.Done }); i >= 0 {
			if err := s.finish(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// start sends the next command, from an idle slot.
func (s *session) start() error {
	c := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	s.flying = append(s.flying, c)

	write := s.load.Pattern == Write || s.load.Pattern == Mixed && s.random.IntN(10) < 3
	const read10, write10 = 0x28, 0x2a // SBC-4
	c.cdb[0], c.In, c.Out = read10, c.data, nil
	if write {
		c.cdb[0], c.In, c.Out = write10, nil, c.data
	}
	blocks := s.load.Block / 512
	binary.BigEndian.PutUint32(c.cdb[2:], uint32(s.random.Int64N(s.places)*int64(blocks)))
	binary.BigEndian.PutUint16(c.cdb[7:], uint16(blocks))
	c.CDB, c.LUN = c.cdb[:], s.units[s.random.IntN(len(s.units))]
	c.began = time.Now()
	return s.conn.Start(&c.Command)
}

// finish takes the command that flies at i home.
func (s *session) finish(i int) error {
	c := s.flying[i]
	s.latencies.add(time.Since(c.began))
	s.flying = slices.Delete(s.flying, i, i+1)
	s.idle = append(s.idle, c)
	return c.Check()
}
