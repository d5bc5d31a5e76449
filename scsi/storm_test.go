package scsi

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// TestStorm has several nexuses send what they can, in all attributes, with little memory and
// a store that now and then would block, while others abort and reset. Every task must come
// back once, one that comes back aborted must not touch the medium afterwards, and nothing
// may be left over.
func TestStorm(t *testing.T) {
	const nexuses, commands = 3, 2000
	store := &moodyStore{Mem: sbd.NewMem(1 << 20), t: t}
	unit := sbd.NewUnit(testIdentity, sbd.Config{WriteCache: true})
	if err := unit.Attach(store); err != nil {
		t.Fatal(err)
	}
	pool := buffer.NewPool(64 << 10)
	lu := NewLogicalUnit(unit, pool)

	var storm sync.WaitGroup
	for i := range nexuses {
		n := NewNexus(Names{Initiator: fmt.Sprint(i), InitiatorPort: fmt.Sprint(i, ",i,0x1")}, pool)
		n.SetInventory(map[int]*LogicalUnit{0: lu})
		over := make(chan struct{})
		var managers sync.WaitGroup
		managers.Go(func() { disturb(n, rand.New(rand.NewPCG(uint64(i), 1)), over) })
		storm.Go(func() {
			s := sender{t: t, store: store, nexus: n, first: uint64(i * commands), slots: make(chan struct{}, 24)}
			s.send(rand.New(rand.NewPCG(uint64(i), 2)), commands)
			close(over)
			managers.Wait()
			drained := make(chan struct{})
			n.Close(func() { close(drained) })
			<-drained
			s.wait()
			if s.back.Load() != commands {
				t.Errorf("%d of %d tasks came back", s.back.Load(), commands)
			}
		})
	}
	storm.Wait()
	lu.Close()
	aborted := 0
	store.dead.Range(func(any, any) bool { aborted++; return true })
	t.Logf("%d of %d tasks came back aborted, the store was asked %d times", aborted, nexuses*commands, store.tries.Load())
	if n := pool.Outstanding(); n != 0 {
		t.Errorf("%d buffers were not given back", n)
	}
	if lu.tasks.in != ([stages]int{outside: lu.tasks.in[outside]}) || lu.tasks.ordered != 0 || lu.tasks.heads != 0 {
		t.Errorf("the task set is not empty: %+v", &lu.tasks)
	}
}

// A sender is the port of one nexus.
type sender struct {
	t     *testing.T
	store *moodyStore
	nexus *Nexus
	first uint64 // tags count from here
	slots chan struct{}
	back  atomic.Int64
}

func (s *sender) send(r *rand.Rand, commands int) {
	receive := make([]byte, 512)
	for i := range commands {
		s.slots <- struct{}{}
		id := s.first + uint64(i)
		task := &Task{
			CDB: cdb(opWrite10, 0, r.Uint64N(64), 1), Tag: id, Expected: 512, Attr: Simple,
			Done: func(t *Task) { s.take(t) },
		}
		switch r.IntN(12) {
		case 0:
			task.Attr = Ordered
		case 1:
			task.Attr = HeadOfQueue
		case 2, 3, 4:
			task.CDB[0] = byte(opRead10)
		case 5:
			task.CDB[0] = byte(opSynchronizeCache10)
		}
		s.nexus.Prepare(task)
		if r.IntN(20) == 0 {
			s.nexus.Abandon(task)
			s.take(task)
			continue
		}
		binary.BigEndian.PutUint64(receive, id)
		task.Out, task.OutBorrowed = receive[:task.OutLen()], true
		if s.nexus.Submit(task) {
			s.take(task)
		}
	}
}

func (s *sender) take(t *Task) {
	if t.Aborted() {
		s.store.dead.Store(t.Tag, true)
	}
	t.Release()
	s.back.Add(1)
	<-s.slots
}

// wait returns when all tasks are back.
func (s *sender) wait() {
	for range cap(s.slots) {
		s.slots <- struct{}{}
	}
}

// disturb manages tasks of n, and of others, until over is closed.
func disturb(n *Nexus, r *rand.Rand, over chan struct{}) {
	functions := []Function{AbortTask, AbortTask, AbortTask, AbortTaskSet, ClearTaskSet, LogicalUnitReset, TargetReset, QueryTaskSet}
	for {
		select {
		case <-over:
			return
		default:
		}
		answered := make(chan struct{})
		n.Manage(functions[r.IntN(len(functions))], 0, r.Uint64N(6000), func(Response) { close(answered) })
		<-answered
	}
}

// A moodyStore would block every third time, and knows which writes must not come any more.
type moodyStore struct {
	*sbd.Mem
	t     *testing.T
	tries atomic.Int64
	dead  sync.Map // of tags
}

func (s *moodyStore) mood() bool { return s.tries.Add(1)%3 == 0 }

func (s *moodyStore) TryReadAt(p []byte, off int64) (int, error) {
	if s.mood() {
		return 0, sbd.ErrWouldBlock
	}
	return s.Mem.ReadAt(p, off)
}

func (s *moodyStore) TryWriteAt(p []byte, off int64) (int, error) {
	if s.mood() {
		return 0, sbd.ErrWouldBlock
	}
	return s.WriteAt(p, off)
}

func (s *moodyStore) WriteAt(p []byte, off int64) (int, error) {
	if id := binary.BigEndian.Uint64(p); id != 0 {
		if _, dead := s.dead.Load(id); dead {
			s.t.Errorf("task %d writes after it was aborted", id)
		}
	}
	return s.Mem.WriteAt(p, off)
}
