package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What a partition, a mapping and a loop device lie on is found, and nothing beside it.
func TestFoundation(t *testing.T) {
	sys := t.TempDir()
	backing := filepath.Join(t.TempDir(), "image")
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(sys, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(sys, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(sys, to), filepath.Join(sys, path)); err != nil {
			t.Fatal(err)
		}
	}
	// A mapping 253:0 on the partition 8:1 of the disk 8:0, which has another partition, 8:2; and
	// the loop device 7:0.
	put("devices/sda/dev", "8:0\n")
	put("devices/sda/sda1/dev", "8:1\n")
	put("devices/sda/sda1/partition", "1\n")
	put("devices/sda/sda2/dev", "8:2\n")
	put("devices/sda/sda2/partition", "2\n")
	put("devices/dm-0/dev", "253:0\n")
	put("devices/loop0/dev", "7:0\n")
	put("devices/loop0/loop/backing_file", backing+"\n")
	link("devices/sda/sda1", "devices/dm-0/slaves/sda1")
	for name, number := range map[string]string{"sda": "8:0", "sda/sda1": "8:1", "sda/sda2": "8:2", "dm-0": "253:0", "loop0": "7:0"} {
		link("devices/"+name, "dev/block/"+number)
	}
	if err := os.WriteFile(backing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[[2]uint32][][2]uint32{
		{253, 0}: {{253, 0}, {8, 1}, {8, 0}},
		{8, 2}:   {{8, 2}, {8, 0}},
		{9, 9}:   {{9, 9}},
	} {
		f := &foundation{sys: sys, devices: map[uint64]bool{}}
		f.device(unix.Mkdev(from[0], from[1]))
		for _, dev := range want {
			if !f.devices[unix.Mkdev(dev[0], dev[1])] {
				t.Errorf("%v does not lie on %v", from, dev)
			}
		}
		if len(f.devices) != len(want) || len(f.files) > 0 {
			t.Errorf("%v lies on %v", from, f.devices)
		}
	}
	f := &foundation{sys: sys, devices: map[uint64]bool{}}
	f.device(unix.Mkdev(7, 0))
	image, err := os.Stat(backing)
	if err != nil || !f.on(image) {
		t.Errorf("the file of a loop device is not found: %v", err)
	}
	if st := image.Sys().(*syscall.Stat_t); unix.Major(st.Dev) != 0 && !f.devices[st.Dev] {
		t.Errorf("nor the device that it is on: %v", f.devices)
	}
}

// File systems that have no device number name their devices in the list of mounts.
func TestMountSources(t *testing.T) {
	list := filepath.Join(t.TempDir(), "mountinfo")
	text := "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n" +
		"80 35 0:52 / /srv rw shared:2 - btrfs /dev/sdb1 rw\n81 35 0:53 / /x rw - tmpfs tmpfs rw\nodd\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mountSources(list, unix.Mkdev(0, 52)); len(got) != 1 || got[0] != "/dev/sdb1" {
		t.Errorf("%q", got)
	}
	if got := mountSources(list, unix.Mkdev(0, 54)); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
