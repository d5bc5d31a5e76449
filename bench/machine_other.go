//go:build !linux

package bench

import (
	"fmt"
	"runtime"
)

// machine names the architecture and how many processors we have.
func machine() string {
	return fmt.Sprintf("%s, %d threads, %s", runtime.GOARCH, runtime.NumCPU(), runtime.GOOS)
}
