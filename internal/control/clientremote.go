package control

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// A Remote says how to reach a daemon on another machine.
type Remote struct {
	URL   string // "https://host:port"
	Token string

	// Whom to trust; with neither, the authorities that this machine trusts.
	Fingerprint string // of the daemon's certificate: SHA-256 in hexadecimal digits
	CA          string // a file of certificates in PEM
}

// NewRemoteClient returns a client of a daemon on another machine. Where r makes no sense, its
// first request says so.
func NewRemoteClient(r Remote) *Client {
	c, err := r.client()
	if err != nil {
		return &Client{refused: err}
	}
	return c
}

func (r Remote) client() (*Client, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return nil, refuse(fmt.Sprintf("%q is not the address of a remote API", r.URL), "Write it like https://san.example.org:8443.")
	}
	if r.Token == "" {
		return nil, refuse("the remote API needs a token", "Set $LUNAR_TOKEN to what lunar token create printed.")
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case r.Fingerprint != "":
		// The one certificate that is trusted needs no authority, and no name.
		trust.InsecureSkipVerify = true
		trust.VerifyConnection = pinned(r.Fingerprint)
	case r.CA != "":
		if trust.RootCAs, err = authorities(r.CA); err != nil {
			return nil, err
		}
	}
	return &Client{
		socket: "https://" + u.Host,
		base:   "https://" + u.Host,
		token:  r.Token,
		http: http.Client{
			Transport:     &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for one daemon
		},
	}, nil
}

// errFingerprint says that somebody else answers.
var errFingerprint = errors.New("the certificate has another fingerprint")

// pinned accepts the one certificate that has the fingerprint.
func pinned(want string) func(tls.ConnectionState) error {
	want = strings.ToLower(strings.ReplaceAll(want, ":", ""))
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errFingerprint
		}
		if got := fingerprint(s.PeerCertificates[0].Raw); got != want {
			return fmt.Errorf("%w: %s", errFingerprint, got)
		}
		return nil
	}
}

func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s has no certificate", path)
	}
	if err != nil {
		return nil, &Problem{Title: fmt.Sprintf("cannot read the authorities to trust: %v", err), Hint: "Name a file of certificates in PEM, such as the daemon's api.crt.", cause: err}
	}
	return pool, nil
}

// distrusted reports whether err says that the daemon's certificate is not trusted.
func distrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.Is(err, errFingerprint) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid)
}
