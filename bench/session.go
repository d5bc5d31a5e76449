package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// A session keeps its queue full with the commands of its load. One that pings has a NOP-Out
// in flight besides, and measures that.
type session struct {
	load      Load
	conn      *initiator.Conn
	random    *rand.Rand
	units     []scsi.LUN
	first     int64 // logical block on a unit where its places begin
	places    int64 // for a block each
	own       int64 // a place of its own
	naa       [16]byte
	count     int64 // of commands started
	limit     int64 // of them
	idle      []*slot
	flying    []*slot // as they were started
	pings     bool
	ping      initiator.Ping
	pinged    time.Time // when ping left; zero while none is in flight
	latencies histogram
}

// A slot is one command of the queue.
type slot struct {
	initiator.Command
	cdb   initiator.CDB
	data  []byte
	began time.Time
}

// A part is where a session works: on a medium's unit, all of it or one half.
type part struct {
	unit        int // its place among those that the target serves
	first, size int64
}

// dial logs in as the initiator of a number.
func dial(ctx context.Context, t peer.Target, n int, d Digests) (*initiator.Conn, error) {
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
	header, data := d == HeaderDigest || d == BothDigests, d == DataDigest || d == BothDigests
	if header {
		opts.Keys = append(opts.Keys, "HeaderDigest=CRC32C")
	}
	if data {
		opts.Keys = append(opts.Keys, "DataDigest=CRC32C")
	}
	conn, err := initiator.Dial(nc, opts)
	if err != nil {
		return nil, err
	}
	if conn.Params.HeaderDigest != header || conn.Params.DataDigest != data {
		return nil, errors.Join(unsupported{d.String()}, conn.Close())
	}
	return conn, nil
}

// unsupported is the error of a target that cannot do what a load asks for.
type unsupported struct{ what string }

func (u unsupported) Error() string { return "it has no " + u.what }

// open logs in for a load. Its commands go to a part of a unit, or to sparse units from a
// place on.
func open(ctx context.Context, l Load, t peer.Target, n int, p part, sparse int) (*session, error) {
	conn, err := dial(ctx, t, n, l.Digests)
	if err != nil {
		return nil, err
	}
	s := &session{load: l, conn: conn, random: rand.New(rand.NewPCG(uint64(n), 0)), limit: math.MaxInt64, own: int64(n)}
	if l.Units == 0 {
		s.units = []scsi.LUN{scsi.LUNOf(t.LUN(p.unit))}
	}
	for i := range l.Units {
		s.units = append(s.units, scsi.LUNOf(t.LUN(sparse+i)))
		p.first, p.size = 0, sparseSize
	}
	if l.Block > 0 {
		s.first, s.places = p.first/512, p.size/int64(l.Block)
	}
	for range l.queue() {
		s.idle = append(s.idle, &slot{data: make([]byte, max(l.Block, 1<<10))})
	}
	err = s.greet()
	if err == nil && l.Pattern == Copy {
		err = s.identify()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
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
				return fmt.Errorf("TEST UNIT READY: %w", err)
			}
		}
	}
	return nil
}

// identify learns the NAA designator of 16 bytes of the session's unit (SPC-5).
func (s *session) identify() error {
	var cdb initiator.CDB
	page := initiator.Command{LUN: s.units[0], CDB: cdb.Inquiry(0x83, 1<<10), In: make([]byte, 1<<10)}
	if err := s.conn.Do(&page); err != nil {
		return fmt.Errorf("INQUIRY, page 83h: %w", err)
	}
	for p := page.In[min(4, page.Received):page.Received]; len(p) >= 4; p = p[min(len(p), 4+int(p[3])):] {
		if p[1]&0x3f == 0x03 && p[3] == 16 && len(p) >= 20 {
			s.naa = [16]byte(p[4:20])
			return nil
		}
	}
	return unsupported{"NAA designator of 16 bytes"}
}

// run keeps the queue full while more says so, as far as the command window lets it, and then
// empties it.
func (s *session) run(more func() bool) error {
	for open := true; open || len(s.flying) > 0 || !s.pinged.IsZero(); open = more() && s.count < s.limit {
		if err := s.fill(open); err != nil {
			return err
		}
		if err := s.conn.Step(); err != nil {
			return fmt.Errorf("with %d commands in flight, CmdSN %d of up to %d: %w", len(s.flying), s.conn.CmdSN, s.conn.MaxCmdSN, err)
		}
		// Answers come mostly in order: the first is the likeliest.
		if i := slices.IndexFunc(s.flying, func(c *slot) bool { return c.Done }); i >= 0 {
			if err := s.finish(i); err != nil {
				return err
			}
		}
		if s.ping.Done && !s.pinged.IsZero() {
			s.latencies.add(time.Since(s.pinged))
			s.pinged = time.Time{}
		}
	}
	return nil
}

// fill starts what there is room for.
func (s *session) fill(open bool) error {
	if !open {
		return nil
	}
	for len(s.idle) > 0 && s.count < s.limit && !s.conn.MaxCmdSN.Less(s.conn.CmdSN) {
		if err := s.start(); err != nil {
			return err
		}
	}
	if !s.pings || !s.pinged.IsZero() {
		return nil
	}
	s.pinged = time.Now()
	return s.conn.StartPing(&s.ping)
}

// start sends the next command, from an idle slot.
func (s *session) start() error {
	c := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	s.flying = append(s.flying, c)
	c.In, c.Out = nil, nil
	patterns[s.load.Pattern].next(s, c)
	c.LUN = s.units[s.random.IntN(len(s.units))]
	s.count++
	c.began = time.Now()
	return s.conn.Start(&c.Command)
}

// finish takes the command that flies at i home.
func (s *session) finish(i int) error {
	c := s.flying[i]
	if !s.pings {
		s.latencies.add(time.Since(c.began))
	}
	s.flying = slices.Delete(s.flying, i, i+1)
	s.idle = append(s.idle, c)
	if c.SenseCode() == scsi.InvalidOpcode {
		return unsupported{fmt.Sprintf("%s (opcode %02Xh)", s.load.Pattern, c.CDB[0])}
	}
	return c.Check()
}
