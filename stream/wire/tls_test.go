package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

func identity(t *testing.T) *Identity {
	t.Helper()
	id, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// listen serves v over TLS to the client that has that key, and returns where.
func listen(t *testing.T, r *rig, server *Identity, client Fingerprint) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() {
				secured, who, err := server.Accept(ctx, conn, client.Is)
				if err == nil {
					_ = r.server.Serve(ctx, secured, who.String(), r.host)
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
	})
	return ln.Addr().String()
}

func TestTLS(t *testing.T) {
	v := &pipeVolume{name: "v"}
	r := newRig(t, mapHost{"v": v}, Options{})
	server, client, other := identity(t), identity(t), identity(t)
	address := listen(t, r, server, client.Fingerprint())

	l, err := Connect(t.Context(), client.Dial(address, server.Fingerprint()), Options{Name: "far", Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Volume("v").Receive(t.Context(), newMaterial(testStream), stream.Receive{}); err != nil {
		t.Error(err)
	}
	if v.sum != sumOf(t, newMaterial(testStream)) {
		t.Error("what was sent is not what came")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}

	if _, err := Connect(t.Context(), other.Dial(address, server.Fingerprint()), Options{}); !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), "there") {
		t.Errorf("a client with another key is told %v", err)
	}
	if _, err := Connect(t.Context(), client.Dial(address, other.Fingerprint()), Options{}); !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), server.Fingerprint().String()) {
		t.Errorf("a server with another key: %v", err)
	}
	old := client.config(server.Fingerprint().Is)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.2 was good enough")
	}
	bare := client.config(server.Fingerprint().Is)
	bare.Certificates = nil
	conn, err := tls.Dial("tcp", address, bare)
	if err == nil {
		_, err = io.ReadAll(conn)
		_ = conn.Close()
	}
	if err == nil {
		t.Error("no key at all was good enough")
	}
}

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "key")
	id, err := OpenIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := OpenIdentity(path)
	if err != nil || again.Fingerprint() != id.Fingerprint() {
		t.Errorf("the key changed, or %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenIdentity(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenIdentity(path); !errors.Is(err, ErrIdentity) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	f := identity(t).Fingerprint()
	text := f.String()
	if !strings.HasPrefix(text, "lunar1-") || len(text) != len("lunar1-")+52+12 {
		t.Errorf("it is written %s", text)
	}
	for _, s := range []string{text, strings.ToUpper(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " ")} {
		if got, err := ParseFingerprint(s); err != nil || got != f {
			t.Errorf("%q is read as %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "lunar1-", text[:len(text)-1], text + "a", "lunar2" + text[6:], strings.Replace(text, "-", "-1", 2)} {
		if _, err := ParseFingerprint(s); !errors.Is(err, ErrFingerprint) {
			t.Errorf("%q: %v", s, err)
		}
	}
	other := f
	other[31] ^= 1
	if f.Is(other) || !f.Is(f) {
		t.Error("fingerprints are compared wrongly")
	}
}

func FuzzFingerprint(f *testing.F) {
	f.Add(Fingerprint{1, 2, 3}.String())
	f.Add("lunar1-aaaa")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseFingerprint(s); err == nil {
			if again, err := ParseFingerprint(got.String()); err != nil || again != got {
				t.Errorf("%q becomes %s and that %v, %v", s, got, again, err)
			}
		}
	})
}

func FuzzIdentity(f *testing.F) {
	id, err := NewIdentity()
	if err != nil {
		f.Fatal(err)
	}
	p, err := id.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if id, err := ParseIdentity(p); (id == nil) != (err != nil) {
			t.Errorf("%v and %v", id, err)
		}
	})
}
