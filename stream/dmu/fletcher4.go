package dmu

import (
	"encoding/binary"
	"fmt"
)

// A Fletcher4 is the state of the running checksum: for each 32-bit word w of the stream,
// a += w, b += a, c += b, d += c, each modulo 2^64. It finds damage, not malice: anybody can
// compute it.
type Fletcher4 [4]uint64

// Add carries the state on over p in the given order of bytes. Bytes behind the last whole
// word do not count.
func (f *Fletcher4) Add(p []byte, order binary.ByteOrder) {
	if order == binary.BigEndian {
		f.addBigEndian(p)
		return
	}
	f.add(p)
}

// lanesFrom is the length from which lanes are worth their folding (bytes).
const lanesFrom = 256

// add is Add in little-endian order.
func (f *Fletcher4) add(p []byte) {
	if len(p) >= lanesFrom {
		n := len(p) &^ (laneStep - 1)
		var l lanes
		l.add(p[:n])
		f.Join(l.fold(), uint64(n/4))
		p = p[n:]
	}
	a, b, c, d := f[0], f[1], f[2], f[3]
	for ; len(p) >= 4; p = p[4:] {
		a += uint64(le.Uint32(p))
		b += a
		c += b
		d += c
	}
	*f = Fletcher4{a, b, c, d}
}

func (f *Fletcher4) addBigEndian(p []byte) {
	a, b, c, d := f[0], f[1], f[2], f[3]
	for ; len(p) >= 4; p = p[4:] {
		a += uint64(binary.BigEndian.Uint32(p))
		b += a
		c += b
		d += c
	}
	*f = Fletcher4{a, b, c, d}
}

// Join makes f the state over two parts of a stream, f being that of the first, next that of
// the second from zero, and words the length of the second in 32-bit words.
func (f *Fletcher4) Join(next Fletcher4, words uint64) {
	n1 := words
	n2 := choose2(words + 1)
	n3 := choose3(words + 2)
	f[3] += next[3] + n1*f[2] + n2*f[1] + n3*f[0]
	f[2] += next[2] + n1*f[1] + n2*f[0]
	f[1] += next[1] + n1*f[0]
	f[0] += next[0]
}

// cut takes the first part of a stream from f, first being the state over that, and words the
// length of what is left, in 32-bit words: f is then the state over the second part, from zero.
func (f *Fletcher4) cut(first Fletcher4, words uint64) {
	var behind Fletcher4
	first.Join(behind, words)
	for i := range f {
		f[i] -= first[i]
	}
}

// choose2 is n(n-1)/2 modulo 2^64. What is even is halved first, so that nothing is lost.
func choose2(n uint64) uint64 {
	if n%2 == 0 {
		return n / 2 * (n - 1)
	}
	return (n - 1) / 2 * n
}

// choose3 is n(n-1)(n-2)/6 modulo 2^64: division by 3 is exact where one of the factors is
// divided, and by 2 likewise.
func choose3(n uint64) uint64 {
	factors := [3]uint64{n, n - 1, n - 2}
	factors[n%3] /= 3
	for i := range factors {
		if factors[i]%2 == 0 {
			factors[i] /= 2
			break
		}
	}
	return factors[0] * factors[1] * factors[2]
}

func (f Fletcher4) String() string { return fmt.Sprintf("%x/%x/%x/%x", f[0], f[1], f[2], f[3]) }

func sumAt(p []byte) Fletcher4 {
	return Fletcher4{le.Uint64(p), le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[24:])}
}

func putSum(p []byte, sum Fletcher4) {
	for i, v := range sum {
		le.PutUint64(p[8*i:], v)
	}
}
