package vmfs

import "fmt"

// An AddressType is the low three bits of an address, and says what it is the address of.
type AddressType uint8

const (
	AddressNone AddressType = iota // a hole
	AddressFB                      // a file block; of VMFS6, a small one
	AddressSB                      // a sub-block
	AddressPB                      // a pointer block
	AddressFD                      // a file descriptor
	AddressPB2                     // a secondary pointer block
	AddressJB                      // a journal block
	AddressLFB                     // a large file block
)

// An Address is what a file or an entry points to, taken apart.
type Address struct {
	Type       AddressType
	Number     int64 // of the cluster; of the block for AddressFB before VMFS6, and AddressLFB
	Resource   int64 // in the cluster
	ToBeZeroed bool  // it reads as zeros, whatever is on disk
	COW        bool  // shared; of no effect on reading
}

// A field of an address: n bits from low on.
type field struct{ low, n uint8 }

func (b field) of(a uint64) uint64 { return a >> b.low & (1<<b.n - 1) }

// An addressKind is how an address of a type is put together.
type addressKind struct {
	name          string
	file          Slot // whose resource it is; RootSlot for blocks of the volume itself
	number        field
	resource      field
	more          field // of the resource, above the others, where the volume is dense
	cow, toBeZero field
}

// addressKinds has a row for each type: those of VMFS3 and 5, where addresses have 32 bits, and
// those of VMFS6, where all but FD and JB have 64.
var addressKinds = [2][8]addressKind{
	{
		AddressFB:  {name: "file block", number: field{6, 26}, cow: field{4, 1}, toBeZero: field{5, 1}},                                   // [V]
		AddressSB:  {name: "sub-block", file: SBCSlot, number: field{6, 22}, resource: field{28, 4}, more: field{3, 2}, cow: field{5, 1}}, // [V, C2 dense]
		AddressPB:  {name: "pointer block", file: PBCSlot, number: field{6, 22}, resource: field{28, 4}, cow: field{5, 1}},                // [C2]
		AddressFD:  {name: "file descriptor", file: FDCSlot, number: field{6, 16}, resource: field{22, 10}},                               // [V]
		AddressPB2: {name: "secondary pointer block", file: PB2Slot, number: field{6, 22}, resource: field{28, 4}, cow: field{5, 1}},      // [C2]
	},
	{
		AddressFB:  {name: "small file block", number: field{15, 31}, resource: field{51, 13}, cow: field{5, 1}, toBeZero: field{7, 8}}, // [C2]
		AddressSB:  {name: "sub-block", file: SBCSlot, number: field{6, 36}, resource: field{56, 8}, cow: field{5, 1}},                  // [C2]
		AddressPB:  {name: "pointer block", file: PBCSlot, number: field{6, 36}, resource: field{56, 8}, cow: field{5, 1}},              // [C2]
		AddressFD:  {name: "file descriptor", file: FDCSlot, number: field{6, 16}, resource: field{22, 10}},                             // [V]
		AddressPB2: {name: "secondary pointer block", file: PB2Slot, number: field{6, 36}, resource: field{56, 8}, cow: field{5, 1}},    // [C2]
		AddressJB:  {name: "journal block", file: JBCSlot, number: field{3, 13}, resource: field{26, 6}},                                // [C1]
		AddressLFB: {name: "large file block", number: field{15, 31}, cow: field{5, 1}, toBeZero: field{7, 8}},                          // [C2]
	},
}

// kinds is the half of addressKinds that the volume uses.
func (s *Superblock) kinds() *[8]addressKind {
	if s.wide() {
		return &addressKinds[1]
	}
	return &addressKinds[0]
}

// Decode takes apart an address found on the volume. An address of no known type is of type
// AddressNone, and so is 0; they differ in nothing else.
func (s *Superblock) Decode(raw uint64) Address {
	t := AddressType(raw & 7)
	k := &s.kinds()[t]
	if k.name == "" {
		return Address{}
	}
	a := Address{
		Type:       t,
		Number:     int64(k.number.of(raw)),
		Resource:   int64(k.resource.of(raw)),
		ToBeZeroed: k.toBeZero.of(raw) != 0,
		COW:        k.cow.of(raw) != 0,
	}
	if s.Dense() {
		a.Resource |= int64(k.more.of(raw)) << k.resource.n
	}
	return a
}

// An FDAddress is the address of a file descriptor, as directories have it.
type FDAddress uint32

// Valid reports an address of the right type.
func (a FDAddress) Valid() bool { return AddressType(a&7) == AddressFD }

// Cluster and Resource are the place in .fdc.sf.
func (a FDAddress) Cluster() int64  { return int64(addressKinds[0][AddressFD].number.of(uint64(a))) }
func (a FDAddress) Resource() int64 { return int64(addressKinds[0][AddressFD].resource.of(uint64(a))) }

// String writes the address as debuggers of the format do: 0x1400184.
func (a FDAddress) String() string { return fmt.Sprintf("%#x", uint32(a)) }

// FDAddressOf is the address of a resource of .fdc.sf.
func FDAddressOf(cluster, resource int64) FDAddress {
	return FDAddress(cluster&0xFFFF<<6|resource&0x3FF<<22) | FDAddress(AddressFD)
}
