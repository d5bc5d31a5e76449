package scsi

import (
	"testing"
)

// TestCommands wants each row of the table to agree with where it stands.
func TestCommands(t *testing.T) {
	names := map[string]Opcode{}
	rows := 0
	check := func(opcode Opcode, service int, row *command) {
		rows++
		if other, twice := names[row.name]; twice || row.name == "" {
			t.Errorf("%02Xh is called %q, and so is %02Xh", uint8(opcode), row.name, uint8(other))
		}
		names[row.name] = opcode
		c := CDB{byte(opcode), byte(max(service, 0))}
		if n := len(row.usage); n == 0 || n != c.size() {
			t.Fatalf("%s: usage data of %d bytes for a CDB of %d", row.name, n, c.size())
		}
		if row.usage[0] != byte(opcode) || service >= 0 && row.usage[1]&0x1F != byte(service) {
			t.Errorf("%s: usage data begin with % x", row.name, row.usage[:2])
		}
		if control := row.usage[len(row.usage)-1]; control != 0x04 {
			t.Errorf("%s: usage data of the control byte %#x, want NACA alone", row.name, control)
		}
		if got := c.Name(); got != row.name {
			t.Errorf("%s is found as %s", row.name, got)
		}
	}
	for i := range commands {
		row := &commands[i]
		if row.services == nil {
			if row.run != nil {
				check(Opcode(i), -1, row)
			}
			continue
		}
		if row.run != nil || row.usage != nil || row.name == "" {
			t.Errorf("%02Xh has service actions and a row of its own", i)
		}
		for service := range row.services {
			if s := &row.services[service]; s.run != nil {
				check(Opcode(i), service, s)
			}
		}
	}
	if rows < 42 {
		t.Errorf("the table has %d commands", rows)
	}
}

func TestNames(t *testing.T) {
	for want, c := range map[string]CDB{
		"READ(10)":              {0x28},
		"READ CAPACITY(16)":     {0x9E, 0x10},
		"SERVICE ACTION IN(16)": {0x9E, 0x1F},
		"opcode C1h":            {0xC1},
	} {
		if got := c.Name(); got != want {
			t.Errorf("% x is %q, want %q", c[:2], got, want)
		}
	}
}

func TestCDBFields(t *testing.T) {
	for _, c := range []struct {
		cdb      CDB
		size     int
		lba      uint64
		length   uint32
		lengthAt int
		blocks   uint32
		protect  byte
		fua, dpo bool
		naca     bool
	}{
		{cdb: CDB{0x08, 0xFF, 0x23, 0x45, 0x06, 0x04}, size: 6, lba: 0x1F2345, length: 6, lengthAt: 4, blocks: 6, naca: true},
		{cdb: CDB{0x08, 0, 0, 0, 0}, size: 6, lengthAt: 4, blocks: 256},
		{cdb: CDB{0x28, 0x28, 1, 2, 3, 4, 0xFF, 5, 6, 0xFB}, size: 10, lba: 0x01020304, length: 0x0506, lengthAt: 7, blocks: 0x0506, protect: 1, fua: true},
		{cdb: CDB{0x5A, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, size: 10, length: 0xFFFF, lengthAt: 7, blocks: 0xFFFF},
		{cdb: CDB{0xA8, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 4}, size: 12, lba: 0x01020304, length: 0x05060708, lengthAt: 6, blocks: 0x05060708, dpo: true, naca: true},
		{cdb: CDB{0x88, 0xE0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 4}, size: 16, lba: 0x0102030405060708, length: 0x090A0B0C, lengthAt: 10, blocks: 0x090A0B0C, protect: 7, naca: true},
		{cdb: CDB{0x7F}, size: 0, lengthAt: 10},
		{cdb: CDB{0xC0}, size: 0, lengthAt: 10},
	} {
		b := &c.cdb
		if b.size() != c.size || b.lengthAt() != c.lengthAt || b.protect() != c.protect || b.naca() != c.naca {
			t.Errorf("% x: size %d, length at %d, protect %d, NACA %v", *b, b.size(), b.lengthAt(), b.protect(), b.naca())
		}
		if b.lba() != c.lba || b.length() != c.length || b.blocks() != c.blocks {
			t.Errorf("% x: LBA %#x, length %#x, blocks %#x", *b, b.lba(), b.length(), b.blocks())
		}
		if b.fua() != c.fua || b.dpo() != c.dpo {
			t.Errorf("% x: FUA %v, DPO %v", *b, b.fua(), b.dpo())
		}
	}
}
