package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// drain reads a stream to its end in a small buffer, which just has room for the records of
// samples, and returns the number of records and what ended it.
func drain(in io.Reader, o Options) (records int, err error) {
	r := NewReader(in, o)
	if r.window == nil {
		r.buf = make([]byte, RecordSize+1024)
	}
	for ; ; records++ {
		if _, err := r.Next(); err == io.EOF {
			return records, nil
		} else if err != nil {
			return records, err
		}
	}
}

// A window is a stream in memory, which shows a little more than it is asked for.
type window struct{ stream []byte }

func (w window) Read([]byte) (int, error) {
	return 0, errors.New("it is read, and was to be looked at")
}

func (w window) Window(at int64, least int) ([]byte, error) {
	end := min(int(at)+least+100, len(w.stream))
	return bytes.Clone(w.stream[at:end]), nil
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// eachSample runs a test for each small stream.
func eachSample(t *testing.T, test func(t *testing.T, stream []byte, order binary.ByteOrder)) {
	for _, order := range orders {
		t.Run("volume/"+order.String(), func(t *testing.T) { test(t, smallVolume(t, order), order) })
		t.Run("package/"+order.String(), func(t *testing.T) { test(t, smallPackage(t, order), order) })
	}
}

func TestReader(t *testing.T) {
	eachSample(t, func(t *testing.T, stream []byte, order binary.ByteOrder) {
		for name, in := range map[string]io.Reader{
			"whole": bytes.NewReader(stream), "bytes": iotest.OneByteReader(bytes.NewReader(stream)), "half": iotest.HalfReader(bytes.NewReader(stream)),
			"end with data": iotest.DataErrReader(bytes.NewReader(stream)), "in place": window{stream},
		} {
			var at int64
			r := NewReader(in, Options{})
			for n := int64(0); ; n++ {
				rec, err := r.Next()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if r.Offset() != at || r.Number() != n || r.Order() != order {
					t.Fatalf("%s: record %d at %d in %v order, want %d, %d", name, r.Number(), r.Offset(), r.Order(), n, at)
				}
				at += RecordSize + int64(len(r.Payload()))
				if rec.Type() == TypeWrite && rec.Write().Object() == ZvolProps {
					if size, err := VolumeSize(r.Payload(), order); size != 65536 || err != nil {
						t.Errorf("%s: a volume of %d bytes, %v", name, size, err)
					}
				}
			}
			if at != int64(len(stream)) {
				t.Errorf("%s: records of %d bytes in a stream of %d", name, at, len(stream))
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("%s: after the end there is %v", name, err)
			}
		}
		// Turned round, it says the same.
		for _, other := range orders {
			turned, err := relay(stream, other)
			if other == order {
				if err != nil || !bytes.Equal(turned, stream) {
					t.Errorf("written again it is another: %v", err)
				}
			} else if err == nil {
				t.Error("properties in the wrong order of bytes were written")
			}
		}
	})
}

// TestEveryByte flips each byte of small streams: each is found.
func TestEveryByte(t *testing.T) {
	eachSample(t, func(t *testing.T, stream []byte, order binary.ByteOrder) {
		damaged := bytes.Clone(stream)
		for i := 0; i < len(stream); i += every {
			flip := byte(1) << (i % 8)
			damaged[i] ^= flip
			var in io.Reader = bytes.NewReader(damaged)
			if i%2 == 0 {
				in = window{damaged}
			}
			_, err := drain(in, Options{})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("byte %d ^ %#x: %v", i, flip, err)
			}
			if e.Offset > int64(i) && !errors.Is(err, ErrTruncated) {
				t.Errorf("byte %d ^ %#x: %v, which is behind it", i, flip, err)
			}
			damaged[i] ^= flip
		}
	})
}

// TestEveryCut ends small streams everywhere: each is found truncated, at the right place.
func TestEveryCut(t *testing.T) {
	eachSample(t, func(t *testing.T, stream []byte, order binary.ByteOrder) {
		for n := 16; n < len(stream); n += every {
			var in io.Reader = bytes.NewReader(stream[:n])
			if n%2 == 0 {
				in = window{stream[:n]}
			}
			_, err := drain(in, Options{})
			var e *Error
			if !errors.As(err, &e) || e.Kind != ErrTruncated || e.Offset != int64(n) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
	})
}

func TestReaderErrors(t *testing.T) {
	volume := smallVolume(t, binary.LittleEndian)
	pack := smallPackage(t, binary.LittleEndian)
	changed := func(at int, with ...byte) []byte {
		s := bytes.Clone(volume)
		copy(s[at:], with)
		return s
	}
	tests := []struct {
		name string
		in   []byte
		kind error
		says string
	}{
		{"empty", nil, ErrNotStream, "empty"},
		{"short", []byte("hello"), ErrNotStream, "5 bytes"},
		{"text", text(1000), ErrNotStream, "BEGIN"},
		{"zeros", make([]byte, 1000), ErrNotStream, "BEGIN"},
		{"a byte behind", append(bytes.Clone(volume), 0), ErrTrailing, fmt.Sprintf("at byte %d", len(volume))},
		{"another behind", append(bytes.Clone(volume), volume...), ErrTrailing, "more in the file"},
		{"zeros behind a package", append(bytes.Clone(pack), 0), ErrTrailing, "more in the file"},
		{"package without end", pack[:len(pack)-RecordSize], ErrTruncated, `the end of the package is missing; "tank/vol@c" is whole`},
		{"another inside", append(bytes.Clone(volume[:2*RecordSize]), volume...), ErrTruncated, "before the END"},
		{"no kind", changed(16, volume[16]&^3), ErrCorrupt, "kind 0"},
		{"vendor's feature", changed(18, volume[18]|0x10), ErrUnsupported, "bit 18"},
		{"long payload", changed(4, 0, 0, 0, 0x7f), ErrCorrupt, "payload of 2130706432 bytes"},
		{"name without end", changed(56, bytes.Repeat([]byte{'n'}, 256)...), ErrCorrupt, "no end"},
	}
	for _, test := range tests {
		_, err := drain(bytes.NewReader(test.in), Options{})
		if !errors.Is(err, test.kind) || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: %v, want %v: ... %s", test.name, err, test.kind, test.says)
		}
	}
	if _, err := drain(bytes.NewReader(changed(18, volume[18]|0x10)), Options{UnknownFeatures: true}); errors.Is(err, ErrUnsupported) {
		t.Errorf("the feature is refused all the same: %v", err)
	}
	broken := errors.New("the disk is on fire")
	in := io.MultiReader(bytes.NewReader(volume[:1000]), iotest.ErrReader(broken))
	if _, err := drain(in, Options{}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "byte 1000") {
		t.Errorf("a reader that fails: %v", err)
	}
}

