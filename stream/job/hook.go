package job

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// maxHookOutput is how much of what a command says is told (bytes).
const maxHookOutput = 1 << 10

// hook runs a command of the job by the shell, with a deadline. It finds the names of the job and
// of the snapshot in its environment.
func (j *Job) hook(ctx context.Context, command, snapshot string) error {
	ctx, cancel := context.WithTimeout(ctx, j.hookTime())
	defer cancel()
	var said tail
	c := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	c.Env = append(os.Environ(), "LUNAR_JOB="+j.Name, "LUNAR_SNAPSHOT="+snapshot)
	c.Stdout, c.Stderr = &said, &said
	// What the command has started ends with it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	err := c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("it was ended after %s", j.hookTime())
	}
	if err != nil {
		return fmt.Errorf("command %q: %w: %s", command, err, bytes.TrimSpace(said))
	}
	return nil
}

// A tail keeps the end of what is written.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if n := len(*t) - maxHookOutput; n > 0 {
		*t = append((*t)[:0], (*t)[n:]...)
	}
	return len(p), nil
}
