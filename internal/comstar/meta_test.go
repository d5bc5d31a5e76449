package comstar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

// The structures as COMSTAR declares them (illumos-gate, stmf_sbd.h), which write the fixtures.
type (
	metaStart struct {
		Magic, Size, Used, _, _ uint64
		Major, Minor, Subminor  uint16
		Flags, Sum              byte
	}
	metaSection struct {
		Offset     uint64
		Size       uint32
		Kind       uint16
		Order, Sum byte
	}
	metaUnit10 struct {
		metaSection
		StoreSize, MetaSize, DataOffset, DataSize uint64
		Flags                                     uint32
		BlockSize                                 uint16
		UnitOrder, _                              byte
		DeviceID                                  [20]byte
		_                                         uint32
	}
	metaUnit11 struct {
		metaSection
		Flags                             uint32
		Revision                          [4]byte
		Vendor                            [8]byte
		Product                           [16]byte
		UnitSize                          uint64
		MetaName, DataName, Serial, Alias uint64
		Shift, UnitOrder, SerialSize, _   byte
		DeviceID                          [20]byte
		URL                               uint64
		_                                 [248]byte
		// The texts follow; COMSTAR declares 8 bytes of them.
	}
)

const (
	bigEndian    = 0x00
	littleEndian = 0xff
)

var metaGUID = sbd.GUID{0x60, 0x01, 0x44, 0xf0, 0x92, 0x8c, 0x01, 0, 0, 0, 0x4f, 0xc5, 0x11, 0xec, 0, 1}

// A metaWriter writes metadata in one byte order.
type metaWriter struct {
	order byte
	b     []byte
}

func (w *metaWriter) byteOrder() binary.ByteOrder { return orderOf(w.order) }

// encode returns v, and what follows it, in w's order.
func (w *metaWriter) encode(v any, rest string) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, w.byteOrder(), v); err != nil {
		panic(err)
	}
	return append(b.Bytes(), rest...)
}

// section adds a section whose header h is of: kind, and the rest is filled in.
func (w *metaWriter) section(section []byte) {
	order := w.byteOrder()
	order.PutUint64(section, uint64(metaOffset+startSize+len(w.b)))
	order.PutUint32(section[8:], uint32(len(section)))
	section[0x0e], section[0x0f] = w.order, 0
	section[0x0f] = sum(section)
	w.b = append(w.b, section...)
}

func (w *metaWriter) deviceID() (id [20]byte) {
	id = [20]byte{0xf1, 0x03, 0x00, 0x10}
	copy(id[4:], metaGUID[:])
	return id
}

func (w *metaWriter) unit11(edit func(*metaUnit11), texts string) {
	u := metaUnit11{UnitSize: 1 << 30, Shift: 9, UnitOrder: w.order, DeviceID: w.deviceID()}
	u.Kind = kindUnit11
	if edit != nil {
		edit(&u)
	}
	w.section(w.encode(u, texts+strings.Repeat("\x00", 8)))
}

func (w *metaWriter) unit10() {
	u := metaUnit10{StoreSize: 1<<30 + metaRegion, MetaSize: metaRegion, DataOffset: metaRegion, DataSize: 1 << 30, BlockSize: 512, UnitOrder: w.order, DeviceID: w.deviceID()}
	u.Kind = kindUnit10
	w.section(w.encode(u, ""))
}

// other adds a section of another kind: reservations, or room that is not in use, of which only
// the header has a checksum.
func (w *metaWriter) other(kind uint16) {
	h := w.encode(metaSection{Kind: kind}, strings.Repeat("r", 24))
	w.section(h)
	if kind == 0x1000 {
		at := len(w.b) - 1
		w.b[at]++
	}
}

// store returns a store that begins with the metadata.
func (w *metaWriter) store() []byte {
	start := metaStart{
		Magic: 0x53554e5342444c55,
		Size:  metaRegion, Used: uint64(metaOffset + startSize + len(w.b)),
		Major: 1, Minor: 1,
	}
	head := w.encode(start, "")
	head[startSize-1] = sum(head[:startSize-1])
	s := make([]byte, metaRegion+4096)
	copy(s[metaOffset:], head)
	copy(s[metaOffset+startSize:], w.b)
	return s
}

