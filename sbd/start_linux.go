package sbd

import (
	"os"
	"strings"
)

// SystemStart is what the kernel calls the time since it began: as long as it is the same, what a
// process wrote is in the system's memory, synced or not, and outlives the process. It is empty
// where nobody knows.
func SystemStart() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
