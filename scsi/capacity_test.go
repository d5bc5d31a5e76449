package scsi

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

func TestReadCapacity(t *testing.T) {
	serviceActionIn := func(alloc uint32) CDB { return cdb(opServiceActionIn16, saReadCapacity16, 0, alloc) }
	tests := []struct {
		name   string
		block  int
		config func(*sbd.Config)
		ten    string
		long   string
	}{
		{"thin, 512", 512, nil,
			"00003fff 00000200", "0000000000003fff 00000200 00 00 c000 00000000000000000000000000000000"},
		{"thin, 4096", 4096, nil,
			"00003fff 00001000", "0000000000003fff 00001000 00 00 c000 00000000000000000000000000000000"},
		{"thick", 512, func(c *sbd.Config) { c.Thin = false },
			"00003fff 00000200", "0000000000003fff 00000200 00 00 0000 00000000000000000000000000000000"},
		{"the last size of READ CAPACITY(10)", 512, func(c *sbd.Config) { c.Size = 0xFFFFFFFF << 9 },
			"fffffffe 00000200", "00000000fffffffe 00000200 00 00 c000 00000000000000000000000000000000"},
		{"2 TiB", 512, func(c *sbd.Config) { c.Size = 1 << 41 },
			"ffffffff 00000200", "00000000ffffffff 00000200 00 00 c000 00000000000000000000000000000000"},
		{"64 TiB", 512, func(c *sbd.Config) { c.Size = 1 << 46 },
			"ffffffff 00000200", "0000001fffffffff 00000200 00 00 c000 00000000000000000000000000000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t, tt.block, tt.config)
			d.sent(d.run(cdb(opReadCapacity10, 0, 0, 0), nil), tt.ten)
			d.sent(d.run(serviceActionIn(32), nil), tt.long)
			d.sent(d.run(serviceActionIn(255), nil), tt.long)
			for n := range uint32(32) {
				r := d.run(serviceActionIn(n), nil)
				if d.want(r, "GOOD"); len(r.in) != int(n) {
					t.Errorf("%d bytes for an allocation length of %d", len(r.in), n)
				}
			}
		})
	}
}

// sent fails the test if r did not bring the bytes that want has in hexadecimal.
func (d *disk) sent(r result, want string) {
	d.t.Helper()
	d.want(r, "GOOD")
	if got := hex.EncodeToString(r.in); got != bare(want) {
		d.t.Errorf("sent %s, want %s", got, bare(want))
	}
}

// bare takes the spaces out of s.
func bare(s string) string { return strings.ReplaceAll(s, " ", "") }
