package control

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// The files of the certificate that the daemon makes for itself, inside the state directory.
const (
	certificateFile = "api.crt"
	keyFileAPI      = "api.key"
)

// certificateTime is how long a certificate that the daemon made is valid: clients trust it by its
// fingerprint, and not by its age.
const certificateTime = 10 * 365 * 24 * time.Hour

// certificate returns what the daemon proves itself with to clients of the remote API: what it was
// started with, or what it made at the first use.
func (d *Daemon) certificate(listen netip.AddrPort) (tls.Certificate, error) {
	certPath, keyPath := d.opts.RemoteCertificate, d.opts.RemoteKey
	own := certPath == ""
	if own {
		certPath, keyPath = filepath.Join(d.opts.StateDir, certificateFile), filepath.Join(d.opts.StateDir, keyFileAPI)
		if _, err := os.Stat(certPath); errors.Is(err, fs.ErrNotExist) {
			if err := makeCertificate(certPath, keyPath, listen); err != nil {
				return tls.Certificate{}, fmt.Errorf("making a certificate for the remote API: %w", err)
			}
		}
	}
	c, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err != nil {
		hint := "Name a certificate and its key in PEM with --api-cert and --api-key, or leave both out."
		if own {
			hint = "Remove " + certPath + " and " + keyPath + ": the daemon makes new ones, with another fingerprint."
		}
		return c, &Problem{Title: fmt.Sprintf("the certificate of the remote API cannot be used: %v", err), Hint: hint, cause: err}
	}
	return c, nil
}

// makeCertificate makes a key and a certificate that it signs itself. The certificate is written
// last: where it is, its key is too.
func makeCertificate(certPath, keyPath string, listen netip.AddrPort) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "lunar"},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(certificateTime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if host, err := os.Hostname(); err == nil && isHostName(host) {
		template.DNSNames = append(template.DNSNames, host)
	}
	if a := listen.Addr(); !a.IsUnspecified() {
		template.IPAddresses = append(template.IPAddresses, a.AsSlice())
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(certPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644),
	)
}

// fingerprint is the SHA-256 of a certificate, in hexadecimal digits.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
