package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A Login says how qemu-img logs in. Its driver knows CHAP one way and CRC32C on headers;
// for mutual CHAP, Preload names a library that adds the target's half (testdata/peers/mutual.c).
// libiscsi 1.19 has no data digests: those are the guest's to try.
type Login struct {
	HeaderDigest             bool
	User, Secret             string // "" : no CHAP
	TargetUser, TargetSecret string // "" : not mutual
	Preload                  string
}

// Convert copies an image with qemu-img convert, raw on both sides: from and to are files, or
// what Image returns. dir keeps the secret while it runs.
func Convert(ctx context.Context, dir string, login Login, from, to string) error {
	args := []string{"convert", "-n", "-f", "raw", "-O", "raw"}
	if login.User != "" {
		secret := filepath.Join(dir, "secret")
		if err := os.WriteFile(secret, []byte(login.Secret), 0o600); err != nil {
			return err
		}
		args = append(args, "--object", "secret,id=chap,file="+secret)
	}
	var env []string
	if login.TargetUser != "" {
		env = []string{"LD_PRELOAD=" + login.Preload, "MUTUAL_USER=" + login.TargetUser, "MUTUAL_SECRET=" + login.TargetSecret}
	}
	out, err := Output(ctx, env, "qemu-img", append(args, from, to)...)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Image names a unit of a target as a qemu image.
func (l Login) Image(t Target, unit int) string {
	opts := map[string]any{
		"driver":        "iscsi",
		"transport":     "tcp",
		"portal":        t.Portal(),
		"target":        t.IQN(),
		"lun":           t.LUN(unit),
		"header-digest": "none",
	}
	if l.HeaderDigest {
		opts["header-digest"] = "crc32c"
	}
	if l.User != "" {
		opts["user"], opts["password-secret"] = l.User, "chap"
	}
	text, err := json.Marshal(map[string]any{"driver": "raw", "file": opts})
	if err != nil {
		panic(err) // strings, numbers and booleans always marshal
	}
	return "json:" + string(text)
}
