package control

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// Metadata of COMSTAR: what stands where in a store, for a unit of 1 MiB that guidA means.
var comstarMeta = map[int]string{
	4096: "554c4442534e55530000010000000000a811",
	4136: "010001000000002c3010000000000000780100000100ff9b",
	4194: "10",
	4232: "09ff0000f1030010600144f0928c010000004fc511ec0001",
}

// The bytes of the unit's flags and of the checksum of its section.
const (
	comstarFlags = 4160
	comstarSum   = 4159
)

// comstarStore makes a file that COMSTAR has served, with data behind the metadata.
func (r *rig) comstarStore(name string, flags uint16, data []byte) string {
	r.t.Helper()
	store := make([]byte, 64<<10)
	for at, digits := range comstarMeta {
		b, err := hex.DecodeString(digits)
		if err != nil {
			r.t.Fatal(err)
		}
		copy(store[at:], b)
	}
	store[comstarFlags], store[comstarFlags+1] = byte(flags), byte(flags>>8)
	store[comstarSum] += byte(flags) + byte(flags>>8)
	if err := os.WriteFile(r.path(name), append(store, data...), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r.path(name)
}

// TestImport: the unit has COMSTAR's data, and the metadata stay as they are whatever is done.
func TestImport(t *testing.T) {
	r := start(t, nil)
	data := bytes.Repeat([]byte("moon"), 256<<10)
	path := r.comstarStore("old", 0, data)
	head := must(os.ReadFile(path))(t)[:64<<10]
	u := must(r.ImportUnit(t.Context(), UnitImport{Path: path}))(t)
	if u.GUID != guidA || u.Size != 1<<20 || u.Offset != 64<<10 || u.Metadata != "1.1" || u.Vendor != "SUN" || u.Product != "COMSTAR" ||
		u.Revision != "1.0" || u.Version != 5 || u.Serial != guidA || !u.WriteCache || u.ReadOnly || len(u.Lost) != 1 {
		t.Errorf("imported %+v", u)
	}
	check := func(when string) {
		t.Helper()
		got := make([]byte, len(data))
		if err := r.unit(guidA).unit.ReadAt(&sbd.Op{MayBlock: true}, got, 0); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: the unit has other data (%v)", when, err)
		}
		if now := must(os.ReadFile(path))(t); !bytes.Equal(now[:64<<10], head) {
			t.Errorf("%s: the metadata have changed", when)
		}
	}
	check("at first")
	r.restart()
	check("after a restart")
	copy(data, "sun and stars")
	if err := r.unit(guidA).unit.WriteAt(&sbd.Op{MayBlock: true}, data[:512], 0, true); err != nil {
		t.Fatal(err)
	}
	must(r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 2 << 20}))(t)
	check("after changes")
	if info := must(os.Stat(path))(t); info.Size() != 2<<20+64<<10 {
		t.Errorf("the store has %d bytes", info.Size())
	}
	if _, err := r.ImportUnit(t.Context(), UnitImport{Path: path}); err == nil || !strings.Contains(err.Error(), "is the store of unit") {
		t.Errorf("imported twice: %v", err)
	}
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{RemoveStore: true}))(t)
	if !exists(path) {
		t.Error("a store that lunar did not make was removed")
	}
}

// unit returns the unit with a GUID.
func (r *rig) unit(guid string) *unit {
	r.t.Helper()
	u, err := r.d.find(guid)
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// TestImportShort: COMSTAR's files may be shorter than their units.
func TestImportShort(t *testing.T) {
	const writeProtected = 0x0002
	r := start(t, nil)
	path := r.comstarStore("thin", 0, []byte("moon"))
	must(r.ImportUnit(t.Context(), UnitImport{Path: path}))(t)
	got := make([]byte, 512)
	if err := r.unit(guidA).unit.ReadAt(&sbd.Op{MayBlock: true}, got, 0); err != nil || string(got) != "moon"+strings.Repeat("\x00", 508) {
		t.Errorf("read %q (%v)", got, err)
	}
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{}))(t)

	path = r.comstarStore("protected", writeProtected, []byte("moon"))
	if _, err := r.ImportUnit(t.Context(), UnitImport{Path: path}); err == nil || !strings.Contains(problemOf(err).Hint, "truncate -s 1114112") {
		t.Errorf("a short store that is write-protected: %v", err)
	}
	if err := os.Truncate(path, 1114112); err != nil {
		t.Fatal(err)
	}
	if u := must(r.ImportUnit(t.Context(), UnitImport{Path: path}))(t); !u.ReadOnly {
		t.Errorf("imported %+v", u)
	}
}

