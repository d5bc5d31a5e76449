package iscsi

import (
	"fmt"
	"strings"
)

// String describes the PDU on one line, for traces: its name, the flags that are set, the
// fields that are not zero, and the lengths of its segments.
func (b *BHS) String() string {
	row := &opcodes[b.Opcode()]
	var s strings.Builder
	s.WriteString(b.Opcode().String())
	if b.Immediate() {
		s.WriteString(" I")
	}
	for i, letter := range row.flags {
		if letter != '.' && b[1]&(0x80>>i) != 0 {
			s.WriteByte(' ')
			s.WriteRune(letter)
		}
	}
	for i := range row.fields {
		if f := &row.fields[i]; f.shown(b) {
			s.WriteByte(' ')
			s.WriteString(f.name)
			s.WriteByte('=')
			s.WriteString(f.value(b))
		}
	}
	if n := b.TotalAHSLen(); n > 0 {
		fmt.Fprintf(&s, " AHS=%d", n)
	}
	if n := b.DataSegmentLen(); n > 0 {
		fmt.Fprintf(&s, " data=%d", n)
	}
	return s.String()
}

// shown reports whether the field says anything: zeros do where a code has a name for them.
func (f *field) shown(b *BHS) bool {
	if f.code != nil {
		return true
	}
	if f.mask != 0 {
		return b[f.at]&f.mask != 0
	}
	for _, c := range b[f.at : f.at+f.n] {
		if c != 0 {
			return true
		}
	}
	return false
}

// value formats the field: codes by name, masks shifted down, tags and bytes in hexadecimal,
// lengths and serial numbers in decimal.
func (f *field) value(b *BHS) string {
	v := b[f.at]
	if f.mask != 0 {
		v &= f.mask
		for m := f.mask; m&1 == 0; m >>= 1 {
			v >>= 1
		}
	}
	switch {
	case f.code != nil:
		return f.code(v)
	case f.n == 1:
		return fmt.Sprintf("%#02x", v)
	case f.n == 2:
		return fmt.Sprint(b.u16(f.at))
	case f.n == 4 && f.at >= 24, f.name == "EDTL":
		return fmt.Sprint(b.u32(f.at))
	case f.n == 4:
		return fmt.Sprintf("%#08x", b.u32(f.at))
	}
	return fmt.Sprintf("%x", b[f.at:f.at+f.n])
}

// codeName is field.code for a type of codes that has names.
func codeName[C interface {
	~uint8
	String() string
}](c uint8) string {
	return C(c).String()
}
