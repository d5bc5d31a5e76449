package vmfs

import (
	"fmt"
	"maps"
	"slices"
)

// A Level is how bad a finding is.
type Level uint8

const (
	Note      Level = iota // worth knowing; nothing is wrong
	Wasteful               // space that nothing can use
	Wrong                  // two structures contradict each other
	Dangerous              // data is lost, or will be when hosts write on
)

// String names the level in a word.
func (l Level) String() string {
	return [...]string{"note", "wasteful", "wrong", "dangerous"}[l]
}

// MarshalText writes the word.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the word.
func (l *Level) UnmarshalText(text []byte) error {
	for i := Note; i <= Dangerous; i++ {
		if i.String() == string(text) {
			*l = i
			return nil
		}
	}
	return fmt.Errorf("%q is no level of a finding", text)
}

// A Fault is a kind of finding.
type Fault string

const (
	FaultMissing        Fault = "volume-missing"
	FaultSuperblock     Fault = "volume-identity"
	FaultHeartbeat      Fault = "heartbeat"
	FaultLockStale      Fault = "lock-stale"
	FaultResourceFile   Fault = "resource-file"
	FaultCluster        Fault = "cluster-header"
	FaultClusterCount   Fault = "cluster-count"
	FaultDescriptor     Fault = "descriptor"
	FaultDescriptorLost Fault = "descriptor-lost"
	FaultDescriptorFree Fault = "descriptor-free"
	FaultOrphan         Fault = "descriptor-orphan"
	FaultLinkCount      Fault = "link-count"
	FaultAddress        Fault = "address"
	FaultBlockCount     Fault = "block-count"
	FaultBlockLost      Fault = "block-lost"
	FaultBlockFree      Fault = "block-free"
	FaultBlockShared    Fault = "block-shared"
	FaultDangling       Fault = "entry-dangling"
	FaultGeneration     Fault = "entry-generation"
	FaultEntryType      Fault = "entry-type"
	FaultEntryName      Fault = "entry-name"
	FaultEntryDots      Fault = "entry-dots"
	FaultTwice          Fault = "directory-twice"
	FaultDirectory      Fault = "directory"
	FaultDirectoryCount Fault = "directory-count"
	FaultDirectoryHash  Fault = "directory-hash"
)

// faults has a row for each.
var faults = map[Fault]struct {
	level   Level
	meaning string
}{
	FaultMissing:        {Dangerous, "a part of the volume is on no device that was named"},
	FaultSuperblock:     {Wrong, "the file system names another logical volume than the one it is on"},
	FaultHeartbeat:      {Wrong, "a host's slot is none"},
	FaultLockStale:      {Note, "a lock whose holder is gone; hosts take such locks over"},
	FaultResourceFile:   {Wrong, "the numbers that a resource file begins with contradict each other"},
	FaultCluster:        {Wrong, "the header of a cluster of resources is not its own"},
	FaultClusterCount:   {Wrong, "a cluster counts its free resources wrongly"},
	FaultDescriptor:     {Dangerous, "a descriptor that is in use cannot be understood"},
	FaultDescriptorLost: {Wasteful, "a descriptor is allocated, and of no file"},
	FaultDescriptorFree: {Dangerous, "the descriptor of a file is free for others"},
	FaultOrphan:         {Wrong, "a file that no directory has"},
	FaultLinkCount:      {Wrong, "a descriptor counts its entries wrongly"},
	FaultAddress:        {Dangerous, "an address in a file leads nowhere"},
	FaultBlockCount:     {Wrong, "a descriptor counts its blocks wrongly"},
	FaultBlockLost:      {Wasteful, "blocks are allocated, and of no file"},
	FaultBlockFree:      {Dangerous, "blocks of files are free for others"},
	FaultBlockShared:    {Dangerous, "a block belongs to two files, or twice to one"},
	FaultDangling:       {Dangerous, "an entry of a directory leads to no file"},
	FaultGeneration:     {Dangerous, "an entry of a directory leads to a later file than it was made for"},
	FaultEntryType:      {Wrong, "an entry of a directory says that its file is something else"},
	FaultEntryName:      {Wrong, "a name that cannot be, or is there twice"},
	FaultEntryDots:      {Wrong, "a directory does not know itself, or its parent"},
	FaultTwice:          {Wrong, "a directory is in two places, or in itself"},
	FaultDirectory:      {Dangerous, "a directory cannot be read"},
	FaultDirectoryCount: {Wrong, "a directory of VMFS6 counts wrongly"},
	FaultDirectoryHash:  {Wrong, "a name of VMFS6 is not found by its hash"},
}

// Faults are all that a check can find, in the order of their names.
func Faults() []Fault { return slices.Sorted(maps.Keys(faults)) }

// Level is how bad it is.
func (f Fault) Level() Level { return faults[f].level }

// Meaning says what it is, in words.
func (f Fault) Meaning() string { return faults[f].meaning }
