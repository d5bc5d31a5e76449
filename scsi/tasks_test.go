package scsi

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// TestTasks runs the scripts in testdata/tasks: tasks that take their time, in which order
// they run, and what task management does to them. A task is named by a number and writes,
// or reads, the block of that number. Every line answers with what came back meanwhile, in
// order, and with the tasks that are inside the store then. The lines are
//
//	submit a 1 [ordered|head] [read|compare]    prepares and submits task 1 on nexus a
//	prepare a 1 [ordered|head] [read|compare]   prepares it,
//	deliver 1, abandon 1                 and does the rest
//	submit a 1 reserve                   reserves the unit by RESERVE(6)
//	submit a 1 register|hold|preempt=b   registers the key a, holds the unit (exclusive
//	                                     access) by it, preempts b and aborts its tasks
//	end 1                                lets the store finish with task 1
//	manage a abort-task 1                performs a task management function
//	tas                                  asks for TASK ABORTED status
//	lose a                               ends a nexus
//	hoard, give back                     takes all memory away, and gives it back
//
// A line that ends with "unordered" answers in alphabetical order: workers race for what
// comes back.
func TestTasks(t *testing.T) {
	eachScript(t, "testdata/tasks/*.txt", func(t *testing.T, file string) {
		synctest.Test(t, func(t *testing.T) { runScript(t, file, newPlay(t, 64<<10)) })
	})
}

// A play is the state of a script of tasks that runs.
type play struct {
	t       *testing.T
	store   *slowStore
	lu      *LogicalUnit
	pool    *buffer.Pool
	nexuses map[string]*Nexus
	tasks   map[int]*Task
	owner   map[int]*Nexus
	lists   map[int][]byte // Data-Out of tasks that do not write
	hoard   []*buffer.Buffer
	data    [1024]byte // the receive buffer that all Data-Out lies in

	mu     sync.Mutex // what follows, and tasks
	events []string
}

func newPlay(t *testing.T, budget int64) *play {
	p := &play{
		t: t, store: &slowStore{Mem: sbd.NewMem(1 << 20), inside: make(map[int]chan struct{})},
		pool: buffer.NewPool(budget), nexuses: make(map[string]*Nexus),
		tasks: make(map[int]*Task), owner: make(map[int]*Nexus), lists: make(map[int][]byte),
	}
	unit := sbd.NewUnit(testIdentity, sbd.Config{WriteCache: true})
	if err := unit.Attach(p.store); err != nil {
		t.Fatal(err)
	}
	p.lu = NewLogicalUnit(unit, p.pool)
	for _, name := range []string{"a", "b"} {
		n := NewNexus(Names{Initiator: name, InitiatorPort: name + ",i,0x00023d000001"}, p.pool)
		n.SetInventory(map[int]*LogicalUnit{0: p.lu})
		p.nexuses[name] = n
		tur := &Task{}
		n.Prepare(tur) // takes the unit attention
		n.Submit(tur)
	}
	return p
}

func (p *play) end() {
	for _, b := range p.hoard {
		b.Put()
	}
	for _, n := range p.nexuses {
		drained := make(chan struct{})
		n.Close(func() { close(drained) })
		<-drained
	}
	p.lu.Close()
	if len(p.tasks) != 0 {
		p.t.Errorf("%d tasks never came back", len(p.tasks))
	}
	if n := p.pool.Outstanding(); n != 0 {
		p.t.Errorf("%d buffers were not given back", n)
	}
}

func (p *play) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, fmt.Sprintf(format, args...))
}

func (p *play) line(w *strings.Builder, words []string) {
	unordered := words[len(words)-1] == "unordered"
	if unordered {
		words = words[:len(words)-1]
	}
	number := 0
	if len(words) > 1 {
		number, _ = strconv.Atoi(words[len(words)-1])
	}
	switch words[0] {
	case "submit":
		p.deliver(p.prepare(words[1:]))
	case "prepare":
		p.prepare(words[1:])
	case "deliver":
		p.deliver(number)
	case "abandon":
		p.owner[number].Abandon(p.tasks[number])
		p.take(number).Release()
	case "end":
		p.store.finish(number)
	case "manage":
		p.manage(words[1], words[2], number)
	case "tas":
		p.lu.modes.tas.Store(true)
	case "lose":
		n := p.nexuses[words[1]]
		delete(p.nexuses, words[1])
		n.Close(func() { p.note("%s has ended", words[1]) })
	case "hoard":
		for b := p.pool.TryGet(1); b != nil; b = p.pool.TryGet(1) {
			p.hoard = append(p.hoard, b)
		}
	case "give":
		for _, b := range p.hoard {
			b.Put()
		}
		p.hoard = nil
	default:
		p.t.Fatalf("%s?", words)
	}
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if unordered {
		slices.Sort(p.events)
	}
	fmt.Fprintln(w, strings.Join(append(p.events, fmt.Sprint(p.store.running())), "; "))
	p.events = nil
}

