//go:build !linux

package peer

import "syscall"

func dieWithUs() *syscall.SysProcAttr { return nil }
