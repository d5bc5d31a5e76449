package undelete

import "github.com/lunarsan/lunar/vmfs"

// A Strategy is how a candidate was found.
type Strategy string

const (
	BySaved      Strategy = "saved"
	ByDescriptor Strategy = "descriptor"
	ByPointers   Strategy = "pointers"
	ByCarving    Strategy = "carved"
)

// A Confidence is how sure it is that a candidate is a file as it was.
type Confidence string

const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
	None   Confidence = "none" // nothing is left of it
)

// A Status is what became of a piece of a file.
type Status string

const (
	Free      Status = "free"      // no file has it, and the volume counts it as free
	Unowned   Status = "unowned"   // no file has it; what the volume counts is not known
	Own       Status = "own"       // the file has it still: no directory names the file
	Counted   Status = "counted"   // no file has it, but the volume counts it as in use
	Contested Status = "contested" // another deleted file had it too
	Stored    Status = "stored"    // its contents were saved, and are used
	Zeros     Status = "zeros"     // a hole, or blocks to be zeroed
	Reused    Status = "reused"    // a file has it now: it is not extracted
	Lost      Status = "lost"      // it cannot be found
)

// Readable reports a piece that is extracted.
func (s Status) Readable() bool { return s != Reused && s != Lost }

// A Piece is a part of a candidate whose blocks have one fate.
type Piece struct {
	vmfs.Extent
	Status Status
	Owner  vmfs.FDAddress // of a piece that is reused
}

// A Candidate is what may be a deleted file.
type Candidate struct {
	Name       string // its path, or a name made up of what is known
	Named      bool   // the path is its own
	Size       int64  // bytes
	By         Strategy
	Confidence Confidence
	Reason     string // why it is thought to be a file, in a sentence
	Pieces     []Piece

	v        *vmfs.Volume
	contents []byte // of a file that is Stored
}

// Count is how many bytes of a candidate have each status.
func (c *Candidate) Count() map[Status]int64 {
	n := map[Status]int64{}
	for _, p := range c.Pieces {
		n[p.Status] += p.Length
	}
	return n
}

// Left is how many bytes of the candidate's blocks can be read, and how many it had.
func (c *Candidate) Left() (left, had int64) {
	for _, p := range c.Pieces {
		if p.Status == Zeros {
			continue
		}
		had += p.Length
		if p.Status.Readable() {
			left += p.Length
		}
	}
	return left, had
}

// rate says how sure the candidate is: as sure as its strategy, and less where its blocks are
// not all left to it.
func (c *Candidate) rate(best Confidence) {
	left, had := c.Left()
	n := c.Count()
	switch {
	case had > 0 && left == 0:
		c.Confidence = None
	case left < had || n[Contested] > 0:
		c.Confidence = map[Confidence]Confidence{High: Medium}[best]
		if c.Confidence == "" {
			c.Confidence = Low
		}
	default:
		c.Confidence = best
	}
}
