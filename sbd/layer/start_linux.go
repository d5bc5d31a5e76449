package layer

import (
	"os"
	"strings"
)

// systemStart is what the kernel calls the time since it began.
func systemStart() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
