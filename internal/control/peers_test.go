package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
)

// anyPort lets a daemon's peers come to a port of its own.
func anyPort(o *Options) { o.Replication = netip.MustParseAddrPort("127.0.0.1:0") }

// address is where peers come to.
func (r *rig) address() string {
	r.t.Helper()
	return r.d.reception.Addr().String()
}

// befriend makes each of two daemons known to the other: to is what "main" may do at s.
func befriend(t *testing.T, main, other *rig, to PeerCreate) {
	t.Helper()
	to.Name, to.Fingerprint, to.Address = "main", must(main.PeerID(t.Context()))(t).Fingerprint, main.address()
	must(other.CreatePeer(t.Context(), to))(t)
	must(main.CreatePeer(t.Context(), PeerCreate{Name: "dr", Fingerprint: must(other.PeerID(t.Context()))(t).Fingerprint, Address: other.address(), Failover: true, Secrets: true}))(t)
}

// link is a's way to a peer.
func (r *rig) link(name string) peerLink {
	r.t.Helper()
	l := must(dialPeer(r.t.Context(), r.d, must(r.d.findPeer(name))(r.t), wire.Options{}))(r.t)
	r.t.Cleanup(func() { l.Close() })
	return l
}

// Peers are kept, changed, told apart by name and key, and in the history as other configuration is.
func TestPeers(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	key := must(start(t, nil).PeerID(ctx))(t).Fingerprint
	own := must(r.PeerID(ctx))(t)
	if info := must(os.Stat(filepath.Join(r.opts.StateDir, peerKeyFile)))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
	p := must(r.CreatePeer(ctx, PeerCreate{Name: "dr", Fingerprint: strings.ToUpper(key), Address: "dr.example.org", Roots: []string{"tank/replicas", "/replicas/", "/replicas"}}))(t)
	if diff := cmp.Diff(PeerCreate{Name: "dr", Fingerprint: key, Address: "dr.example.org:3261", Roots: []string{"/replicas", "tank/replicas"}}, p.PeerCreate); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		q    PeerCreate
		want string
	}{
		{PeerCreate{Name: "a b", Fingerprint: own.Fingerprint}, "name"},
		{PeerCreate{Name: "x", Fingerprint: "lunar1-abc"}, "fingerprint"},
		{PeerCreate{Name: "x", Fingerprint: key}, "one key"},
		{PeerCreate{Name: "dr", Fingerprint: own.Fingerprint}, "already"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, Address: "a b"}, "a b"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, MinAge: "soon"}, "14d"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, Roots: []string{"/"}}, "let into"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, Roots: []string{"../a"}}, "let into"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, Sources: []string{"tank/a@b"}}, "let into"},
		{PeerCreate{Name: "x", Fingerprint: own.Fingerprint, Roots: []string{"-r"}}, "let into"},
	} {
		_, err := r.CreatePeer(ctx, test.q)
		wantProblem(t, err, test.want)
	}
	before := export(t, r)
	p = must(r.ModifyPeer(ctx, "dr", PeerModify{Roots: &[]string{}, AppendOnly: new(true), MinAge: new("14d")}))(t)
	if len(p.Roots) > 0 || !p.AppendOnly || p.MinAge != "14d" || p.Address != "dr.example.org:3261" {
		t.Errorf("modified to %+v", p)
	}
	r.restart()
	if again := must(r.Peer(ctx, "dr"))(t); !cmp.Equal(again, p) {
		t.Errorf("after a restart %+v", again)
	}
	if id := must(r.PeerID(ctx))(t); id != own {
		t.Errorf("after a restart the key is %+v", id)
	}
	must(r.ApplyConfig(ctx, ConfigApply{Document: before}))(t)
	if diff := cmp.Diff(before, export(t, r)); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
	must(r.DeletePeer(ctx, "dr"))(t)
	_, err := r.Peer(ctx, "dr")
	wantProblem(t, err, "no peer")
	_, err = r.ModifyPeer(ctx, "dr", PeerModify{})
	wantProblem(t, err, "no peer")
}

