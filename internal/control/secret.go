package control

import (
	"fmt"
	"log/slog"

	"github.com/lunarsan/lunar/target"
)

// MaxSecret is the longest CHAP secret, in bytes; what is longer is a mistaken file.
const MaxSecret = target.MaxSecret

// A Secret is a CHAP secret. It travels in requests and is kept in the state, and is in no
// answer; it prints as "[secret]".
type Secret []byte

func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Format prints no secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// newCredential returns the CHAP name and secret of a record; user falls back to name. No
// secret, no credential. The device checks the rest.
func newCredential(user, name string, secret Secret) (*credential, error) {
	switch {
	case secret.sealed():
		return nil, conflict("the secret that is there is not known any more", "Give another with --chap-secret-file FILE, or - to read it from standard input.")
	case len(secret) > 0 && user == "":
		return &credential{name, secret}, nil
	case len(secret) > 0:
		return &credential{user, secret}, nil
	case user != "":
		return nil, refuse(fmt.Sprintf("CHAP user %q has no secret", user), "Give it with --chap-secret-file FILE, or - to read it from standard input.")
	}
	return nil, nil
}

// credentialOf is c as the device takes it. Nobody can prove himself with a secret that is not
// known.
func credentialOf(c *credential) target.Credential {
	if c == nil || c.Secret.sealed() {
		return target.Credential{}
	}
	return target.Credential{User: c.User, Secret: c.Secret}
}
