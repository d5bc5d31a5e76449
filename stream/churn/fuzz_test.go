package churn

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead reads any stream: what is added up adds up, and nothing is where the stream is not whole.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("../dmu/testdata/*.zs")
	if err != nil || len(files) == 0 {
		f.Fatalf("no streams: %v", err)
	}
	for _, name := range files {
		p, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	m := &Map{owners: make([]Owner, 3), claims: []claim{{0, 4096, 1}, {8192, 1 << 20, 2}}}
	f.Fuzz(func(t *testing.T, p []byte) {
		var tally Tally
		n, err := tally.Read(t.Context(), bytes.NewReader(p), func(dataset string) (Unit, error) {
			return Unit{Name: dataset, Layout: layoutOf(m)}, nil
		})
		r := tally.Report(2)
		units := 0
		var written, freed int64
		for _, i := range r.Intervals {
			units += i.Units
			written += i.Written
			freed += i.Freed
		}
		if units != n || written != r.Written || freed != r.Freed || err == nil && n == 0 && r.Written != 0 {
			t.Errorf("%d increments, %v: %+v", n, err, r)
		}
		for _, list := range []List{r.Units, r.Machines, r.Disks, r.Files, r.Kinds} {
			sum := int64(0)
			if list.Rest != nil {
				sum = list.Rest.Written
			}
			for _, l := range list.Lines {
				sum += l.Written
			}
			if sum != r.Written {
				t.Errorf("a list adds up to %d of %d", sum, r.Written)
			}
		}
	})
}
