package vmfstest

// addressKind is the low three bits of an address: what it leads to.
type addressKind uint64

const (
	toBlock     addressKind = 1 // a file block; VMFS6: a small one
	toSubBlock  addressKind = 2
	toPointers  addressKind = 3
	toFile      addressKind = 4
	toSecondary addressKind = 5
	toJournal   addressKind = 6
	toLarge     addressKind = 7
)

// address makes the address of the nth resource of a kind.
func (b *builder) address(kind addressKind, n int64) uint64 {
	a := uint64(kind)
	if kind == toLarge {
		return a | uint64(n)<<15
	}
	if kind == toBlock && !b.six() {
		return a | uint64(n)<<6
	}
	perCluster := b.of[kind].perCluster
	cluster, item := uint64(n/perCluster), uint64(n%perCluster)
	switch {
	case kind == toFile:
		return a | cluster<<6 | item<<22
	case kind == toJournal:
		return a | cluster<<3 | item<<26
	case kind == toBlock:
		return a | cluster<<15 | item<<51
	case b.six():
		return a | cluster<<6 | item<<56
	case kind == toSubBlock:
		return a | cluster<<6 | item&15<<28 | item>>4<<3
	}
	return a | cluster<<6 | item<<28
}

// toBeZeroed marks the address of a block as one that reads as zeros.
func (b *builder) toBeZeroed(address uint64) uint64 {
	if b.six() {
		return address | 0xFF<<7
	}
	return address | 1<<5
}
