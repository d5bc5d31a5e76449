package iscsi_test

import (
	"context"
	"testing"

	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestRADIUSWaits: a login that waits for a RADIUS server holds up nobody else, and neither the end
// of the server.
func TestRADIUSWaits(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		const asks = rigTarget + ".asks"
		asked, ended := make(chan target.Proof, 1), make(chan error, 1)
		r.device.AskRADIUS = func(ctx context.Context, p target.Proof) error {
			asked <- p
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}
		if err := r.device.AddTarget(target.Target{Name: asks, Auth: target.Auth{Method: target.AuthRADIUS}}); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		nc := r.open()
		go func() {
			_, err := initiator.Dial(nc, initiator.Options{Name: rigInitiator, Target: asks, CHAP: &initiator.CHAP{User: rigInitiator, Secret: "a secret"}})
			failed <- err
		}()
		if p := <-asked; p.Initiator != rigInitiator || p.Target != asks || p.User != rigInitiator || len(p.Challenge) < 16 || len(p.Response) != 16 {
			t.Errorf("asked about %+v", p)
		}
		r.logout(r.login(initiator.Options{}))
		if err := r.server.Shutdown(t.Context(), 0); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != context.Canceled {
			t.Errorf("the wait ended with %v", err)
		}
		if err := <-failed; err == nil {
			t.Error("logged in")
		}
	})
}
