//go:build peers

package peer

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var imageSize = flag.Int64("image", 1<<30, "size of the image that goes there and back, in bytes")

const qemuName = "iqn.2008-11.org.linux-kvm" // qemu's name for itself

// TestPeerRoundTrip copies a random image onto a unit and back with qemu-img, under each kind of
// login that qemu can do, and wants it back as it was.
func TestPeerRoundTrip(t *testing.T) {
	need(t, "qemu-img")
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	want := randomImage(t, image, *imageSize)
	chap := Login{User: qemuName, Secret: secret}
	mutual := Login{User: qemuName, Secret: secret, TargetUser: targetUser, TargetSecret: targetSecret}
	for _, tt := range []struct {
		name  string
		login Login
		auth  string
	}{
		{"plain", Login{}, "none"},
		{"header digest", Login{HeaderDigest: true}, "none"},
		{"CHAP", chap, "chap"},
		{"CHAP and header digest", Login{HeaderDigest: true, User: chap.User, Secret: chap.Secret}, "chap"},
		{"mutual CHAP", mutual, "mutual"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.login.TargetUser != "" {
				tt.login.Preload = buildMutual(t)
			}
			dir := t.TempDir()
			lunar := startWithAuth(t, dir, tt.auth, *imageSize)
			back := filepath.Join(dir, "back")
			unit := tt.login.Image(lunar, 0)
			if err := Convert(t.Context(), dir, tt.login, image, unit); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(back, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(back, *imageSize); err != nil {
				t.Fatal(err)
			}
			if err := Convert(t.Context(), dir, tt.login, unit, back); err != nil {
				t.Fatal(err)
			}
			if got := sum(t, back); !bytes.Equal(got, want) {
				t.Errorf("the image came back as %x, it was %x", got, want)
			}
		})
	}
}

// TestPeerRefusals: what does not prove itself stays outside, whichever side it is.
func TestPeerRefusals(t *testing.T) {
	need(t, "qemu-img")
	mutual := Login{User: qemuName, Secret: secret, TargetUser: targetUser, TargetSecret: targetSecret}
	for _, tt := range []struct {
		name   string
		auth   string
		change func(*Login)
	}{
		{"no CHAP", "chap", func(l *Login) { l.User, l.TargetUser = "", "" }},
		{"wrong user", "chap", func(l *Login) { l.User, l.TargetUser = "somebody", "" }},
		{"wrong secret", "chap", func(l *Login) { l.Secret, l.TargetUser = "another-secret-1", "" }},
		{"target with another secret", "mutual", func(l *Login) { l.TargetSecret = "another-secret-2" }},
		{"target with another name", "mutual", func(l *Login) { l.TargetUser = "somebody" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			login := mutual
			tt.change(&login)
			if login.TargetUser != "" {
				login.Preload = buildMutual(t)
			}
			dir := t.TempDir()
			lunar := startWithAuth(t, dir, tt.auth, 1<<20)
			back := filepath.Join(dir, "back")
			if err := os.WriteFile(back, make([]byte, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Convert(t.Context(), dir, login, login.Image(lunar, 0), back); err == nil {
				t.Error("the image was read")
			}
		})
	}
}

// startWithAuth starts the daemon with one unit and a target that asks for auth.
func startWithAuth(t *testing.T, dir, auth string, size int64) *Lunar {
	t.Helper()
	lunar, err := StartLunar(t.Context(), dir, build(t), "", Unit{Path: filepath.Join(dir, "unit"), Size: size, Thin: true, WriteCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lunar.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(tail(lunar.Log(), 40))
		}
	})
	if auth == "none" {
		return lunar
	}
	cli := func(args ...string) {
		t.Helper()
		if _, err := lunar.CLI(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	cli("initiator", "create", qemuName, "--chap-user", qemuName, "--chap-secret-file", secretFile(t, secret))
	cli("target", "delete", iqn)
	create := []string{"target", "create", "-n", iqn, "--auth", auth}
	if auth == "mutual" {
		create = append(create, "--chap-user", targetUser, "--chap-secret-file", secretFile(t, targetSecret))
	}
	cli(create...)
	return lunar
}

// buildMutual builds what teaches qemu mutual CHAP.
func buildMutual(t *testing.T) string {
	t.Helper()
	need(t, "cc")
	library := filepath.Join(t.TempDir(), "mutual.so")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, "../../testdata/peers/mutual.c").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return library
}

// randomImage writes size random bytes, the same each time, and returns their hash.
func randomImage(t *testing.T, name string, size int64) []byte {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	src := rand.NewChaCha8([32]byte([]byte("a random image, there and back. ")))
	if _, err := io.CopyN(io.MultiWriter(f, h), src, size); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}

func sum(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}