// TestOldStream: senders before 2015 wrote no record checksums; END is checked all the same.
func TestOldStream(t *testing.T) {
	old := bytes.Clone(smallVolume(t, binary.LittleEndian))
	var sum Fletcher4
	for at := 0; at < len(old); {
		rec := (*Record)(old[at:])
		if rec.Type() != TypeBegin {
			rec.SetChecksum(Fletcher4{})
		}
		if rec.Type() == TypeEnd {
			putSum(rec[atUnion:], sum)
		}
		next := at + RecordSize + int(rec.PayloadLen())
		sum.add(old[at : at+RecordSize])
		sum.add(old[at+RecordSize : next])
		at = next
	}
	if _, err := drain(bytes.NewReader(old), Options{}); err != nil {
		t.Error(err)
	}
	for i := 0; i < len(old); i += every {
		damaged := bytes.Clone(old)
		damaged[i] ^= 4
		if _, err := drain(bytes.NewReader(damaged), Options{}); err == nil {
			t.Fatalf("byte %d is wrong, and nobody sees it", i)
		}
	}
}

// TestReaderAllocates nothing for a record.
func TestReaderAllocates(t *testing.T) {
	stream := smallVolume(t, binary.LittleEndian)
	in := bytes.NewReader(stream)
	r := NewReader(in, Options{})
	records := 13
	if n, err := drain(in, Options{}); err != nil || n != records {
		t.Fatalf("%d records, %v", n, err)
	}
	in.Reset(stream)
	allocs := testing.AllocsPerRun(records-2, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a record", allocs)
	}
}

// FuzzReader: whatever the bytes are, reading ends, within bounds; and what is a whole stream
// that keeps the rules is written again to the same bytes, where its records have checksums.
func FuzzReader(f *testing.F) {
	for _, order := range orders {
		f.Add(smallVolume(f, order))
		f.Add(smallPackage(f, order))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		resealed := reseal(in)
		if _, err := drain(bytes.NewReader(resealed), Options{}); err != nil {
			return
		}
		order, ok := orderOf(resealed)
		if !ok {
			t.Fatal("a stream without an order of bytes")
		}
		if out, err := relay(resealed, order); err == nil && !bytes.Equal(out, resealed) {
			t.Fatalf("written again it is another:\n%x\n%x", resealed, out)
		}
	})
}

// reseal puts right checksums into what looks like a stream, so that what is behind the
// checksums gets its share of what the fuzzer makes up.
func reseal(in []byte) []byte {
	if len(in) < RecordSize {
		return in
	}
	order, ok := orderOf(in)
	if !ok {
		return in
	}
	out := bytes.Clone(in)
	var sum Fletcher4
	header := false
	for at := 0; at+RecordSize <= len(out); {
		raw := out[at : at+RecordSize]
		rec := *(*Record)(raw)
		t := Type(order.Uint32(raw))
		if !t.Known() || isEmptyEnd((*Record)(raw), order) {
			break
		}
		if order == binary.BigEndian {
			rec.turnRound(t)
		}
		if t == TypeBegin {
			sum = Fletcher4{}
			sum.Add(raw, order)
			header = rec.Begin().Kind() == Compound
		} else {
			if t == TypeEnd {
				for i, v := range sum {
					order.PutUint64(raw[atUnion+8*i:], v)
				}
			}
			sum.Add(raw[:atChecksum], order)
			for i, v := range sum {
				if header {
					v = 0
				}
				order.PutUint64(raw[atChecksum+8*i:], v)
			}
			sum.Add(raw[atChecksum:], order)
		}
		at += RecordSize
		n := rec.PayloadLen()
		if n > uint64(len(out)-at) {
			break
		}
		sum.Add(out[at:at+int(n)], order)
		at += int(n)
	}
	return out
}
