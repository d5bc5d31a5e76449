package control

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// volume writes a VMFS volume to a file, as it was made on a disk with this identifier.
func (r *rig) volume(name string, s vmfstest.Spec) string {
	r.t.Helper()
	sizes := must(s.Sizes())(r.t)
	f := must(os.Create(r.path(name)))(r.t)
	defer func() { _ = f.Close() }()
	if err := f.Truncate(sizes[0]); err != nil {
		r.t.Fatal(err)
	}
	must(s.Write(f))(r.t)
	return f.Name()
}

// original is the identifier of a disk that COMSTAR served as LUN 7.
func original(naa string) vmfstest.DiskID {
	id, err := hex.DecodeString(naa)
	if err != nil {
		panic(err)
	}
	return vmfstest.DiskID{Type: 2, LUN: 7, Level: 5, Vendor: "SUN", Model: "COMSTAR", Revision: "1.0", ID: append(id, "COMSTA"...)}
}

// A replica that is served as the original answers INQUIRY with what is in the volume's header,
// byte for byte, so that ESXi finds no difference.
func TestCreateAsOriginal(t *testing.T) {
	for _, s := range []vmfstest.Spec{{Version: 3}, {Version: 5}, {Version: 6}} {
		r := start(t, nil)
		ctx := t.Context()
		s.Devices = []vmfstest.Device{{Table: vmfstest.GPT, Start: 2048, Extents: []vmfstest.Run{{Count: 1}}, ID: original(guidA)}}
		path := r.volume("replica", s)
		u := must(r.CreateUnit(ctx, UnitCreate{Path: path, AsOriginal: true, Serial: "5a17"}))(t)
		if u.GUID != guidA || u.lowestLUN() != 7 || u.BlockSize != 512 || u.Serial != "5a17" {
			t.Errorf("created %+v", u)
		}
		must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
		r.restart()
		c := connect(t, r.portal(), iqnA, 1)
		head := make([]byte, 78)
		f := must(os.Open(path))(t)
		if _, err := f.ReadAt(head, 2048*512+0x100000+0x0C); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		inquiry, _ := perform(t, c, 7, nil, 0x12, 0, 0, 0, 255, 0)
		page, _ := perform(t, c, 7, nil, 0x12, 1, 0x83, 0, 255, 0)
		for _, field := range []struct {
			name         string
			served, held []byte
		}{
			{"device type", inquiry[0:1], head[4:5]},
			{"version", inquiry[2:3], head[5:6]},
			{"vendor", inquiry[8:16], head[6:14]},
			{"product", inquiry[16:32], head[14:30]},
			{"revision", inquiry[32:36], head[30:34]},
			{"NAA designator and model", append(bytes.Clone(page[8:24]), inquiry[16:22]...), head[34:56]},
			{"LUN", []byte{7, 0}, head[2:4]},
		} {
			if !bytes.Equal(field.served, field.held) {
				t.Errorf("VMFS%d, %s: % x, and the header has % x", s.Version, field.name, field.served, field.held)
			}
		}
	}
}

// What cannot be as the header has it is refused, and nothing is made.
func TestCreateAsOriginalRefused(t *testing.T) {
	r := start(t, nil)
	other := r.createUnit(UnitCreate{Path: r.path("a"), LUN: ptr(3)})
	device := func(id vmfstest.DiskID) []vmfstest.Device {
		return []vmfstest.Device{{Extents: []vmfstest.Run{{Count: 1}}, ID: id}}
	}
	here, there, old := original(other.GUID), original(guidB), original(guidB)
	busy := original(guidB)
	busy.LUN = 3
	old.Level = 2
	path := vmfstest.DiskID{ID: []byte("vmhba0:C0:T0:L0")}
	for name, id := range map[string]vmfstest.DiskID{"here": here, "there": there, "busy": busy, "old": old, "path": path} {
		r.volume(name, vmfstest.Spec{Version: 5, Devices: device(id)})
	}
	if err := os.WriteFile(r.path("none"), make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		q    UnitCreate
		want []string
	}{
		{UnitCreate{Path: r.path("here")}, []string{"the original is here", other.GUID, "resignature"}},
		{UnitCreate{Path: r.path("busy")}, []string{"LUN 3", other.GUID}},
		{UnitCreate{Path: r.path("old")}, []string{"version 2"}},
		{UnitCreate{Path: r.path("path")}, []string{"mpx.vmhba0:C0:T0:L0", "force-mount"}},
		{UnitCreate{Path: r.path("none")}, []string{"no VMFS volume", "--as-original"}},
		{UnitCreate{Path: r.path("absent")}, []string{"absent"}},
		{UnitCreate{Path: "there"}, []string{"not an absolute path"}},
		{UnitCreate{Path: r.path("a")}, []string{"is the store of unit"}},
		{UnitCreate{Path: r.path("there"), GUID: guidA}, []string{"guid " + guidB, guidA, "--guid"}},
		{UnitCreate{Path: r.path("there"), LUN: ptr(6)}, []string{"lun 7, and not 6"}},
		{UnitCreate{Path: r.path("there"), Product: "LUN"}, []string{"product COMSTAR"}},
		{UnitCreate{Path: r.path("there"), BlockSize: 4096}, []string{"block-size 512"}},
	} {
		test.q.AsOriginal = true
		_, err := r.CreateUnit(t.Context(), test.q)
		wantProblem(t, err, test.want...)
	}
	if list := must(r.Units(t.Context()))(t); len(list) != 1 {
		t.Errorf("there are units %+v", list)
	}
	u := must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("there"), AsOriginal: true, NoView: true, GUID: "naa." + strings.ToUpper(guidB)}))(t)
	if u.GUID != guidB || len(u.LUNs) != 0 {
		t.Errorf("created %+v", u)
	}
}

// The header is behind COMSTAR's metadata, where the store has those, and the two have to agree on
// the GUID.
func TestImportAsOriginal(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	image := must(os.ReadFile(r.volume("image", vmfstest.Spec{Version: 5, Devices: []vmfstest.Device{{
		Extents: []vmfstest.Run{{Count: 1}}, ID: original(guidA),
	}}})))(t)
	path := r.comstarStore("store", 0, image[:20<<20])
	u := must(r.ImportUnit(t.Context(), UnitImport{Path: path, AsOriginal: true}))(t)
	if u.GUID != guidA || u.lowestLUN() != 7 || u.Metadata != "1.1" || u.Offset != 64<<10 {
		t.Errorf("imported %+v", u)
	}
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{}))(t)
	image[0x100000+0x2E+5]++
	path = r.comstarStore("store", 0, image[:20<<20])
	_, err := r.ImportUnit(t.Context(), UnitImport{Path: path, AsOriginal: true})
	wantProblem(t, err, "the volume's header has guid", guidA)
	u = must(r.ImportUnit(t.Context(), UnitImport{Path: r.path("image"), AsOriginal: true}))(t)
	if u.GUID != guidA || u.Vendor != "SUN" || u.Version != 5 {
		t.Errorf("imported %+v", u)
	}
}
