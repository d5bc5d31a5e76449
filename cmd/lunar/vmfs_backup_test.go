package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

// TestBackupAll looks at a unit, at its store as if it were a device, at a copy of it, at the
// extents of a volume in the wrong order, at one whose first extent is not there, and at a
// device without a volume.
func TestBackupAll(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeVolume(t, "5", []string{at("unit.img")})
	whole, err := os.ReadFile(at("unit.img"))
	if err != nil {
		t.Fatal(err)
	}
	writeVolume(t, "6", []string{at("a.img"), at("b.img")})
	// The volumes have one seed, and the LVM devices of one are renamed, so that they differ.
	for _, name := range []string{"a.img", "b.img"} {
		f, err := os.OpenFile(at(name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{name[0]}, 0x100000+0x82); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"copy.img": whole, "empty.img": make([]byte, 1<<20)} {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &script{t: t, work: dir}
	s.start()
	defer func() { s.stop() }()
	var stdout, stderr bytes.Buffer
	if code := s.run(t.Context(), "lunar", strings.Fields("lu create "+at("unit.img")+" --alias one --no-view --guid 600144f00000000000000000000000a1"), "", &stdout, &stderr); code != 0 {
		t.Fatalf("%s", &stderr)
	}
	stderr.Reset()
	c := &cli{world: world{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }}, socket: s.socket}
	found := map[string]int{}
	take := func(v *vmfs.Volume, alias string) error {
		found[alias] += len(v.Members)
		return nil
	}
	all := []string{at("unit.img"), at("b.img"), at("empty.img"), at("a.img"), at("copy.img"), at("none")}
	if err := c.backupAll(t.Context(), all, take); err != nil {
		t.Error(err)
	}
	if len(found) != 2 || found["one"] != 1 || found[""] != 2 {
		t.Errorf("found %v", found)
	}
	if told := stderr.String(); strings.Count(told, "\n") != 1 || !strings.Contains(told, "copy.img:1 has the same extent of a volume as lu:") {
		t.Errorf("it says %q", told)
	}
	if err := c.backupAll(t.Context(), []string{at("b.img")}, take); err == nil || !strings.Contains(err.Error(), "first extent") {
		t.Errorf("without the first extent: %v", err)
	}
}

// volumeIn opens the volume in a file until the test ends.
func volumeIn(t *testing.T, image string) *vmfs.Volume {
	t.Helper()
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vmfs.Open(vmfs.Device{Name: image, ReaderAt: f, Size: info.Size()})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestBackupProblems backs up a volume with a damaged directory: the backup is made, and the
// exit status says that something is wrong.
func TestBackupProblems(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "a.img")
	writeVolume(t, "5", []string{image})
	v := volumeIn(t, image)
	vm1, err := v.Lookup("/vm1")
	if err != nil {
		t.Fatal(err)
	}
	_, physical, _ := v.Locate(vm1.Logical())
	w, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt(make([]byte, 16), v.Members[0].Start+physical); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), world{name: "lunar", args: []string{"vmfs", "backup", image, "--dest", dir, "--json"}, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }})
	var list []backupInfo
	if err := json.Unmarshal(stdout.Bytes(), &list); err != nil || code != exitFailed || len(list) != 1 || len(list[0].Problems) == 0 {
		t.Errorf("exit %d, %s, %v", code, &stdout, err)
	}
	if !strings.Contains(stderr.String(), "problem: /vm1: ") || !strings.Contains(stderr.String(), "is made, but") {
		t.Errorf("it says %s", &stderr)
	}
}
