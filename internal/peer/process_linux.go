package peer

import "syscall"

// dieWithUs has the kernel end the child when we end, however that happens.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
