package control

import (
	"crypto/sha256"
	"io"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// sumOf is the SHA-256 of what a volume is now.
func sumOf(t *testing.T, path string) [32]byte {
	t.Helper()
	s := must(layer.Open(path, sbd.OpenOptions{ReadOnly: true}))(t)
	defer s.Close()
	h := sha256.New()
	must(io.Copy(h, io.NewSectionReader(s, 0, s.Size())))(t)
	return [32]byte(h.Sum(nil))
}

// TestRecovery is a disaster and its rehearsal with real volumes on files: a VMFS volume is replicated
// while hosts write to it, a test shows it under the identity that its header has, the replica is as it
// was after that, and then it takes the original's place and gives it back.
func TestRecovery(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	main, other := start(t, anyPort), start(t, anyPort)
	befriend(t, main, other, PeerCreate{Roots: []string{strings.TrimSuffix(other.path(""), "/")}, Secrets: true})
	volume := main.volume("vm1.img", vmfstest.Spec{Version: 5, Devices: []vmfstest.Device{{Table: vmfstest.GPT, Start: 2048, Extents: []vmfstest.Run{{Count: 1}}, ID: original(guidA)}}})
	must(main.CreateUnit(ctx, UnitCreate{Path: volume, AsOriginal: true, Alias: "vm1"}))(t)
	must(main.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	replica := other.path("vm1.img")
	must(main.CreateJob(ctx, job.Job{Name: "nightly", Peer: "dr", Root: strings.TrimSuffix(other.path(""), "/"), Volumes: []job.Volume{{Source: unitNames + guidA}}, Retry: job.Retry{Times: -1}}))(t)
	run := func() string {
		t.Helper()
		return must(main.d.finalRun(ctx, "nightly"))(t)
	}
	host := must(main.dial(drHost, iqnA, 1, nil))(t)
	ready(t, host, 7)
	fillAt(t, host, 7, 0xA1)
	first := run()
	fillAt(t, host, 7, 0xA2)
	run()
	sameNewest(t, volume, replica)

	// The rehearsal, of the first snapshot.
	must(other.CreateTarget(ctx, TargetCreate{Name: iqnB}))(t)
	before := sumOf(t, replica)
	test := must(other.TestDR(ctx, DRTest{Job: "nightly", Snapshot: first, Hosts: []string{drHost}}))(t)
	if u := test.Units[0]; u.GUID != guidA || u.LUN != 7 || u.State != UnitOnline || u.Header != headerMatches {
		t.Errorf("the test shows %+v", u)
	}
	there := must(other.dial(drHost, iqnB, 1, nil))(t)
	ready(t, there, 7)
	wantAt(t, there, 7, 0xA1)
	fillAt(t, there, 7, 0xDA)
	fillAt(t, host, 7, 0xA3)
	run() // replication goes on
	wantAt(t, there, 7, 0xDA)
	if sumOf(t, replica) == before {
		t.Error("nothing was replicated meanwhile")
	}
	before = sumOf(t, replica)
	must(other.EndDR(ctx, test.Name, DREnd{Force: true}))(t)
	if sumOf(t, replica) != before {
		t.Error("the replica has changed")
	}
	sameNewest(t, volume, replica)

	// The disaster that is not one: the source answers.
	fillAt(t, host, 7, 0xA4)
	s := &twosome{t: t, main: main, other: other}
	failover := must(other.FailoverDR(ctx, DRFailover{Job: "nightly", Force: true}))(t)
	if info := s.settled(failover.Name); info.Phase != drActive || info.Units[0].Header != headerMatches {
		t.Fatalf("failed over: %+v", info)
	}
	taken := must(other.dial(drHost, iqnA, 1, nil))(t)
	ready(t, taken, 7)
	wantAt(t, taken, 7, 0xA4)
	fillAt(t, taken, 7, 0xB1)
	must(other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(failover.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	back := must(main.dial(drHost, iqnA, 2, nil))(t)
	ready(t, back, 7)
	wantAt(t, back, 7, 0xB1)
	run()
	sameNewest(t, volume, replica)
	if v := must(main.VerifyJob(ctx, "nightly"))(t); len(v) != 1 || v[0].Problem != nil || !v[0].Verdict.Same() {
		t.Errorf("verified %+v", v)
	}
}

// sameNewest asserts that the newest snapshot of a volume is at both ends.
func sameNewest(t *testing.T, volume, replica string) {
	t.Helper()
	newest := func(path string) (name string) {
		for _, s := range must(shelf.New(path).Snapshots(t.Context()))(t) {
			if !s.Bookmark {
				name = s.Name
			}
		}
		return name
	}
	if here, there := newest(volume), newest(replica); here != there {
		t.Errorf("the newest snapshots are %q and %q", here, there)
	}
}