// A peer finds what its record lets it, and from the next call on what it then says.
func TestPeerRights(t *testing.T) {
	ctx := t.Context()
	var c copies
	main := start(t, anyPort)
	other := start(t, func(o *Options) { anyPort(o); o.openVolume = c.open })
	root := other.path("replicas")
	unit := other.createUnit(UnitCreate{Path: other.path("own")})
	befriend(t, main, other, PeerCreate{Roots: []string{root}, Sources: []string{"lu:"}, MinAge: "14d"})
	l := main.link("dr")
	must(0, os.MkdirAll(root, 0o700))(t)
	must(0, os.WriteFile(root+"/a", make([]byte, 512), 0o600))(t)

	inRoot, outside, ours := l.Volume(root+"/a"), l.Volume(other.path("own")), l.Volume("lu:"+unit.GUID)
	must(inRoot.Take(ctx, "now"))(t)
	must(ours.Take(ctx, "now"))(t)
	forbidden := func(what string, err error, words ...string) {
		t.Helper()
		if !errors.Is(err, stream.ErrForbidden) {
			t.Errorf("%s: error %v, want it forbidden", what, err)
		}
		for _, w := range words {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in %q", what, w, err)
			}
		}
	}
	try := func(_ any, err error) error { return err }
	forbidden("what is in no root", try(outside.Snapshots(ctx)), "lunar peer modify main")
	forbidden("a way out of a root", try(l.Volume(root+"/../own").Snapshots(ctx)))
	forbidden("a young snapshot", inRoot.Destroy(ctx, "now"), "336h")
	forbidden("a rollback", inRoot.Rollback(ctx, "now"))
	forbidden("a clone", try(inRoot.Clone(ctx, "now", "x")))
	forbidden("a unit's rollback", ours.Rollback(ctx, "now"))
	forbidden("a unit's young snapshot", ours.Destroy(ctx, "now"))
	forbidden("receiving into a unit", try(ours.Receive(ctx, strings.NewReader(""), stream.Receive{})))

	must(other.ModifyPeer(ctx, "main", PeerModify{Sources: &[]string{}}))(t)
	forbidden("a unit that is no source any more", try(ours.Snapshots(ctx)))

	guid := must(sbd.ParseGUID(guidA))(t)
	deposit := SiteDeposit{Job: "j", Snapshot: "now", Taken: time.Now(), Document: strings.ReplaceAll(siteYAML, "SIZE", "512"), Volumes: []SiteVolume{{guid, "lu:a", root + "/a"}}}
	if err := l.Ask(ctx, askSite, deposit, nil); err != nil {
		t.Error(err)
	}
	if s := must(other.Site(ctx, "j"))(t); s.Peer != "main" {
		t.Errorf("deposited %+v", s)
	}
	deposit.Volumes[0].Replica = other.path("own")
	forbidden("a deposit about what is elsewhere", l.Ask(ctx, askSite, deposit, nil))
	forbidden("taking over", l.Ask(ctx, askYield, drAsk{Job: "j"}, nil), "--failover")
	if err := l.Ask(ctx, "weather", json.RawMessage("{}"), nil); err == nil || !strings.Contains(err.Error(), "weather") {
		t.Errorf("another question: %v", err)
	}
}

// Who is not known is told nothing, and who is not known any more is cut off.
func TestPeerUnknown(t *testing.T) {
	main, other := start(t, anyPort), start(t, anyPort)
	befriend(t, main, other, PeerCreate{Roots: []string{"/replicas"}})
	stranger := start(t, nil)
	must(stranger.CreatePeer(t.Context(), PeerCreate{Name: "dr", Fingerprint: must(other.PeerID(t.Context()))(t).Fingerprint, Address: other.address()}))(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	l, err := dialPeer(ctx, stranger.d, must(stranger.d.findPeer("dr"))(t), wire.Options{})
	if err == nil {
		l.Close()
		t.Error("a stranger came in")
	}
	known := main.link("dr")
	if err := known.Ask(ctx, "weather", nil, nil); err == nil || !strings.Contains(err.Error(), "weather") {
		t.Errorf("before: %v", err)
	}
	must(other.DeletePeer(t.Context(), "main"))(t)
	eventually(t, "the connection is cut", func() bool {
		other.d.reception.mu.Lock()
		defer other.d.reception.mu.Unlock()
		return len(other.d.reception.conns) == 0
	})
	must(other.CreatePeer(t.Context(), PeerCreate{Name: "wrong", Fingerprint: must(stranger.PeerID(t.Context()))(t).Fingerprint, Address: main.address()}))(t)
	if _, err := dialPeer(ctx, other.d, must(other.d.findPeer("wrong"))(t), wire.Options{}); err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("somebody else at the address: %v", err)
	}
}
