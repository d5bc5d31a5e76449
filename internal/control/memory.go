package control

// Bounds of the default budget of the I/O buffers, in bytes.
const (
	minBudget = 256 << 20
	maxBudget = 4 << 30
)

// DefaultMemory is the budget of the I/O buffers where nobody says otherwise: an eighth of
// the machine's memory, within bounds. The page cache has better use for the rest.
func DefaultMemory() int64 { return min(max(physicalMemory()/8, minBudget), maxBudget) }
