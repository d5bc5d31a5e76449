package nvlist

import "fmt"

// A Type is the type of a value.
type Type uint32

// Types of values.
const (
	Boolean      Type = 1 // no value: it is there or not
	Byte         Type = 2
	Int16        Type = 3
	Uint16       Type = 4
	Int32        Type = 5
	Uint32       Type = 6
	Int64        Type = 7
	Uint64       Type = 8
	String       Type = 9
	ByteArray    Type = 10
	Int16Array   Type = 11
	Uint16Array  Type = 12
	Int32Array   Type = 13
	Uint32Array  Type = 14
	Int64Array   Type = 15
	Uint64Array  Type = 16
	StringArray  Type = 17
	HRTime       Type = 18
	Nested       Type = 19
	NestedArray  Type = 20
	BooleanValue Type = 21
	Int8         Type = 22
	Uint8        Type = 23
	BooleanArray Type = 24
	Int8Array    Type = 25
	Uint8Array   Type = 26
	Double       Type = 27
)

// A shape is how values of a type are laid out.
type shape uint8

const (
	unknown shape = iota
	empty         // nothing
	number        // one integer: uint64
	numbers       // many: []uint64
	octets        // []byte
	text          // string
	texts         // []string
	list          // *List
	lists         // []*List
)

// types has a row for each type: its name, its shape, the length of an integer (bytes), whether
// that has a sign, and how zstream prints one.
var types = [...]struct {
	name   string
	shape  shape
	width  int
	signed bool
	format string
}{
	Boolean:      {name: "boolean", shape: empty},
	Byte:         {"byte", number, 1, true, "0x%02x"}, // XDR carries it with a sign
	Int16:        {"int16", number, 2, true, "%d"},
	Uint16:       {"uint16", number, 2, false, "0x%x"},
	Int32:        {"int32", number, 4, true, "%d"},
	Uint32:       {"uint32", number, 4, false, "0x%x"},
	Int64:        {"int64", number, 8, true, "%d"},
	Uint64:       {"uint64", number, 8, false, "0x%x"},
	String:       {name: "string", shape: text},
	ByteArray:    {"byte array", octets, 1, false, "0x%02x"},
	Int16Array:   {"int16 array", numbers, 2, true, "%d"},
	Uint16Array:  {"uint16 array", numbers, 2, false, "0x%x"},
	Int32Array:   {"int32 array", numbers, 4, true, "%d"},
	Uint32Array:  {"uint32 array", numbers, 4, false, "0x%x"},
	Int64Array:   {"int64 array", numbers, 8, true, "%d"},
	Uint64Array:  {"uint64 array", numbers, 8, false, "0x%x"},
	StringArray:  {name: "string array", shape: texts},
	HRTime:       {"time", number, 8, true, "0x%x"},
	Nested:       {name: "list", shape: list},
	NestedArray:  {name: "list array", shape: lists},
	BooleanValue: {"boolean value", number, 4, true, "%d"},
	Int8:         {"int8", number, 1, true, "%d"},
	Uint8:        {"uint8", number, 1, true, "0x%x"}, // as Byte
	BooleanArray: {"boolean array", numbers, 4, true, "%d"},
	Int8Array:    {"int8 array", numbers, 1, true, "%d"},
	Uint8Array:   {"uint8 array", numbers, 1, true, "0x%x"}, // as Byte
	Double:       {"double", number, 8, false, "0x%x"},
}

func (t Type) shape() shape {
	if int(t) >= len(types) {
		return unknown
	}
	return types[t].shape
}

func (t Type) String() string {
	if t.shape() == unknown {
		return fmt.Sprintf("type %d", uint32(t))
	}
	return types[t].name
}

// narrow cuts v to what an integer of type t has room for, with its sign carried on.
func (t Type) narrow(v uint64) uint64 {
	bits := 64 - 8*types[t].width
	if types[t].signed {
		return uint64(int64(v<<bits) >> bits)
	}
	return v << bits >> bits
}
