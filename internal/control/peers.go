package control

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/wire"
)

// A peer is another lunar that volumes are sent to or come from. Each knows the other's key by its
// fingerprint, and grants it what it may do here.

// A peerRecord is a peer.
type peerRecord struct {
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"`
	Address     string    `json:"address,omitempty"`     // "host:port"; empty: it comes to us
	Roots       []string  `json:"roots,omitempty"`       // folders and datasets that it may make volumes in
	Sources     []string  `json:"sources,omitempty"`     // what it may take snapshots of and read: unitNames for all units
	AppendOnly  bool      `json:"append_only,omitempty"` // what is there stays
	MinAge      string    `json:"min_age,omitempty"`     // younger snapshots stay: "14d"
	Failover    bool      `json:"failover,omitempty"`    // it may take the jobs to it over, and give them back
	Secrets     bool      `json:"secrets,omitempty"`     // CHAP secrets go along to it
	Created     time.Time `json:"created"`
}

const peerKind kind[peerRecord] = "peer/"

// unitNames begin the names of volumes that are the stores of units.
const unitNames = "lu:"

// peerHint is the way out where there is no such peer.
const peerHint = "lunar peer list shows the peers."

// CreatePeer makes a peer known.
func (d *Daemon) CreatePeer(ctx context.Context, q PeerCreate) (PeerInfo, error) {
	r, err := q.record()
	if err != nil {
		return PeerInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return PeerInfo{}, err
	}
	defer end()
	known, err := peerKind.list(d.state)
	if err != nil {
		return PeerInfo{}, err
	}
	if err := distinctPeers(append(known, r)); err != nil {
		return PeerInfo{}, err
	}
	if err := d.savePeer(r); err != nil {
		return PeerInfo{}, err
	}
	d.log.Info("made a peer known", "peer", r.Name, "fingerprint", r.Fingerprint)
	return r.info(), nil
}

// ModifyPeer changes what is known of a peer, and what it may do from its next request on.
func (d *Daemon) ModifyPeer(ctx context.Context, name string, q PeerModify) (PeerInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return PeerInfo{}, err
	}
	defer end()
	was, err := d.findPeer(name)
	if err != nil {
		return PeerInfo{}, err
	}
	asked := was.info().PeerCreate
	change(&asked.Address, q.Address)
	change(&asked.Fingerprint, q.Fingerprint)
	change(&asked.Roots, q.Roots)
	change(&asked.Sources, q.Sources)
	change(&asked.AppendOnly, q.AppendOnly)
	change(&asked.MinAge, q.MinAge)
	change(&asked.Failover, q.Failover)
	change(&asked.Secrets, q.Secrets)
	r, err := asked.record()
	if err != nil {
		return PeerInfo{}, err
	}
	r.Created = was.Created
	known, err := peerKind.list(d.state)
	if err != nil {
		return PeerInfo{}, err
	}
	known = append(slices.DeleteFunc(known, func(p peerRecord) bool { return p.Name == name }), r)
	if err := distinctPeers(known); err != nil {
		return PeerInfo{}, err
	}
	if err := d.savePeer(r); err != nil {
		return PeerInfo{}, err
	}
	if r.Fingerprint != was.Fingerprint {
		d.closePeer(was.Fingerprint)
	}
	d.log.Info("changed a peer", "peer", name)
	return r.info(), nil
}

// change gives a field another value, where there is one.
func change[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func (d *Daemon) savePeer(r peerRecord) error {
	return d.state.Update(func(tx Tx) error { return peerKind.put(tx, r.Name, r) })
}

// DeletePeer forgets a peer, and ends its connections. What it has sent stays.
func (d *Daemon) DeletePeer(ctx context.Context, name string) (PeerInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return PeerInfo{}, err
	}
	defer end()
	r, err := d.findPeer(name)
	if err != nil {
		return PeerInfo{}, err
	}
	if err := d.mayForgetPeer(name); err != nil {
		return PeerInfo{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return peerKind.delete(tx, name) }); err != nil {
		return PeerInfo{}, err
	}
	d.closePeer(r.Fingerprint)
	d.log.Info("forgot a peer", "peer", name)
	return r.info(), nil
}

// Peers returns the peers in order of their names.
func (d *Daemon) Peers(context.Context) ([]PeerInfo, error) {
	records, err := peerKind.list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]PeerInfo, 0, len(records))
	for _, r := range records {
		infos = append(infos, r.info())
	}
	return infos, nil
}

// Peer returns one peer.
func (d *Daemon) Peer(_ context.Context, name string) (PeerInfo, error) {
	r, err := d.findPeer(name)
	return r.info(), err
}

// PeerID tells what this daemon proves itself with to peers, and where they reach it.
func (d *Daemon) PeerID(context.Context) (PeerIdentity, error) {
	id, err := d.peerIdentity()
	if err != nil {
		return PeerIdentity{}, err
	}
	info := PeerIdentity{Fingerprint: id.Fingerprint().String()}
	if a := d.opts.Replication; a.IsValid() {
		info.Listen = a.String()
	}
	return info, nil
}

