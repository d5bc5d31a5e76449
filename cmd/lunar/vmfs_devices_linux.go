package main

import (
	"os"
	"path/filepath"
	"strings"
)

// blockDevices are the machine's disks: those of /sys/block that have a size, and that no other
// device (a multipath, a mirror) is made of.
func blockDevices() ([]string, error) {
	const dir = "/sys/block"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		size, err := os.ReadFile(filepath.Join(dir, e.Name(), "size"))
		if err != nil || strings.TrimSpace(string(size)) == "0" {
			continue
		}
		if holders, err := os.ReadDir(filepath.Join(dir, e.Name(), "holders")); err == nil && len(holders) > 0 {
			continue
		}
		// A "/" in the name of a device is a "!" here.
		found = append(found, filepath.Join("/dev", strings.ReplaceAll(e.Name(), "!", "/")))
	}
	return found, nil
}
