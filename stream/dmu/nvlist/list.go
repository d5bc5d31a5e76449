package nvlist

// A List is names and values, in order.
type List struct {
	Version int32
	Flags   uint32
	Pairs   []Pair
}

// UniqueName is the flag of lists that have each name once.
const UniqueName uint32 = 1

// A Pair is a name and its value, which is by its type: nil for Boolean; uint64 for every
// integer, with its sign carried on, for times, for BooleanValue (0 or 1) and for the bits of a
// Double; []uint64 for arrays of them; []byte for ByteArray; string and []string; *List and
// []*List.
type Pair struct {
	Name  string
	Type  Type
	Value any
}

// New makes an empty list of unique names.
func New() *List { return &List{Flags: UniqueName} }

// Lookup finds the pair of a name.
func (l *List) Lookup(name string) (Pair, bool) {
	if l != nil {
		for _, p := range l.Pairs {
			if p.Name == name {
				return p, true
			}
		}
	}
	return Pair{}, false
}

// Has says whether there is a pair of that name.
func (l *List) Has(name string) bool { _, ok := l.Lookup(name); return ok }

// Uint64 is the value of a Uint64.
func (l *List) Uint64(name string) (uint64, bool) { return value[uint64](l, name, Uint64) }

// Uint64s is the value of a Uint64Array.
func (l *List) Uint64s(name string) ([]uint64, bool) { return value[[]uint64](l, name, Uint64Array) }

// String is the value of a String.
func (l *List) String(name string) (string, bool) { return value[string](l, name, String) }

// Bytes is the value of a ByteArray.
func (l *List) Bytes(name string) ([]byte, bool) { return value[[]byte](l, name, ByteArray) }

// List is the value of a Nested.
func (l *List) List(name string) (*List, bool) { return value[*List](l, name, Nested) }

func value[V any](l *List, name string, t Type) (v V, ok bool) {
	if p, found := l.Lookup(name); found && p.Type == t {
		v, ok = p.Value.(V)
	}
	return v, ok
}

// Add appends pairs and returns l.
func (l *List) Add(pairs ...Pair) *List {
	l.Pairs = append(l.Pairs, pairs...)
	return l
}

// AddUint64 appends a Uint64 and returns l.
func (l *List) AddUint64(name string, v uint64) *List { return l.Add(Pair{name, Uint64, v}) }

// AddString appends a String and returns l.
func (l *List) AddString(name, v string) *List { return l.Add(Pair{name, String, v}) }

// AddBoolean appends a Boolean and returns l.
func (l *List) AddBoolean(name string) *List { return l.Add(Pair{name, Boolean, nil}) }

// AddList appends a Nested and returns l.
func (l *List) AddList(name string, v *List) *List { return l.Add(Pair{name, Nested, v}) }
