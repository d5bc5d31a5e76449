package target

import (
	"context"
	"errors"
	"fmt"
)

// A Proof is an initiator's answer to a CHAP challenge, by MD5: what a RADIUS server is asked about,
// which has the secret.
type Proof struct {
	Initiator string // its name
	Target    string // empty: discovery
	User      string // CHAP_N
	ID        byte
	Challenge []byte
	Response  []byte
}

// ErrDenied says that a proof is wrong, or not the initiator's.
var ErrDenied = errors.New("the initiator has not proved who it is")

// ask is Admission.Ask for an initiator as it is known now. A RADIUS server knows users and not
// initiators: each initiator has one user, so that none can enter as another.
func (d *Device) ask(initiator, target string) func(context.Context, Proof) error {
	known := d.initiators[initiator]
	user := initiator
	switch {
	case known.RADIUSUser != "":
		user = known.RADIUSUser
	case known.CHAP.User != "":
		user = known.CHAP.User
	}
	ask := d.AskRADIUS
	return func(ctx context.Context, p Proof) error {
		switch {
		case p.User != user:
			return fmt.Errorf("%w: it calls itself %.80q, and is %q to the RADIUS server", ErrDenied, p.User, user)
		case ask == nil:
			return errors.New("there is no RADIUS server to ask")
		}
		p.Initiator, p.Target = initiator, target
		return ask(ctx, p)
	}
}
