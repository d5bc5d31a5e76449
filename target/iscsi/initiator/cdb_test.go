package initiator

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestCDB compares with bytes laid out by hand from the tables of SBC-4 and SPC-5.
func TestCDB(t *testing.T) {
	c := CDB{1: 0xff, 15: 0xff} // what is left of an earlier command stays behind
	naa := [16]byte{0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"READ(10)", bytes.Clone(c.Read10(0x01020304, 0x0506)), "28 00 01020304 00 0506 00"},
		{"WRITE(10)", bytes.Clone(c.Write10(0x01020304, 0x0506)), "2a 00 01020304 00 0506 00"},
		{"WRITE SAME(16)", bytes.Clone(c.WriteSame16(0x0102030405060708, 0x090a0b0c)), "93 00 0102030405060708 090a0b0c 00 00"},
		{"COMPARE AND WRITE", bytes.Clone(c.CompareAndWrite(0x0102030405060708, 9)), "89 00 0102030405060708 000000 09 00 00"},
		{"UNMAP", bytes.Clone(c.Unmap(24)), "42 00 00000000 00 0018 00"},
		{"INQUIRY", bytes.Clone(c.Inquiry(0x83, 1024)), "12 01 83 0400 00"},
		{"EXTENDED COPY", bytes.Clone(c.ExtendedCopy(76)), "83 00 0000000000000000 0000004c 00 00"},
		{"UNMAP's list", AppendUnmap(nil, 0x0102030405060708, 0x090a0b0c), "0016 0010 00000000 0102030405060708 090a0b0c 00000000"},
		{"EXTENDED COPY's list", AppendCopy(nil, naa, 0x11, 0x22, 0x33), "" +
			"00 18 0020 00000000 0000001c 00000000" +
			"e4 00 0000 01 03 00 10 600102030405060708090a0b0c0d0e0f 00000000 00 000200" +
			"02 00 0018 0000 0000 0000 0033 0000000000000011 0000000000000022"},
	} {
		got := hex.EncodeToString(tt.got)
		if want := strings.ReplaceAll(tt.want, " ", ""); got != want {
			t.Errorf("%s:\n%s, want\n%s", tt.name, got, want)
		}
	}
}
