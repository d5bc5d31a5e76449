package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A foundation is what a folder lies on: block devices, and those below them, and the files
// that loop devices stand for.
type foundation struct {
	sys     string // where sysfs is
	devices map[uint64]bool
	files   []os.FileInfo
}

// lies finds what a folder lies on, be it there or not.
func lies(folder string) (*foundation, error) {
	info, err := nearest(folder)
	if err != nil {
		return nil, err
	}
	f := &foundation{sys: "/sys", devices: map[uint64]bool{}}
	f.mount(info)
	return f, nil
}

// on reports that an image is among what the folder lies on.
func (f *foundation) on(image os.FileInfo) bool {
	if st, ok := image.Sys().(*syscall.Stat_t); ok && st.Mode&unix.S_IFMT == unix.S_IFBLK {
		return f.devices[st.Rdev]
	}
	for _, file := range f.files {
		if os.SameFile(file, image) {
			return true
		}
	}
	return false
}

// mount adds what the file system of a file lies on.
func (f *foundation) mount(info os.FileInfo) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	if unix.Major(st.Dev) != 0 {
		f.device(st.Dev)
		return
	}
	// A file system with devices of its own to manage has none in its files' numbers.
	for _, source := range mountSources("/proc/self/mountinfo", st.Dev) {
		if info, err := os.Stat(source); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Mode&unix.S_IFMT == unix.S_IFBLK {
				f.device(st.Rdev)
			}
		}
	}
}

// device adds a block device and those that it is made of: the disk of a partition, what a
// mapping or an array consists of, and the file of a loop device.
func (f *foundation) device(dev uint64) {
	if f.devices[dev] {
		return
	}
	f.devices[dev] = true
	at, err := filepath.EvalSymlinks(filepath.Join(f.sys, "dev", "block", fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev))))
	if err != nil {
		return
	}
	if _, err := os.Stat(filepath.Join(at, "partition")); err == nil {
		f.deviceIn(filepath.Dir(at))
	}
	slaves, _ := filepath.Glob(filepath.Join(at, "slaves", "*"))
	for _, one := range slaves {
		f.deviceIn(one)
	}
	if path, err := os.ReadFile(filepath.Join(at, "loop", "backing_file")); err == nil {
		if info, err := os.Stat(strings.TrimSuffix(string(path), "\n")); err == nil {
			f.files = append(f.files, info)
			f.mount(info)
		}
	}
}

// deviceIn adds the block device of a folder of sysfs.
func (f *foundation) deviceIn(folder string) {
	var major, minor uint32
	text, err := os.ReadFile(filepath.Join(folder, "dev"))
	if err != nil {
		return
	}
	if n, _ := fmt.Sscanf(string(text), "%d:%d", &major, &minor); n == 2 {
		f.device(unix.Mkdev(major, minor))
	}
}

// mountSources are what is mounted where files have a device number, by the list at path.
func mountSources(path string, dev uint64) (sources []string) {
	list, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = list.Close() }() // it was only read
	number := fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev))
	for lines := bufio.NewScanner(list); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) > 2 && fields[2] == number && len(rest) > 1 {
			sources = append(sources, rest[1])
		}
	}
	return sources
}