func full(u *metaUnit11) {
	u.Flags = metaVendor | metaProduct | metaRevision | metaSerial | metaAlias | metaHasURL | metaReadOnly | metaNoCache
	copy(u.Vendor[:], "MOON    ")
	copy(u.Product[:], "DISK            ")
	copy(u.Revision[:], "2.0 ")
	u.Shift = 12
	u.Alias, u.URL, u.Serial, u.SerialSize = 0, 5, 11, 4
}

const fullTexts = "gold\x00http:\x00S123"

func TestReadMeta(t *testing.T) {
	plain := Meta{
		Version: "1.1", GUID: metaGUID, Size: 1 << 30, Offset: 64 << 10, BlockSize: 512, WriteCache: true,
		Vendor: "SUN", Product: "COMSTAR", Revision: "1.0",
	}
	first := plain
	first.Version, first.WriteCache = "1.0", false
	apart := plain
	apart.Offset, apart.DataPath = 0, "/dev/rdsk/c0t1d0s2"
	for _, c := range []struct {
		name  string
		write func(*metaWriter)
		want  Meta
	}{
		{"1.1", func(w *metaWriter) { w.unit11(nil, "") }, plain},
		{"1.0", func(w *metaWriter) { w.unit10() }, first},
		{"1.0, then 1.1", func(w *metaWriter) { w.unit10(); w.unit11(nil, "") }, plain},
		{"among others", func(w *metaWriter) { w.other(0x1000); w.other(2); w.unit11(nil, ""); w.other(2) }, plain},
		{"everything", func(w *metaWriter) { w.unit11(full, fullTexts) }, Meta{
			Version: "1.1", GUID: metaGUID, Size: 1 << 30, Offset: 64 << 10, BlockSize: 4096, ReadOnly: true,
			Alias: "gold", Serial: "S123", Vendor: "MOON", Product: "DISK", Revision: "2.0", URL: "http:",
		}},
		{"its path for an alias", func(w *metaWriter) {
			w.unit11(func(u *metaUnit11) { u.Flags = metaAlias }, "/export/luns/iso\x00")
		}, plain},
		{"a file of their own", func(w *metaWriter) {
			w.unit11(func(u *metaUnit11) { u.Flags = metaSeparate | metaDataPath }, "/dev/rdsk/c0t1d0s2\x00")
		}, apart},
	} {
		for name, order := range map[string]byte{"big-endian": bigEndian, "little-endian": littleEndian} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				w := metaWriter{order: order}
				c.write(&w)
				store := w.store()
				for _, length := range []int{len(store), metaRegion, metaOffset + startSize + len(w.b)} {
					got, err := ReadMeta(bytes.NewReader(store[:length]))
					if err != nil {
						t.Fatalf("of %d bytes: %v", length, err)
					}
					if diff := cmp.Diff(&c.want, got); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
				}
			})
		}
	}
}

// TestReadMetaDamage: each byte of metadata that changes is noticed, but for those that nothing
// is read from.
func TestReadMetaDamage(t *testing.T) {
	w := metaWriter{order: littleEndian}
	w.unit11(full, fullTexts)
	store := w.store()
	for at := metaOffset; at < metaOffset+startSize+len(w.b); at++ {
		store[at] ^= 0x40
		if m, err := ReadMeta(bytes.NewReader(store)); err == nil {
			t.Errorf("byte %#x is wrong and nobody minds: %+v", at, m)
		}
		store[at] ^= 0x40
	}
}

// repair makes the checksums of metadata in little-endian order right again.
func repair(store []byte) {
	start := store[metaOffset:]
	start[startSize-1] = sum(start[:startSize-1])
	used := binary.LittleEndian.Uint64(start[0x10:])
	for at := uint64(metaOffset + startSize); at+sectionSize <= min(used, metaRegion); {
		section := store[at:]
		n := uint64(binary.LittleEndian.Uint32(section[8:]))
		if n < sectionSize || n > metaRegion-at {
			return
		}
		section[0x0f] = 0
		section[0x0f] = sum(section[:n])
		at += n
	}
}

