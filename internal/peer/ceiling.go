package peer

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// Ceiling is the least a target can do: one C file that answers every command from memory
// and checks nothing. What it reaches is what the machine leaves to any target.
type Ceiling struct {
	*Process
	addr string
}

// StartCeiling compiles source (usage of the program: PORT MIB) and starts it.
func StartCeiling(ctx context.Context, dir, source string, size int64) (*Ceiling, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "ceiling")
	if out, err := Output(ctx, nil, "cc", "-O2", "-o", binary, source); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	c := &Ceiling{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	c.Process, err = start(dir, binary, strconv.Itoa(port), strconv.FormatInt(size>>20, 10))
	if err != nil {
		return nil, err
	}
	if err := c.await(c.addr, 10*time.Second); err != nil {
		_ = c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Ceiling) Name() string   { return "ceiling" }
func (c *Ceiling) Portal() string { return c.addr }
func (c *Ceiling) IQN() string    { return iqn }
func (c *Ceiling) LUN(int) int    { return 0 }
