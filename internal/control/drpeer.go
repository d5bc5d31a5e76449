package control

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
)

// A peerLink is the way to a peer: to its volumes, and to what it answers itself.
type peerLink interface {
	Volume(name string) stream.Volume
	Ask(ctx context.Context, what string, q, a any) error
	Close() error
}

// What peers ask each other, beside what they do with volumes.
const (
	askSite          = "site"          // here is the configuration of a job
	askConfiguration = "configuration" // what is that of these units?
	askTake          = "take"          // take a snapshot of volumes in one instant
	askCheck         = "check"         // may your account do what a job needs?
	askStatus        = "status"        // how are the originals of a job?
	askYield         = "yield"         // give a job's units up
	askRestore       = "restore"       // take them up again
)

// answers are what a peer may ask.
var answers = map[string]func(*Daemon, context.Context, peerRecord, json.RawMessage) (any, error){
	askSite:          answering((*Daemon).answerSite),
	askConfiguration: answering((*Daemon).answerConfiguration),
	askTake:          answering((*Daemon).answerTake),
	askCheck:         answering((*Daemon).answerCheck),
	askStatus:        answering((*Daemon).yieldStatus),
	askYield:         answering((*Daemon).yield),
	askRestore:       answering((*Daemon).restore),
}

// answering reads what f is asked.
func answering[Q, A any](f func(*Daemon, context.Context, peerRecord, Q) (A, error)) func(*Daemon, context.Context, peerRecord, json.RawMessage) (any, error) {
	return func(d *Daemon, ctx context.Context, peer peerRecord, body json.RawMessage) (any, error) {
		var q Q
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		return f(d, ctx, peer, q)
	}
}

// answerPeer answers what a peer asks.
func (d *Daemon) answerPeer(ctx context.Context, peer peerRecord, what string, body json.RawMessage) (any, error) {
	f := answers[what]
	switch {
	case f == nil:
		return nil, fmt.Errorf("%q is nothing that a peer answers: are both daemons of the same version?", what)
	case (what == askStatus || what == askYield || what == askRestore) && !peer.Failover:
		return nil, fmt.Errorf("%w: peer %s may not take jobs over: lunar peer modify %s --failover", stream.ErrForbidden, peer.Name, peer.Name)
	}
	return f(d, ctx, peer, body)
}

func (d *Daemon) answerSite(ctx context.Context, peer peerRecord, q SiteDeposit) (struct{}, error) {
	for _, v := range q.Volumes {
		if !peer.mayReceive(v.Replica) {
			return struct{}{}, fmt.Errorf("%w: peer %s has no replicas at %s", stream.ErrForbidden, peer.Name, v.Replica)
		}
	}
	return struct{}{}, d.depositSite(ctx, peer.Name, q)
}

// answerConfiguration tells of the units among the volumes.
func (d *Daemon) answerConfiguration(ctx context.Context, peer peerRecord, q peerConfiguration) (SiteDeposit, error) {
	var volumes []SiteVolume
	for _, v := range q.Volumes {
		if err := d.mayAsk(peer, v.Source); err != nil {
			return SiteDeposit{}, err
		}
		source, err := d.volume(v.Source)
		if err != nil {
			return SiteDeposit{}, err
		}
		if u := d.unitOn(source.Path()); u != nil {
			volumes = append(volumes, SiteVolume{u.unit.Identity().GUID, v.Source, v.Replica})
		}
	}
	if len(volumes) == 0 {
		return SiteDeposit{}, nil
	}
	return d.siteDeposit(ctx, q.Job, q.Snapshot, q.Taken, volumes, peer.Secrets)
}

func (d *Daemon) answerTake(ctx context.Context, peer peerRecord, q peerTake) (peerTaken, error) {
	for _, v := range q.Volumes {
		if err := d.mayAsk(peer, v); err != nil {
			return peerTaken{}, err
		}
	}
	still, err := d.takeTogether(ctx, q.Volumes, q.Snapshot)
	return peerTaken{still}, err
}

// mayAsk refuses what is about a volume that the peer may not read.
func (d *Daemon) mayAsk(peer peerRecord, name string) error {
	if !peer.mayRead(name) {
		return fmt.Errorf("%w: peer %s may not read %s: lunar peer modify %s --source", stream.ErrForbidden, peer.Name, name, peer.Name)
	}
	return nil
}

// A drAsk is what the site of the replicas asks that of the originals.
type drAsk struct {
	Job   string `json:"job"`
	Final bool   `json:"final,omitempty"` // run the job once more
	Force bool   `json:"force,omitempty"` // although hosts use the units
	// Volumes are those of a job that pulls, which the site of the originals does not know.
	Volumes []SiteVolume `json:"volumes,omitempty"`
}

// A drAnswer is what that site says.
type drAnswer struct {
	Units    []drOriginal `json:"units"`
	Snapshot string       `json:"snapshot,omitempty"` // of the last run
	Yielded  bool         `json:"yielded,omitempty"`
	TakenUp  bool         `json:"taken_up,omitempty"` // the units are being taken up again: nothing may be sent any more
}

// A drOriginal is a unit of a job at the site of the originals.
type drOriginal struct {
	Unit   sbd.GUID `json:"unit"`
	Volume string   `json:"volume"`
	State  string   `json:"state"`
	InUse  string   `json:"in_use,omitempty"` // by whom
	Lacks  string   `json:"lacks,omitempty"`  // what has to be allowed before it can be given back
}
