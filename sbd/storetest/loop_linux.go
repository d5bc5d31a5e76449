package storetest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Loop makes a block device with sectors of so many bytes of the file at path until the test
// ends, and returns its path. The test is skipped where there are no loop devices to be had.
func Loop(t *testing.T, path string, sector uint32) string {
	t.Helper()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no loop devices: %v", err)
	}
	defer control.Close()
	backing, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer backing.Close()
	for range 20 { // somebody else may take the one that is free
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			t.Skipf("no loop device is free: %v", err)
		}
		name := fmt.Sprintf("/dev/loop%d", n)
		device, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Skipf("no loop device: %v", err)
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{Fd: uint32(backing.Fd()), Size: sector})
		if err == unix.EBUSY {
			device.Close()
			continue
		}
		if err != nil {
			device.Close()
			t.Skipf("cannot configure %s: %v", name, err)
		}
		t.Cleanup(func() {
			if err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_CLR_FD, 0); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			device.Close()
		})
		return name
	}
	t.Skip("every free loop device was taken by somebody else")
	return ""
}