// TestImportShortDevice: a device that is too short is refused, and closed.
func TestImportShortDevice(t *testing.T) {
	open := 0
	r := start(t, func(o *Options) {
		o.openStore = func(path string, opts sbd.OpenOptions) (sbd.Store, error) {
			s, err := sbd.Open(path, opts)
			if err == nil {
				open++
				s = fixed{s, &open}
			}
			return s, err
		}
	})
	path := r.comstarStore("device", 0, []byte("moon"))
	if _, err := r.ImportUnit(t.Context(), UnitImport{Path: path}); err == nil || !strings.Contains(err.Error(), "the unit needs 1114112") {
		t.Errorf("a short device: %v", err)
	}
	if open != 0 {
		t.Errorf("%d stores stay open", open)
	}
}

// fixed is a store that cannot be resized.
type fixed struct {
	sbd.Store
	open *int
}

func (f fixed) Close() error {
	*f.open--
	return f.Store.Close()
}

func TestImportRefuses(t *testing.T) {
	r := start(t, nil)
	good := r.comstarStore("good", 0, make([]byte, 1<<20))
	damaged := r.comstarStore("damaged", 0, nil)
	if err := os.WriteFile(damaged, bytes.Replace(must(os.ReadFile(damaged))(t), []byte{0x60, 0x01, 0x44, 0xf0}, []byte{0x60, 0x01, 0x44, 0xf1}, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := r.path("plain")
	if err := os.WriteFile(plain, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    UnitImport
		want string
	}{
		"a relative path":     {UnitImport{Path: "good"}, "absolute"},
		"relative metadata":   {UnitImport{Path: good, Meta: "good"}, "absolute"},
		"nothing":             {UnitImport{Path: r.path("nothing")}, "no such file"},
		"a folder":            {UnitImport{Path: t.TempDir()}, "regular file or a disk"},
		"damaged":             {UnitImport{Path: damaged}, "checksum"},
		"another GUID":        {UnitImport{Path: good, GUID: guidB}, "has the GUID " + guidA},
		"no GUID":             {UnitImport{Path: good, GUID: "x"}, "32 hexadecimal digits"},
		"no GUID, no meta":    {UnitImport{Path: plain, GUID: "x"}, "32 hexadecimal digits"},
		"a LUN":               {UnitImport{Path: good, LUN: new(20000)}, "20000"},
		"no meta in the file": {UnitImport{Path: good, Meta: plain}, "no metadata"},
		"meta with data":      {UnitImport{Path: plain, Meta: good}, "has the data"},
	} {
		if u, err := r.ImportUnit(t.Context(), c.q); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %q", name, u, err, c.want)
		}
	}
	if units := must(r.Units(t.Context()))(t); len(units) != 0 {
		t.Errorf("there are units: %+v", units)
	}
	must(r.ImportUnit(t.Context(), UnitImport{Path: good}))(t) // nothing holds it
}

// TestGUIDAsCOMSTAR makes units whose GUIDs have COMSTAR's form.
func TestGUIDAsCOMSTAR(t *testing.T) {
	r := start(t, nil)
	host := r.d.guids.Host
	if host == [6]byte{} {
		t.Error("the GUIDs say nothing of this host")
	}
	seen := make(map[string]bool)
	for _, name := range []string{"a", "b", "c"} {
		u := r.createUnit(UnitCreate{Path: r.path(name), GUID: GUIDAsCOMSTAR})
		if !strings.HasPrefix(u.GUID, "600144f0"+hex.EncodeToString(host[:])) || seen[u.GUID] {
			t.Errorf("the GUID is %s", u.GUID)
		}
		seen[u.GUID] = true
	}
}
