package control

import (
	"context"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/wire"
)

// A deafLink loses the answers to what is asked with one word.
type deafLink struct {
	peerLink
	to string
}

func (l deafLink) Ask(ctx context.Context, what string, q, a any) error {
	if err := l.peerLink.Ask(ctx, what, q, a); err != nil || what != l.to {
		return err
	}
	return errBroken
}

// deaf has the answers of peers to one word lost.
func deaf(r *rig, to string) {
	dial := r.d.opts.dialPeer
	r.d.opts.dialPeer = func(ctx context.Context, d *Daemon, peer peerRecord, o wire.Options) (peerLink, error) {
		l, err := dial(ctx, d, peer, o)
		return deafLink{l, to}, err
	}
}

// failedOver is a twosome whose other site has taken over.
func failedOver(t *testing.T) (s *twosome, name string) {
	t.Helper()
	s = newTwosome(t)
	s.run()
	info := must(s.other.FailoverDR(t.Context(), DRFailover{Job: "nightly"}))(t)
	if info = s.settled(info.Name); info.Phase != drActive {
		t.Fatalf("failed over: %+v", info)
	}
	return s, info.Name
}

// When the originals are in their place again, and nobody knows it here, what hosts write to them stays.
func TestFailbackHandedOver(t *testing.T) {
	t.Parallel()
	s, name := failedOver(t)
	ctx := t.Context()
	deaf(s.other, askRestore)
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly"}))(t)
	if info := s.settled(name); info.Phase != drHanding || info.Problem == "" {
		t.Fatalf("it is %+v", info)
	}
	host := must(s.main.dial(drHost, iqnA, 1, nil))(t)
	fill(t, host, 0xC1)
	s.other.crash()
	must(s.other.ModifyPeer(ctx, "main", PeerModify{Address: new(s.main.address())}))(t)
	plan := must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", DryRun: true}))(t)
	if text := strings.Join(plan.Plan, "\n"); strings.Contains(text, "send") || len(plan.Risks) > 0 {
		t.Errorf("the plan is %q %q", plan.Plan, plan.Risks)
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly"}))(t)
	if info := s.settled(name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	wantFilled(t, host, 0xC1)
	if units := must(s.other.Units(ctx))(t); len(units) > 0 {
		t.Errorf("left behind %+v", units)
	}
}

// To originals that could not be taken up nothing is sent any more, and the next daemon goes on with them.
func TestRestoreStops(t *testing.T) {
	t.Parallel()
	s, name := failedOver(t)
	ctx := t.Context()
	s.main.d.opts.openStore = func(string, sbd.OpenOptions) (sbd.Store, error) { return nil, errBroken }
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly"}))(t)
	if info := s.settled(name); info.Phase != drHanding || !strings.Contains(info.Problem, "not online") {
		t.Fatalf("it is %+v", info)
	}
	if s.main.d.mayReturn("dr", unitNames+s.unit.GUID) {
		t.Error("the other site may still send")
	}
	s.main.crash()
	must(s.other.ModifyPeer(ctx, "main", PeerModify{Address: new(s.main.address())}))(t)
	eventually(t, "the next daemon takes the unit up", func() bool {
		_, err := s.main.DR(ctx, "nightly")
		return isMissing(err)
	})
	host := must(s.main.dial(drHost, iqnA, 1, nil))(t)
	fill(t, host, 0xC1)
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly"}))(t)
	if info := s.settled(name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	wantFilled(t, host, 0xC1)
}

// A failover that changed nothing is forgotten when that is said, and not by looking.
func TestEndFailedFailover(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	s.run()
	s.source.at(s.main.path("vm1.img")).fail = func(what string) error {
		if what == "send" {
			return errBroken
		}
		return nil
	}
	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	if info := s.settled(began.Name); info.Phase != drFailed {
		t.Fatalf("it is %+v", info)
	}
	if info := must(s.other.EndDR(ctx, began.Name, DREnd{Try: true}))(t); len(info.Plan) != 1 {
		t.Errorf("the plan is %q", info.Plan)
	}
	must(s.other.DR(ctx, began.Name))(t)
	must(s.other.EndDR(ctx, began.Name, DREnd{}))(t)
	if _, err := s.other.DR(ctx, began.Name); !isMissing(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// A failover leaves alone what has its name already.
func TestFailoverName(t *testing.T) {
	s := newTwosome(t)
	s.run()
	if err := s.other.d.saveDR(&drRecord{Name: failoverName("nightly"), Kind: DRKindTest, Site: "main/weekly"}, drReady); err != nil {
		t.Fatal(err)
	}
	plan := must(s.other.FailoverDR(t.Context(), DRFailover{Job: "nightly", DryRun: true}))(t)
	if plan.Name != "failover-nightly-2" {
		t.Errorf("it is called %s", plan.Name)
	}
}