func (p *play) prepare(words []string) int {
	n := p.nexuses[words[0]]
	number, err := strconv.Atoi(words[1])
	if err != nil {
		p.t.Fatal(err)
	}
	t := &Task{
		CDB: cdb(opWrite10, 0, uint64(number), 1), Tag: uint64(number), Expected: 512,
		Done: func(*Task) { p.back(number) },
	}
	for _, word := range words[2:] {
		switch word {
		case "ordered":
			t.Attr = Ordered
		case "head":
			t.Attr = HeadOfQueue
		case "read":
			t.CDB[0] = byte(opRead10)
		case "compare":
			t.CDB, t.Expected = cdb(opCompareAndWrite, 0, uint64(number), 1), 1024
		case "reserve":
			t.CDB, t.Expected = CDB{byte(opReserve6)}, 0
		case "register":
			p.lists[number] = t.persist(saRegisterIgnoring, 0, 0, words[0][0])
		case "hold":
			p.lists[number] = t.persist(saReserve, ExclusiveAccess, words[0][0], 0)
		}
		if victim, ok := strings.CutPrefix(word, "preempt="); ok {
			p.lists[number] = t.persist(saPreemptAndAbort, ExclusiveAccess, words[0][0], victim[0])
		}
	}
	p.mu.Lock()
	p.tasks[number], p.owner[number] = t, n
	p.mu.Unlock()
	n.Prepare(t)
	return number
}

// persist makes t a PERSISTENT RESERVE OUT, and returns its parameter list.
func (t *Task) persist(service byte, typ ReservationType, key, serviceKey byte) []byte {
	t.CDB, t.Expected = CDB{byte(opPersistentOut), service, byte(typ), 8: outListLen}, outListLen
	return []byte{7: key, 15: serviceKey, outListLen - 1: 0}
}

func (p *play) deliver(number int) {
	p.mu.Lock()
	t := p.tasks[number]
	p.mu.Unlock()
	out := p.data[:t.OutLen()]
	for i := range out {
		out[i] = byte(number)
	}
	copy(out, p.lists[number])
	t.Out, t.OutBorrowed = out, true
	if p.owner[number].Submit(t) {
		p.back(number)
	}
	clear(p.data[:]) // the port takes it back
}

// take takes a task away from the play.
func (p *play) take(number int) *Task {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tasks[number]
	delete(p.tasks, number)
	return t
}

// back notes how a task came back, and releases it.
func (p *play) back(number int) {
	t := p.take(number)
	switch {
	case t.Aborted():
		p.note("%d: aborted", number)
	case t.queued.stage != outside:
		p.t.Errorf("task %d came back from within the set", number)
	default:
		var w strings.Builder
		t.In = nil // a block of data says nothing here
		describe(&w, t)
		p.note("%d: %s", number, strings.TrimSpace(w.String()))
	}
	t.Release()
}

func (p *play) manage(nexus, function string, tag int) {
	functions := map[string]Function{
		"abort-task": AbortTask, "abort-task-set": AbortTaskSet, "clear-task-set": ClearTaskSet,
		"lun-reset": LogicalUnitReset, "target-reset": TargetReset, "query-task": QueryTask, "query-task-set": QueryTaskSet,
	}
	responses := []string{"complete", "succeeded", "no such task", "no such LUN", "not supported"}
	p.nexuses[nexus].Manage(functions[function], 0, uint64(tag), func(r Response) {
		p.note("%s: %s", function, responses[r])
	})
}

// A slowStore stays inside reads and writes until it is told to finish, and checks that what
// is written is the block's number.
type slowStore struct {
	*sbd.Mem
	mu     sync.Mutex
	inside map[int]chan struct{}
}

// TryReadAt and TryWriteAt hide those of Mem: this store always blocks.
func (s *slowStore) TryReadAt([]byte, int64) (int, error)  { return 0, sbd.ErrWouldBlock }
func (s *slowStore) TryWriteAt([]byte, int64) (int, error) { return 0, sbd.ErrWouldBlock }

func (s *slowStore) stay(off int64) {
	finish := make(chan struct{})
	s.mu.Lock()
	s.inside[int(off/512)] = finish
	s.mu.Unlock()
	<-finish
}

func (s *slowStore) ReadAt(p []byte, off int64) (int, error) {
	s.stay(off)
	return s.Mem.ReadAt(p, off)
}

func (s *slowStore) WriteAt(p []byte, off int64) (int, error) {
	s.stay(off)
	if want := bytes.Repeat([]byte{byte(off / 512)}, len(p)); !bytes.Equal(p, want) {
		return 0, fmt.Errorf("block %d is written with %x: %w", off/512, p[:4], sbd.ErrMedium)
	}
	return s.Mem.WriteAt(p, off)
}

func (s *slowStore) finish(block int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.inside[block])
	delete(s.inside, block)
}

func (s *slowStore) running() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	blocks := make([]int, 0, len(s.inside))
	for b := range s.inside {
		blocks = append(blocks, b)
	}
	slices.Sort(blocks)
	return blocks
}
