package bench

// A Storm is what other sessions do while a load is measured.
type Storm int

const (
	Calm Storm = iota
	SmallReads
	LargeReads
	LargeWrites
	WriteSames
	Unmaps
	Copies
	Stall // reads whose answers are left in the socket
)

// storms has the name of each, and the load that it is.
var storms = [...]struct {
	name string
	load Load
}{
	Calm:        {"", Load{}},
	SmallReads:  {"4 KiB reads", made(InProcess, Read, 4<<10, 32)},
	LargeReads:  {"256 KiB reads", made(InProcess, SequentialRead, 256<<10, 32)},
	LargeWrites: {"256 KiB writes", made(InProcess, SequentialWrite, 256<<10, 32)},
	WriteSames:  {"1 MiB zeroing", made(InProcess, WriteSame, 1<<20, 8)},
	Unmaps:      {"1 MiB unmaps", made(InProcess, Unmap, 1<<20, 8)},
	Copies:      {"1 MiB copies", made(InProcess, Copy, 1<<20, 8)},
	Stall:       {"slow reader", made(InProcess, SequentialRead, 256<<10, 32)},
}

func (s Storm) String() string { return storms[s].name }

// load is what the storm's session does, on the upper half of the scratch unit.
func (s Storm) load() Load { return storms[s].load.on(Scratch) }

// A Place says where a storm rages.
type Place int

const (
	Beside Place = iota // on the same unit, by another session
	Inside              // on the session that is measured
	// Apart is another process of the same target: what the storm takes of the processors and
	// the client is the same, and what is left when it comes Beside is the target's part.
	Apart
)

func (p Place) String() string { return [...]string{"beside", "inside", "apart"}[p] }