func TestReadMetaRefuses(t *testing.T) {
	const unit = metaOffset + startSize
	put := binary.LittleEndian
	for name, c := range map[string]struct {
		edit func(s []byte)
		want string
	}{
		"version 0":            {func(s []byte) { copy(s[metaOffset:], reversed(metaMagic0)) }, "version 0"},
		"version 2":            {func(s []byte) { put.PutUint16(s[metaOffset+0x28:], 2) }, "version 2.1"},
		"longer than its room": {func(s []byte) { put.PutUint64(s[metaOffset+0x10:], metaRegion+1) }, "65537 bytes long"},
		"no section":           {func(s []byte) { put.PutUint64(s[metaOffset+0x10:], unit) }, "describe no unit"},
		"less than nothing":    {func(s []byte) { put.PutUint64(s[metaOffset+0x10:], 0) }, "describe no unit"},
		"a section cut off":    {func(s []byte) { put.PutUint64(s[metaOffset+0x10:], unit+8) }, "cut off"},
		"a section elsewhere":  {func(s []byte) { put.PutUint64(s[unit:], 1) }, "no section at 4144"},
		"an order":             {func(s []byte) { s[unit+0x0e] = 1 }, "no section at 4144"},
		"an order of the unit": {func(s []byte) { s[unit+0x59] = 1 }, "which order"},
		"a section of nothing": {func(s []byte) { put.PutUint32(s[unit+8:], 0) }, "has 0 bytes"},
		"a long section":       {func(s []byte) { put.PutUint32(s[unit+8:], 1<<31) }, "has 2147483648 bytes"},
		"a short unit":         {func(s []byte) { put.PutUint32(s[unit+8:], 0x40) }, "1.1 in 64 bytes"},
		"a short unit of old": {func(s []byte) {
			put.PutUint32(s[unit+8:], 0x40)
			put.PutUint16(s[unit+12:], kindUnit10)
			put.PutUint64(s[metaOffset+0x10:], unit+0x40)
		}, "1.0 in 64 bytes"},
		"an alias beyond":   {func(s []byte) { put.PutUint64(s[unit+0x50:], 1<<63) }, "a text at"},
		"a serial beyond":   {func(s []byte) { s[unit+0x5a] = 200 }, "a serial of 200 bytes"},
		"a serial far away": {func(s []byte) { put.PutUint64(s[unit+0x48:], 1<<64-4) }, "a serial of 4 bytes"},
		"no size":           {func(s []byte) { put.PutUint64(s[unit+0x30:], 0) }, "0 bytes is no number of blocks"},
		"half a block":      {func(s []byte) { put.PutUint64(s[unit+0x30:], 512) }, "512 bytes is no number of blocks"},
		"too large":         {func(s []byte) { put.PutUint64(s[unit+0x30:], 1<<63-1) }, "9223372036854775807 bytes"},
		"large blocks":      {func(s []byte) { s[unit+0x58] = 16 }, "2^16"},
		"no GUID":           {func(s []byte) { s[unit+0x60] = 0x10 }, "is no GUID"},
	} {
		t.Run(name, func(t *testing.T) {
			w := metaWriter{order: littleEndian}
			w.unit11(full, fullTexts)
			store := w.store()
			c.edit(store)
			repair(store)
			m, err := ReadMeta(bytes.NewReader(store))
			if m != nil || err == nil || errors.Is(err, ErrNoMeta) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want an error with %q", m, err, c.want)
			}
		})
	}
	for name, store := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 1<<20), "a short one": make([]byte, metaOffset+startSize-1)} {
		if m, err := ReadMeta(bytes.NewReader(store)); m != nil || !errors.Is(err, ErrNoMeta) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	broken := errors.New("broken")
	if m, err := ReadMeta(failing{broken}); m != nil || !errors.Is(err, broken) || errors.Is(err, ErrNoMeta) {
		t.Errorf("a store that fails: %+v, %v", m, err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func FuzzReadMeta(f *testing.F) {
	for _, order := range []byte{bigEndian, littleEndian} {
		for _, write := range []func(*metaWriter){
			func(w *metaWriter) { w.unit10() },
			func(w *metaWriter) { w.other(2); w.unit11(full, fullTexts) },
		} {
			w := metaWriter{order: order}
			write(&w)
			f.Add(w.store()[metaOffset:metaOffset+startSize+len(w.b)], true)
		}
	}
	f.Fuzz(func(t *testing.T, meta []byte, right bool) {
		store := make([]byte, metaRegion)
		copy(store[metaOffset:], meta)
		if right {
			repair(store)
		}
		m, err := ReadMeta(bytes.NewReader(store))
		switch {
		case err != nil && m != nil:
			t.Fatalf("%+v, and %v", m, err)
		case err == nil && (m.Size <= 0 || m.Offset < 0 || m.Offset+m.Size < m.Size || m.BlockSize < 1 || m.GUID[0]>>4 != 6):
			t.Fatalf("%+v", m)
		}
	})
}
