package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// An Identity is the key that a site proves itself with. The other site knows its Fingerprint.
type Identity struct {
	key         ed25519.PrivateKey
	certificate tls.Certificate
}

// pemType is what the file of a key says it is (RFC 7468 §10).
const pemType = "PRIVATE KEY"

// NewIdentity makes a key.
func NewIdentity() (*Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return newIdentity(key)
}

// newIdentity makes the certificate around a key, which TLS insists on. Nobody looks at what it
// says: the key in it is what the other side knows.
func newIdentity(key ed25519.PrivateKey) (*Identity, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "lunar"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate of a key: %w", err)
	}
	return &Identity{key: key, certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}

// Fingerprint is what the other site knows the key by.
func (id *Identity) Fingerprint() Fingerprint {
	return fingerprintOf(id.key.Public().(ed25519.PublicKey))
}

// Encode writes the key, which is a secret, as PEM around PKCS #8.
func (id *Identity) Encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		return nil, fmt.Errorf("writing a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// ErrIdentity is the kind of every error of a file that has no key of ours in it.
var ErrIdentity = errors.New("there is no key in it")

// ParseIdentity reads what Encode has written. ErrIdentity.
func ParseIdentity(p []byte) (*Identity, error) {
	block, _ := pem.Decode(p)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("%w: no %s in PEM", ErrIdentity, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: it is not an Ed25519 key", ErrIdentity)
	}
	return newIdentity(key)
}

// maxIdentity is how long the file of a key may be (bytes).
const maxIdentity = 64 << 10

// OpenIdentity reads the key in a file, which nobody but its owner may read, and makes one where
// there is no such file.
func OpenIdentity(path string) (*Identity, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createIdentity(path)
	case err != nil:
		return nil, fmt.Errorf("opening our key: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s: others may read our key: chmod 600 it, and make a new one if somebody has", path)
	case info.Size() > maxIdentity:
		return nil, fmt.Errorf("%s: %w: it is too long", path, ErrIdentity)
	}
	p, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading our key: %w", err)
	}
	id, err := ParseIdentity(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return id, nil
}

// createIdentity makes a key and keeps it. Of two who do so at once one wins, and both have its.
func createIdentity(path string) (*Identity, error) {
	id, err := NewIdentity()
	if err != nil {
		return nil, err
	}
	p, err := id.Encode()
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keeping our key: %w", err)
	}
	f, err := os.CreateTemp(dir, ".key-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("keeping our key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // by then it has its own name
	_, err = f.Write(p)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keeping our key: %w", err)
	}
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return OpenIdentity(path)
	case err != nil:
		return nil, fmt.Errorf("keeping our key: %w", err)
	}
	if err := syncFolder(dir); err != nil { // others are told its fingerprint now
		return nil, fmt.Errorf("keeping our key: %w", err)
	}
	return id, nil
}

// syncFolder makes names in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
