package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/wire"
)

// A mute link is to a machine that has volumes, and no daemon.
type muteLink struct{ *copies }

func (l muteLink) Volume(name string) stream.Volume { return l.at(name) }

func (l muteLink) Ask(_ context.Context, what string, _, _ any) error {
	return errors.New("nobody answers " + what)
}

func (l muteLink) Close() error { return nil }

// What is reached by ssh has no daemon: jobs run to it and from it all the same, and check says what that means.
func TestJobOverSSH(t *testing.T) {
	t.Parallel()
	var here, far copies
	r := start(t, func(o *Options) {
		o.openVolume = here.open
		o.dialPeer = func(context.Context, *Daemon, peerRecord, wire.Options) (peerLink, error) { return muteLink{&far}, nil }
	})
	ctx := t.Context()
	must(r.CreatePeer(ctx, PeerCreate{Name: "dr", Address: "ssh://lunar@dr.example.org"}))(t)
	u := r.createUnit(UnitCreate{Path: r.path("a"), Size: 1 << 20})
	root := strings.TrimSuffix(r.path(""), "/")
	push := job.Job{Name: "push", Peer: "dr", Root: root, Retry: job.Retry{Times: -1}, Volumes: []job.Volume{{Source: unitNames + u.GUID, Replica: "there"}}}
	pull := job.Job{Name: "pull", Peer: "dr", Pull: true, Root: root, Retry: job.Retry{Times: -1}, Volumes: []job.Volume{{Source: r.path("there"), Replica: "back"}}}
	for _, j := range []job.Job{push, pull} {
		must(r.CreateJob(ctx, j))(t)
		must(r.d.finalRun(ctx, j.Name))(t)
		findings := must(r.CheckJob(ctx, j.Name))(t)
		for _, f := range findings {
			if f.Problem != nil {
				t.Errorf("%s: %s: %s", j.Name, f.What, f.Problem.Says)
			}
		}
		if !slices.ContainsFunc(findings, func(f job.Finding) bool { return strings.Contains(f.What, "no configuration goes along") }) {
			t.Errorf("%s: %+v", j.Name, findings)
		}
	}
	pull.Volumes = append(pull.Volumes, job.Volume{Source: r.path("a"), Replica: "another"})
	must(r.ReplaceJob(ctx, "pull", pull))(t)
	if _, err := r.d.finalRun(ctx, "pull"); err == nil || !strings.Contains(err.Error(), "one instant") {
		t.Errorf("several volumes: %v", err)
	}
}
