package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
	"github.com/lunarsan/lunar/stream/image"
	"github.com/lunarsan/lunar/stream/shelf"
)

// vmsPackage is what zfs send -R says of tank/vms, a file system with two volumes below it, of two
// snapshots each.
func vmsPackage(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	s := dmutest.New(t, &out)
	s.Dataset = "tank/vms"
	s.Package("b")
	s.Files("b", 0, 9)
	for i, name := range []string{"vm1", "vm2"} {
		s.Dataset = "tank/vms/" + name
		guid := uint64(10 * (i + 1))
		s.Begin("a", 0, guid, 4096)
		s.Block(0, bytes.Repeat([]byte(name+"a, "), 1024)[:4096], dmu.CompressionNone)
		s.End(64 << 10)
		s.Begin("b", guid, guid+1, 4096)
		s.Block(8192, bytes.Repeat([]byte(name+"b, "), 1024)[:4096], dmu.CompressionNone)
		s.End(64 << 10)
	}
	s.EndPackage()
	s.Close()
	return out.Bytes()
}

// TestSendPackage: the volumes of a package come to be files of a folder, here and at another
// machine, each with its snapshots; and come again where nothing is missing.
func TestSendPackage(t *testing.T) {
	a, b := &site{t, t.TempDir()}, &site{t, t.TempDir()}
	in := vmsPackage(t)
	file := filepath.Join(a.home, "vms.zs")
	if err := os.WriteFile(file, in, 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(a.home, "cut.zs")
	if err := os.WriteFile(cut, in[:len(in)-3*dmu.RecordSize], 0o600); err != nil {
		t.Fatal(err)
	}
	here, there := filepath.Join(a.home, "replicas"), filepath.Join(b.home, "replicas")
	for _, folder := range []string{here, there} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	address := b.receive("--allow", a.fingerprint(), "--root", there, "--append-only")
	for folder, args := range map[string][]string{
		here:  {here},
		there: {"lunar://" + address + "/" + there + "/", "--key", filepath.Join(a.home, "key"), "--fingerprint", b.fingerprint()},
	} {
		if _, log := a.lunar(1, append([]string{"send", "file:" + cut}, args...)...); !strings.Contains(log, "truncated") || !strings.Contains(log, "lunar stream token") {
			t.Errorf("of what was cut it says %s", log)
		}
		if out, _ := a.lunar(0, append([]string{"send", "file:" + file}, args...)...); !strings.HasSuffix(out, "tank/vms is a file system, and was passed over.\n3 snapshots of the package were there already.\n") || !strings.HasPrefix(out, "increment vm2@b, ") {
			t.Errorf("it says %q", out)
		}
		for _, name := range []string{"vm1", "vm2"} {
			path := filepath.Join(folder, name)
			list, err := shelf.New(path).Snapshots(t.Context())
			if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" {
				t.Errorf("%s has %+v, %v", path, list, err)
			}
		}
	}
	v, err := image.Open(filepath.Join(here, "vm2"), image.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got := make([]byte, v.Size())
	_, err = v.ReadAt(got, 0)
	if want := bytes.Repeat([]byte("vm2b, "), 1024)[:4096]; err != nil || len(got) != 64<<10 || !bytes.Equal(got[8192:][:4096], want) || !bytes.HasPrefix(got, []byte("vm2a, ")) {
		t.Errorf("%d bytes have come, %v", len(got), err)
	}
	if _, log := a.lunar(1, "send", "file:"+file, here, "--name", "x"); !strings.Contains(log, "Leave out --name") {
		t.Errorf("it says %s", log)
	}
}

// TestBelow: names of a package lead to nothing but volumes of their own.
func TestBelow(t *testing.T) {
	folder := &endpoint{name: "/srv", volume: shelf.New("/srv")}
	if v, err := folder.below("vm1"); err != nil || v.Path() != "/srv/vm1" {
		t.Errorf("%v, %v", v, err)
	}
	var misused *usageError
	for e, name := range map[*endpoint]string{
		folder: "vm1.snapshots/a",
		{name: "lu:1234", volume: shelf.New("/srv/vm1")}: "vm1",
	} {
		if v, err := e.below(name); !errors.As(err, &misused) {
			t.Errorf("%s below %s is %v, %v", name, e.name, v, err)
		}
	}
}
