package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A copy becomes a volume of its own on another disk; the backup that was made first takes that
// back, byte for byte.
func TestVMFSResignature(t *testing.T) {
	const naa = "naa.6024c530000000000000000000000001"
	image, backups := filepath.Join(t.TempDir(), "image"), t.TempDir()
	s := doomed(5)
	for i := range s.Files {
		s.Files[i].Deleted = vmfstest.Deletion{}
	}
	s.Heartbeats = []vmfstest.Heartbeat{{Slot: 3, Generation: 7, Stamp: 3600e6, Host: 9, Address: "192.0.2.7"}} // silent
	writeTo(t, image, s)
	before := sumOf(t, image)
	text, _ := lunar(t, 0, "vmfs", "resignature", image, "--plan", "--against", naa)
	if !strings.Contains(text, "disk identifier") || !strings.Contains(text, "snap-") || sumOf(t, image) != before {
		t.Errorf("the plan: %s", text)
	}
	text, _ = lunar(t, 0, "vmfs", "resignature", image, "--keep-uuid", "--against", naa)
	if strings.Contains(text, "UUID  ") || !strings.Contains(text, "disk identifier") {
		t.Errorf("the plan with --keep-uuid: %s", text)
	}
	for want, args := range map[string][]string{
		"which disk":       {image, "--write", "--yes", "--wait", "1ms", "--backup", backups},
		"nothing was writ": {image, "--write", "--wait", "1ms", "--backup", backups, "--against", naa},
		"needs --backup":   {image, "--write"},
		"exclude":          {image, "--write", "--plan"},
	} {
		code := 1
		if want == "needs --backup" || want == "exclude" {
			code = 2
		}
		if _, stderr := lunar(t, code, append([]string{"vmfs", "resignature"}, args...)...); !strings.Contains(stderr, want) {
			t.Errorf("%q: %s", args, stderr)
		}
	}
	if sumOf(t, image) != before {
		t.Fatal("a resignature that was refused has changed the image")
	}
	text, _ = lunar(t, 0, "vmfs", "resignature", image, "--write", "--yes", "--backup", backups, "--against", naa, "--label", "copy", "--wait", "1ms", "--json")
	var info resignatureInfo
	if err := json.Unmarshal([]byte(text), &info); err != nil || !info.Written || info.NewLabel != "copy" {
		t.Fatalf("%v: %s", err, text)
	}
	if text, _ := lunar(t, 0, "vmfs", "identity", image, "--against", naa); !strings.Contains(text, "ESXi mounts it as it is") || !strings.Contains(text, "copy ("+info.NewUUID+")") {
		t.Errorf("the identity afterwards: %s", text)
	}
	lunar(t, 0, "vmfs", "check", image)
	if text, _ := lunar(t, 0, "vmfs", "cat", image, "/vm1/vm1.vmx"); text != "displayName = \"vm1\"\n" {
		t.Error(text)
	}
	lunar(t, 0, "vmfs", "restore", info.Backup, image, "--parts", "header,lvm", "--force", "changed,volume", "--wait", "1ms", "--yes")
	if sumOf(t, image) != before {
		t.Error("restoring the backup does not take it back")
	}

	six := filepath.Join(t.TempDir(), "six")
	writeTo(t, six, doomed(6))
	if _, stderr := lunar(t, 1, "vmfs", "resignature", six, "--write", "--yes", "--backup", backups, "--against", naa); !strings.Contains(stderr, "esxcli storage vmfs snapshot") {
		t.Error(stderr)
	}
}

// Nothing is written while a host writes its heartbeat.
func TestVMFSResignatureAlive(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	s := doomed(5)
	s.Devices, s.Heartbeats = nil, []vmfstest.Heartbeat{{Slot: 3, Generation: 7, Stamp: 3600e6, Host: 9, Address: "192.0.2.7"}}
	writeTo(t, image, s)
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var beating sync.WaitGroup
	var end atomic.Bool
	beating.Go(func() {
		stamp := make([]byte, 8)
		for n := uint64(1); !end.Load(); n++ {
			binary.LittleEndian.PutUint64(stamp, n)
			if _, err := f.WriteAt(stamp, 0x1100000+0x300000+3*512+0x14); err != nil {
				t.Error(err)
				return
			}
		}
	})
	_, stderr := lunar(t, 1, "vmfs", "resignature", image, "--write", "--yes", "--wait", "50ms", "--backup", t.TempDir(), "--against", "naa.6024c530000000000000000000000001")
	end.Store(true)
	beating.Wait()
	if !strings.Contains(stderr, "host 192.0.2.7 is alive") || f.Close() != nil {
		t.Error(stderr)
	}
}
