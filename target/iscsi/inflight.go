package iscsi

// inflight finds the commands in flight of a connection by Initiator Task Tag: a hash table
// with linear probing that never grows and never allocates. The command window and the bound
// on immediate commands keep it at most half full. The zero value is an empty table.
//
// It remembers the tags that left last, too: data that an initiator sent before it learnt
// that its command was over is dropped in silence, where data for a tag never heard of is an
// error.
type inflight struct {
	slots  [inflightSlots]*command
	n      int
	recent [64]uint32
	at     int
}

// inflightSlots is at least twice the most commands in flight. A power of two.
const inflightSlots = 1024

// maxWindow is the largest command window that a server may be given.
const maxWindow = inflightSlots/2 - maxImmediate

// home is where the search for tag begins. Initiators count their tags up or use them as
// indices with a generation above; multiplying spreads both.
func home(tag uint32) uint32 { return tag * 0x9e3779b1 >> 22 }

// find returns the command with the tag, or nil.
func (f *inflight) find(tag uint32) *command {
	for i := home(tag); ; i = (i + 1) % inflightSlots {
		if c := f.slots[i]; c == nil || c.itt == tag {
			return c
		}
	}
}

// add enters c, whose tag is not there.
func (f *inflight) add(c *command) {
	i := home(c.itt)
	for f.slots[i] != nil {
		i = (i + 1) % inflightSlots
	}
	f.slots[i] = c
	f.n++
}

// remove takes c, which is there, out, and moves up what had to pass its slot.
func (f *inflight) remove(c *command) {
	i := home(c.itt)
	for f.slots[i] != c {
		i = (i + 1) % inflightSlots
	}
	f.n--
	f.forget(c.itt)
	for j := i; ; {
		j = (j + 1) % inflightSlots
		next := f.slots[j]
		if next == nil {
			break
		}
		if distance := (j - home(next.itt)) % inflightSlots; distance >= (j-i)%inflightSlots {
			f.slots[i] = next
			i = j
		}
	}
	f.slots[i] = nil
}

// forget remembers tag as one that left.
func (f *inflight) forget(tag uint32) {
	f.recent[f.at%len(f.recent)] = tag
	f.at++
}

// left reports whether tag is one of the last that left.
func (f *inflight) left(tag uint32) bool {
	for _, r := range f.recent[:min(f.at, len(f.recent))] {
		if r == tag {
			return true
		}
	}
	return false
}

// each calls do for every command in flight. do must not add or remove.
func (f *inflight) each(do func(*command)) {
	for _, c := range f.slots {
		if c != nil {
			do(c)
		}
	}
}
