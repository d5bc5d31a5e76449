package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream/churn"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A change is what is written to a file of a volume.
type change struct {
	path string
	off  int64
	n    int64
}

// Next makes a list of changes, by where they are on the disk, one for dmu.
type changes []vmfs.Extent

func (c changes) Next(off int64) (from, n int64, err error) {
	best := int64(-1)
	for _, e := range c {
		if e.Physical+e.Length > off && (best < 0 || e.Physical < best) {
			best, n = e.Physical, e.Length
		}
	}
	return max(best, 0), n, nil
}

// churned makes a volume with two machines in dir, and the streams of what changed on four days.
func churned(t *testing.T, dir string) (image string, streams []string) {
	t.Helper()
	const kib, mib = 1 << 10, 1 << 20
	image = filepath.Join(dir, "disk.img")
	s := vmfstest.Spec{Version: 6, Label: "store", Seed: 1, Devices: []vmfstest.Device{{Table: vmfstest.GPT}}, Files: []vmfstest.File{
		{Path: "/web01/web01.vmx", Data: []byte("displayName = \"web01\"\n")},
		{Path: "/web01/web01-flat.vmdk", Size: 12 * mib, Seed: 1},
		{Path: "/web01/web01-1a2b3c.vswp", Size: 4 * mib, Seed: 2},
		{Path: "/web01/vmware.log", Size: 2 * mib, Seed: 3},
		{Path: "/db01/db01.vmx", Data: []byte("displayName = \"db01\"\n")},
		{Path: "/db01/db01-flat.vmdk", Size: 8 * mib, Seed: 4},
		{Path: "/iso/tools <1> & more.iso", Size: 3 * mib, Seed: 5},
	}}
	sizes, err := s.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate((sizes[0] + mib - 1) / mib * mib); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(f); err != nil {
		t.Fatal(err)
	}
	v := openWritten(t, image)
	now := dmu.Link{GUID: 161, Name: "tank/store@mon", Created: time.Date(2026, 11, 16, 2, 0, 0, 0, time.UTC), BlockSize: 16 * kib}
	for i, day := range []struct {
		name    string
		changes []change
	}{
		{"tue", []change{{"/web01/web01-flat.vmdk", mib, 256 * kib}, {"/web01/web01-1a2b3c.vswp", 0, mib}, {"/db01/db01-flat.vmdk", 0, 128 * kib}}},
		{"wed", []change{{"/web01/web01-flat.vmdk", 0, 384 * kib}, {"/web01/web01-1a2b3c.vswp", 0, 2 * mib}, {"/web01/vmware.log", 0, 16 * kib}}},
		{"thu", []change{{"/web01/web01-flat.vmdk", 2 * mib, 256 * kib}, {"/web01/web01-1a2b3c.vswp", mib, 3 * mib}, {"/db01/db01-flat.vmdk", 0, 512 * kib}}},
		{"fri", []change{{"/iso/tools <1> & more.iso", 0, 2 * mib}, {"/web01/web01-1a2b3c.vswp", 0, 512 * kib}}},
	} {
		var places changes
		for _, c := range day.changes {
			file, err := v.Lookup(c.path)
			if err != nil {
				t.Fatal(err)
			}
			for e, err := range file.ExtentsIn(c.off, c.off+c.n) {
				if err != nil {
					t.Fatal(err)
				}
				e.Physical += v.Members[0].Start
				places = append(places, e)
			}
		}
		now.From, now.GUID = now.GUID, now.GUID+1
		now.Name, now.Created = "tank/store@"+day.name, now.Created.AddDate(0, 0, 1)
		var out bytes.Buffer
		g := dmu.NewGenerator(volumeFile{f}, dmu.GenerateOptions{Snapshot: now, BaseSize: uint64((volumeFile{f}).Size()), Changes: places})
		if _, err := g.Generate(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, filepath.Join(dir, fmt.Sprintf("%d.zs", i)))
		if err := os.WriteFile(streams[i], out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return image, streams
}

// A volumeFile is a file as dmu makes streams of it.
type volumeFile struct{ *os.File }

func (f volumeFile) Size() int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// TestChurn shows where the changes of four days come from, as tables, as JSON and as a chart.
func TestChurn(t *testing.T) {
	dir := t.TempDir()
	image, streams := churned(t, dir)
	lunar := func(args ...string) string {
		t.Helper()
		var out, complaints bytes.Buffer
		w := world{name: "lunar", args: append([]string{"churn"}, args...), stdout: &out, stderr: &complaints, getenv: func(string) string { return "" }}
		if code := run(t.Context(), w); code != 0 {
			t.Fatal(&complaints)
		}
		return strings.ReplaceAll(out.String(), dir, "DIR") + strings.ReplaceAll(complaints.String(), dir, "DIR")
	}
	with := func(more ...string) []string { return append(more, streams...) }
	golden(t, "testdata/churn/table", lunar(with("--image", image)...))
	golden(t, "testdata/churn/views", lunar(with("--image", "tank/store="+image, "--by", "unit,disk,kind", "--top", "2")...))
	golden(t, "testdata/churn/bare", lunar(streams...))
	golden(t, "testdata/churn/json", lunar(with("--image", image, "--json")...))
	golden(t, "testdata/churn/chart.svg", lunar(with("--image", image, "--svg", "-")...))
}

// TestChurnJSON sees that the JSON is the report and nothing is lost on the way.
func TestChurnJSON(t *testing.T) {
	b, err := os.ReadFile("testdata/churn/json")
	if err != nil {
		t.Fatal(err)
	}
	var r churn.Report
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	e := json.NewEncoder(&again)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil || again.String() != string(b) {
		t.Errorf("%v: it is other when it is written again", err)
	}
	sums := map[string]int64{}
	for _, v := range churnViews {
		for _, l := range v.of(&r).Lines {
			sums[v.word] += l.Written
		}
	}
	want := map[string]int64{"unit": r.Written, "machine": r.Written, "disk": r.Written, "file": r.Written, "kind": r.Written}
	if !reflect.DeepEqual(sums, want) {
		t.Errorf("the lists add up to %v, and all is %d", sums, r.Written)
	}
}

// TestChurnChart reads the chart as XML, with as many columns as there may be.
func TestChurnChart(t *testing.T) {
	r := &churn.Report{}
	l := churn.Line{Name: "a<&>\x00\"", Written: 1}
	for range 1000 {
		r.Intervals = append(r.Intervals, churn.Interval{To: "x", Written: 3 << 30})
		l.Series = append(l.Series, 2<<30)
	}
	r.Files.Lines, r.Files.Rest = []churn.Line{l}, &churn.Line{Name: "7 others", Written: 1, Series: l.Series}
	for _, r := range []*churn.Report{r, {}} {
		var out bytes.Buffer
		if err := drawChurn(&out, r, &r.Files); err != nil {
			t.Fatal(err)
		}
		columns := 0
		for d := xml.NewDecoder(&out); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "title" {
				columns++
			}
		}
		if want := 2*len(r.Intervals) + 1; columns != want {
			t.Errorf("%d pieces for %d intervals", columns, len(r.Intervals))
		}
	}
}

func TestLasted(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", time.Hour: "1h", 26*time.Hour + 5*time.Minute: "1d2h5m", 48 * time.Hour: "2d", time.Minute: "1m", time.Hour + time.Second: "1h1s",
	} {
		if got := lasted(d); got != want {
			t.Errorf("%d s is %q, not %q", int(d.Seconds()), got, want)
		}
	}
}
