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
	"github.com/lunarsan/lunar/stream/image"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A change is what is written to a file of a volume.
type change struct {
	path string
	off  int64
	n    int64
}

// changes are what is written to a disk, by where that is.
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

// churnDays are what is written on four days, behind Monday's snapshot.
var churnDays = []struct {
	name    string
	changes []change
}{
	{"tue", []change{{"/web01/web01-flat.vmdk", 1 << 20, 256 << 10}, {"/web01/web01-1a2b3c.vswp", 0, 1 << 20}, {"/db01/db01-flat.vmdk", 0, 128 << 10}}},
	{"wed", []change{{"/web01/web01-flat.vmdk", 0, 384 << 10}, {"/web01/web01-1a2b3c.vswp", 0, 2 << 20}, {"/web01/vmware.log", 0, 16 << 10}}},
	{"thu", []change{{"/web01/web01-flat.vmdk", 2 << 20, 256 << 10}, {"/web01/web01-1a2b3c.vswp", 1 << 20, 3 << 20}, {"/db01/db01-flat.vmdk", 0, 512 << 10}}},
	{"fri", []change{{"/iso/tools <1> & more.iso", 0, 2 << 20}, {"/web01/web01-1a2b3c.vswp", 0, 512 << 10}}},
}

// churnDisk makes a file with a volume of two machines.
func churnDisk(t *testing.T, image string) {
	t.Helper()
	const mib = 1 << 20
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
	if err := f.Truncate((sizes[0] + mib - 1) / mib * mib); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// placesOf is where changes are on the disk.
func placesOf(t *testing.T, v *vmfs.Volume, list []change) (places changes) {
	t.Helper()
	for _, c := range list {
		f, err := v.Lookup(c.path)
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range f.ExtentsIn(c.off, c.off+c.n) {
			if err != nil {
				t.Fatal(err)
			}
			e.Physical += v.Members[0].Start
			places = append(places, e)
		}
	}
	return places
}

// churned makes a volume with two machines in dir, and the streams of what changed on four days.
func churned(t *testing.T, dir string) (image string, streams []string) {
	t.Helper()
	image = filepath.Join(dir, "disk.img")
	churnDisk(t, image)
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := openWritten(t, image)
	now := dmu.Link{GUID: 161, Name: "tank/store@mon", Created: time.Date(2026, 11, 16, 2, 0, 0, 0, time.UTC), BlockSize: 16 << 10}
	for i, day := range churnDays {
		now.From, now.GUID = now.GUID, now.GUID+1
		now.Name, now.Created = "tank/store@"+day.name, now.Created.AddDate(0, 0, 1)
		var out bytes.Buffer
		g := dmu.NewGenerator(volumeFile{f}, dmu.GenerateOptions{Snapshot: now, BaseSize: uint64((volumeFile{f}).Size()), Changes: placesOf(t, v.Volume, day.changes)})
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

// TestChurnVolume finds the changes of a file that keeps snapshots, by itself.
func TestChurnVolume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk.img")
	churnDisk(t, path)
	v := openWritten(t, path)
	kept := shelf.New(path)
	take := func(name string) {
		t.Helper()
		if _, err := kept.Take(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	var days []changes
	for _, day := range churnDays {
		days = append(days, placesOf(t, v.Volume, day.changes))
	}
	take("mon")
	for i, day := range churnDays {
		s, err := image.Open(path, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range days[i] {
			if _, err := s.WriteAt(bytes.Repeat([]byte{byte(0xC0 + i)}, int(e.Length)), e.Physical); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.Sync(), s.Close()); err != nil {
			t.Fatal(err)
		}
		take(day.name)
	}
	lunar := func(args ...string) (out, complaints bytes.Buffer) {
		t.Helper()
		w := world{name: "lunar", args: append([]string{"churn", "--json"}, args...), stdout: &out, stderr: &complaints, getenv: func(string) string { return "" }}
		if code := run(t.Context(), w); code != 0 {
			t.Fatal(&complaints)
		}
		return out, complaints
	}
	for _, c := range []struct {
		args    []string
		written int64
	}{
		{[]string{path + "@.."}, 10502144},
		{[]string{path + "@..", "--quick"}, 10502144},
		{[]string{path + "@wed..fri"}, 10502144 - 1441792 - 2506752},
		{[]string{path + "@..wed", path + "@wed.."}, 10502144},
	} {
		out, complaints := lunar(c.args...)
		var r churn.Report
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if complaints.Len() > 0 || r.Written != c.written || r.Files.Lines[0].Name != "/web01/web01-1a2b3c.vswp" {
			t.Errorf("%q: %s%d written, most in %q", c.args, &complaints, r.Written, r.Files.Lines[0].Name)
		}
	}
	list, err := kept.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if len(s.Clones) > 0 {
			t.Errorf("%s has clones left: %q", s.Name, s.Clones)
		}
	}
	var complaints bytes.Buffer
	for _, source := range []string{path + "@fri..mon", path + "@none..", path + ".none@..", "-x@.."} {
		complaints.Reset()
		w := world{name: "lunar", args: []string{"churn", "--", source}, stdout: io.Discard, stderr: &complaints, getenv: func(string) string { return "" }}
		if code := run(t.Context(), w); code == 0 || strings.Count(complaints.String(), "\n") != 2 {
			t.Errorf("%s ends with %d: %s", source, code, &complaints)
		}
	}
}

// TestChurnJob finds the changes of the units of a job between its own snapshots, and of a unit.
func TestChurnJob(t *testing.T) {
	s := &script{t: t, work: t.TempDir()}
	s.start()
	defer func() { s.stop() }()
	path := filepath.Join(s.work, "disk.img")
	churnDisk(t, path)
	v := openWritten(t, path)
	places := placesOf(t, v.Volume, churnDays[0].changes)
	lunar := func(args ...string) string {
		t.Helper()
		var out, complaints bytes.Buffer
		if code := s.run(t.Context(), "lunar", args, "", &out, &complaints); code != 0 {
			t.Fatalf("%q: %s", args, &complaints)
		}
		return out.String()
	}
	lunar("lu", "create", path, "--alias", "vm", "--no-view")
	lunar("job", "create", "nightly", "--volume", "lu:vm", "--keep", "last=9")
	for i, name := range []string{"nightly-20261101T020000Z", "other", "nightly-20261102T020000Z"} {
		lunar("lu", "offline", "vm", "--for", "maintenance")
		d, err := image.Open(path, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range places {
			if _, err := d.WriteAt(bytes.Repeat([]byte{byte(0xE0 + i)}, int(e.Length)), e.Physical); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			t.Fatal(err)
		}
		lunar("lu", "online", "vm")
		lunar("lu", "snapshot", "vm", name)
	}
	for source, intervals := range map[string]int{"nightly": 1, "nightly@..": 1, "nightly@other..": 1, "lu:vm@..": 2} {
		var r churn.Report
		if err := json.Unmarshal([]byte(lunar("churn", source, "--json")), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Intervals) != intervals || r.Written != int64(intervals)*1441792 || r.Units.Lines[0].Name != "lu:vm" || r.Files.Lines[0].Kind != churn.Swap {
			t.Errorf("%s: %+v", source, r)
		}
	}
	var out, complaints bytes.Buffer
	if code := s.run(t.Context(), "lunar", []string{"churn", "weekly"}, "", &out, &complaints); code != exitFailed || !strings.Contains(complaints.String(), "no job") {
		t.Errorf("a job that is not there: %d, %s", code, &complaints)
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
