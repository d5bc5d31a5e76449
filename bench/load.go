package bench

import "fmt"

// A Load is a pattern of I/O by one client on one connection.
type Load struct {
	Client Client
	Block  int // bytes
	Depth  int // commands in flight
	Write  bool
}

// Loads are those that every change is measured by.
var Loads = []Load{
	{QemuImg, 4 << 10, 1, false},
	{QemuImg, 4 << 10, 1, true},
	{QemuImg, 4 << 10, 32, false},
	{QemuImg, 4 << 10, 32, true},
	{QemuImg, 256 << 10, 16, false},
	{QemuImg, 256 << 10, 16, true},
	{ISCSIPerf, 4 << 10, 1, false},
	{ISCSIPerf, 4 << 10, 32, false},
	{ISCSIPerf, 256 << 10, 16, false},
}

func (l Load) String() string {
	verb := "read"
	if l.Write {
		verb = "write"
	}
	return fmt.Sprintf("%d KiB QD%d %s", l.Block>>10, l.Depth, verb)
}
