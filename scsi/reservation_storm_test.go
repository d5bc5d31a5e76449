package scsi

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// TestReservationStorm has several nexuses write, and take the unit by RESERVE, by persistent
// reservations, and in all ways at once, PREEMPT AND ABORT among them. Between the answer that
// gives one the unit and its next command that gives it away, no write of another may be inside
// the store.
func TestReservationStorm(t *testing.T) {
	for name, ways := range map[string][]func(*rival){
		"RESERVE":    {(*rival).reserve},
		"persistent": {(*rival).persist},
		"all":        {(*rival).reserve, (*rival).persistBriefly, (*rival).preempt},
	} {
		t.Run(name, func(t *testing.T) { reservationStorm(t, ways) })
	}
}

func reservationStorm(t *testing.T, ways []func(*rival)) {
	const nexuses, rounds = 4, 150
	store := &heldStore{moodyStore: &moodyStore{Mem: sbd.NewMem(1 << 20), t: t}}
	unit := sbd.NewUnit(testIdentity, sbd.Config{WriteCache: true})
	if err := unit.Attach(store); err != nil {
		t.Fatal(err)
	}
	pool := buffer.NewPool(64 << 10)
	lu := NewLogicalUnit(unit, pool)
	var all sync.WaitGroup
	var held atomic.Int64
	for i := range nexuses {
		name := fmt.Sprintf("iqn.2026-01.test:%d", i)
		n := NewNexus(Names{Initiator: name, InitiatorPort: name + ",i,0x00023d000001", TargetPort: "t"}, pool)
		n.SetInventory(map[int]*LogicalUnit{0: lu})
		w := rival{t: t, store: store, nexus: n, id: byte(i + 1), held: &held, random: rand.New(rand.NewPCG(uint64(i), 9))}
		all.Go(func() {
			var writers sync.WaitGroup
			over := make(chan struct{})
			for seed := range 3 {
				writers.Go(func() { w.write(rand.New(rand.NewPCG(uint64(i), uint64(seed))), over) })
			}
			for range rounds {
				ways[w.random.IntN(len(ways))](&w)
			}
			close(over)
			writers.Wait()
			n.Close(func() {})
		})
	}
	all.Wait()
	lu.Close()
	r := lu.Reservations()
	if err := r.check(); err != nil {
		t.Errorf("%+v: %v", r, err)
	}
	if held.Load() == 0 || store.writes.Load() == 0 {
		t.Errorf("held %d times, %d writes: nothing was tried", held.Load(), store.writes.Load())
	}
	t.Logf("held %d times, %d writes", held.Load(), store.writes.Load())
}

// A heldStore knows who must be alone in it.
type heldStore struct {
	*moodyStore
	holder atomic.Int32 // 0: nobody
	writes atomic.Int64
}

func (s *heldStore) TryWriteAt(p []byte, off int64) (int, error) {
	if s.mood() {
		return 0, sbd.ErrWouldBlock
	}
	return s.WriteAt(p, off)
}

func (s *heldStore) WriteAt(p []byte, off int64) (int, error) {
	s.alone(p)
	defer s.alone(p)
	s.writes.Add(1)
	for range 8 {
		runtime.Gosched() // to be inside for a while
	}
	return s.Mem.WriteAt(p, off)
}

func (s *heldStore) alone(p []byte) {
	if h := s.holder.Load(); h != 0 && h != int32(p[0]) {
		s.t.Errorf("%d writes while %d holds the unit", p[0], h)
	}
}

// A rival is a nexus that wants the unit for itself.
type rival struct {
	t     *testing.T
	store *heldStore
	nexus *Nexus
	id    byte // its key, and what it writes
	held  *atomic.Int64

	random *rand.Rand
}

// do executes a command, and tells whether it came to its end and how.
func (r *rival) do(c CDB, out []byte) (Status, bool) {
	done := make(chan struct{})
	task := &Task{CDB: c, Out: out, Expected: int64(len(out)), Done: func(*Task) { close(done) }}
	r.nexus.Prepare(task)
	if !r.nexus.Submit(task) {
		<-done
	}
	defer task.Release()
	return task.Status, !task.Aborted()
}

func (r *rival) write(random *rand.Rand, over chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
			r.writeBlock(random.Uint64N(64))
		}
	}
}

func (r *rival) writeBlock(lba uint64) {
	r.do(cdb(opWrite10, 0, lba, 1), bytes.Repeat([]byte{r.id}, 512))
}

func (r *rival) out(service byte, typ ReservationType, key, serviceKey byte) bool {
	status, ended := r.do(CDB{byte(opPersistentOut), service, byte(typ), 8: outListLen}, []byte{7: key, 15: serviceKey, outListLen - 1: 0})
	return ended && status == Good
}

// reserve takes the unit by RESERVE, if it can, and gives it away.
func (r *rival) reserve() {
	if status, ended := r.do(CDB{byte(opReserve6)}, nil); ended && status == Good {
		r.hold()
		r.do(CDB{byte(opRelease6)}, nil)
	}
}

// persist does so by a persistent reservation, and stays registered.
func (r *rival) persist() {
	r.out(saRegisterIgnoring, 0, 0, r.id)
	if r.out(saReserve, ExclusiveAccess, r.id, 0) {
		r.hold()
		r.out(saRelease, ExclusiveAccess, r.id, 0)
	}
}

// persistBriefly leaves nothing registered, of others either.
func (r *rival) persistBriefly() {
	r.out(saRegisterIgnoring, 0, 0, r.id)
	r.out(saReserve, ExclusiveAccess, r.id, 0)
	r.out(saClear, 0, r.id, 0)
}

// preempt removes somebody.
func (r *rival) preempt() {
	r.out(saRegisterIgnoring, 0, 0, r.id)
	r.out(saPreemptAndAbort, WriteExclusive, r.id, byte(r.random.IntN(4)+1))
	r.out(saRegisterIgnoring, 0, 0, 0)
}

// hold is alone for a while: nobody takes the unit away from it.
func (r *rival) hold() {
	r.held.Add(1)
	r.store.holder.Store(int32(r.id))
	r.writeBlock(64)
	r.store.holder.Store(0)
}
