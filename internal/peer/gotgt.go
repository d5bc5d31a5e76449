package peer

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Gotgt is the Go target gotgt, as the program at bench/gotgt serves with it. It has no write
// cache to switch off.
type Gotgt struct {
	*Process
	addr string
}

// StartGotgt builds the program in the checkout at root and starts it with one unit.
func StartGotgt(ctx context.Context, dir, root string, u Unit) (*Gotgt, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	if err := makeFile(u); err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "gotgt")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join(root, "bench", "gotgt")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, Unbuilt{"gotgt", fmt.Sprintf("go build in bench/gotgt: %v\n%s", err, out)}
	}
	t := &Gotgt{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	if t.Process, err = start(dir, binary, iqn, u.Path, strconv.Itoa(port)); err != nil {
		return nil, err
	}
	if err := t.await(t.addr, 10*time.Second); err != nil {
		_ = t.Stop()
		return nil, err
	}
	return t, nil
}

// Unbuilt is the error of a program that could not be built here, such as one whose modules
// are out of reach.
type Unbuilt struct{ Program, Reason string }

func (u Unbuilt) Error() string { return fmt.Sprintf("%s was not built: %s", u.Program, u.Reason) }

// Stop ends it at once: it has nothing to lose.
func (t *Gotgt) Stop() error {
	t.Kill()
	return nil
}

func (t *Gotgt) Name() string     { return "gotgt" }
func (t *Gotgt) Portal() string   { return t.addr }
func (t *Gotgt) IQN() string      { return iqn }
func (t *Gotgt) LUN(unit int) int { return unit }