func (d *Daemon) findPeer(name string) (r peerRecord, err error) {
	r, ok, err := peerKind.find(d.state, name)
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no peer %q", name), peerHint)
	}
	return r, err
}

// peerWith returns the peer with a key.
func (d *Daemon) peerWith(fingerprint string) (peerRecord, error) {
	records, err := peerKind.list(d.state)
	if err != nil {
		return peerRecord{}, err
	}
	for _, r := range records {
		if r.Fingerprint == fingerprint && fingerprint != "" {
			return r, nil
		}
	}
	return peerRecord{}, missing("no peer has the key "+fingerprint, "Make it known: lunar peer add NAME --fingerprint "+fingerprint)
}

// record checks q and returns what it asks for.
func (q PeerCreate) record() (peerRecord, error) {
	r := peerRecord{Name: q.Name, AppendOnly: q.AppendOnly, MinAge: q.MinAge, Failover: q.Failover, Secrets: q.Secrets,
		Created: time.Now().UTC().Truncate(time.Second)}
	if !isHostName(q.Name) || len(q.Name) > maxAlias {
		return r, refuse(fmt.Sprintf("%q is not a name for a peer", q.Name), "Use letters, digits, hyphens and dots.")
	}
	if strings.HasPrefix(q.Address, sshAddress) {
		return r.reachedBySSH(q)
	}
	key, err := wire.ParseFingerprint(q.Fingerprint)
	if err != nil {
		return r, refuse(err.Error(), "lunar peer id on the other machine prints it.")
	}
	r.Fingerprint = key.String()
	if q.Address != "" {
		if r.Address, err = ParseHostPort(q.Address, DefaultReplicationPort); err != nil {
			return r, err
		}
	}
	if r.Roots, err = parseRoots(q.Roots); err != nil {
		return r, err
	}
	if r.Sources, err = parseRoots(q.Sources); err != nil {
		return r, err
	}
	_, err = parseAge(q.MinAge)
	return r, err
}

// sshAddress begins the address of a peer that is reached by ssh. Its keys are ssh's business, and it
// does not come here: lunar receive --stdio is there.
const sshAddress = "ssh://"

func (r *peerRecord) overSSH() bool { return strings.HasPrefix(r.Address, sshAddress) }

func (r peerRecord) reachedBySSH(q PeerCreate) (peerRecord, error) {
	a, err := wire.ParseAddress(q.Address + "/x")
	switch {
	case err != nil || a.Volume != "x":
		return r, refuse(fmt.Sprintf("%q is no address", q.Address), "Write it like ssh://lunar@dr.example.org, or ssh://lunar@dr.example.org:2222.")
	case q.Fingerprint != "" || len(q.Roots)+len(q.Sources) > 0 || q.AppendOnly || q.MinAge != "" || q.Failover || q.Secrets:
		return r, refuse("a peer that is reached by ssh does not come here, and so it may do nothing here", "Leave all but --address out.")
	}
	r.Address = q.Address
	return r, nil
}

// parseRoots checks names of what a peer may reach, and puts them in order.
func parseRoots(words []string) (roots []string, err error) {
	for _, w := range words {
		clean := path.Clean(w)
		unit := strings.HasPrefix(w, unitNames)
		switch {
		case unit:
			clean = w
		case w == "" || clean == "/" || strings.HasPrefix(clean, ".") || strings.ContainsAny(w, "@#") || strings.HasPrefix(w, "-"):
			return nil, refuse(fmt.Sprintf("%q is nothing that a peer may be let into", w),
				"Name a folder below the root directory, a dataset (tank/replicas), or lu:GUID; lu: alone is all units.")
		}
		roots = append(roots, clean)
	}
	slices.Sort(roots)
	return slices.Compact(roots), nil
}

// distinctPeers refuses names and keys that two have.
func distinctPeers(all []peerRecord) error {
	names, keys := make(map[string]bool), make(map[string]string)
	for _, r := range all {
		if names[r.Name] {
			return conflict(fmt.Sprintf("there is a peer %q already", r.Name), "Choose another name, or change it: lunar peer modify "+r.Name)
		}
		if other, there := keys[r.Fingerprint]; there && r.Fingerprint != "" {
			return conflict(fmt.Sprintf("peers %q and %q would have one key", other, r.Name), "A key is one machine's: lunar peer id prints another there.")
		}
		names[r.Name], keys[r.Fingerprint] = true, r.Name
	}
	return nil
}

// ageUnits are what ages are counted in.
var ageUnits = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// parseAge reads an age like "36h" or "14d"; empty: none.
func parseAge(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	unit, known := ageUnits[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 20)
	if err != nil || !known {
		return 0, refuse(fmt.Sprintf("%q is no age", s), "Write it like 90m, 36h, 14d or 8w.")
	}
	return time.Duration(n) * unit, nil
}

func (r peerRecord) info() PeerInfo {
	return PeerInfo{PeerCreate{r.Name, r.Fingerprint, r.Address, r.Roots, r.Sources, r.AppendOnly, r.MinAge, r.Failover, r.Secrets}, r.Created}
}
