package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	r := Report{
		Machine: "a machine",
		Rounds:  3,
		Targets: []string{"lunar", "tgt"},
		Rows: []Row{
			{Load{QemuImg, 4 << 10, 32, false}, [][]Sample{{{100}, {150000}, {200000}}, {{70000}, {75000}, {80000}}}},
			{Load{QemuImg, 256 << 10, 16, true}, [][]Sample{{{999}, {1000}, {1001}}, {{2000}, {2000}, {1}}}},
		},
		Notes: []string{"the ceiling is left out: no source given (-ceiling)"},
	}
	want := `a machine; median of 3 rounds

                load    client  lunar IOPS  MB/s  tgt IOPS  MB/s  of tgt
     4 KiB QD32 read  qemu-img     150,000   614    75,000   307    2.00
  256 KiB QD16 write  qemu-img       1,000   262     2,000   524    0.50

the ceiling is left out: no source given (-ceiling)
`
	if diff := cmp.Diff(want, r.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		samples []Sample
		want    float64
	}{
		{nil, 0},
		{[]Sample{{5}}, 5},
		{[]Sample{{9}, {1}, {5}}, 5},
		{[]Sample{{9}, {1}}, 1},
	} {
		row := Row{Samples: [][]Sample{tt.samples}}
		if got := row.Median(0).IOPS; got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.samples, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Default(".").validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"no round":   func(c *Config) { c.Rounds = 0 },
		"no time":    func(c *Config) { c.Time = 0 },
		"small file": func(c *Config) { c.Size = 1 << 20 },
		"no load":    func(c *Config) { c.Loads = nil },
	} {
		c := Default(".")
		change(&c)
		if c.validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
