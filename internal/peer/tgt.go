package peer

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Tgt is Debian's tgt. It keeps LUN 0 for itself.
type Tgt struct {
	*Process
	addr    string
	control string // what tells its instances apart
}

// StartTgt starts tgt with units.
func StartTgt(ctx context.Context, dir string, units ...Unit) (*Tgt, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	t := &Tgt{addr: fmt.Sprintf("127.0.0.1:%d", port), control: strconv.Itoa(port)}
	t.Process, err = start(dir, "tgtd", "-f", "-C", t.control, "--iscsi", "portal="+t.addr)
	if err != nil {
		return nil, err
	}
	if err := t.configure(ctx, units); err != nil {
		_ = t.Stop()
		return nil, err
	}
	return t, nil
}

func (t *Tgt) configure(ctx context.Context, units []Unit) error {
	if err := t.await(t.addr, 10*time.Second); err != nil {
		return err
	}
	if err := t.admin(ctx, "--op", "new", "--mode", "target", "--tid", "1", "-T", iqn); err != nil {
		return err
	}
	for _, key := range []string{"HeaderDigest", "DataDigest"} { // for initiators that ask for them
		if err := t.admin(ctx, "--op", "update", "--mode", "target", "--tid", "1", "--name", key, "--value", "None,CRC32C"); err != nil {
			return err
		}
	}
	for i, u := range units {
		if err := makeFile(u); err != nil {
			return err
		}
		lun := strconv.Itoa(t.LUN(i))
		args := []string{"--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", lun, "-b", u.Path}
		if u.BlockSize != 0 {
			args = append(args, "--blocksize", strconv.Itoa(u.BlockSize))
		}
		if !u.WriteCache {
			args = append(args, "--bsoflags", "sync")
		}
		if err := t.admin(ctx, args...); err != nil {
			return err
		}
		if u.Thin {
			if err := t.admin(ctx, "--op", "update", "--mode", "logicalunit", "--tid", "1", "--lun", lun, "--params", "thin_provisioning=1"); err != nil {
				return err
			}
		}
	}
	return t.admin(ctx, "--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL")
}

func (t *Tgt) admin(ctx context.Context, args ...string) error {
	out, err := Output(ctx, nil, "tgtadm", append([]string{"-C", t.control, "--lld", "iscsi"}, args...)...)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Stop ends it at once: asked politely, tgtd stays as long as it has a target, and there is
// nothing here that it could lose.
func (t *Tgt) Stop() error {
	t.Kill()
	return nil
}

func (t *Tgt) Name() string     { return "tgt" }
func (t *Tgt) Portal() string   { return t.addr }
func (t *Tgt) IQN() string      { return iqn }
func (t *Tgt) LUN(unit int) int { return unit + 1 }

// makeFile makes the unit's file, sparse, if it is not there.
func makeFile(u Unit) error {
	f, err := os.OpenFile(u.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() >= u.Size {
		return err
	}
	return f.Truncate(u.Size)
}
