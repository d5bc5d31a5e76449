package dmu

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPlan: which snapshot a volume is, by what is known of it, and what a stream of it goes on
// from.
func TestPlan(t *testing.T) {
	const size = 64 << 20
	now := time.Date(2026, 11, 22, 16, 30, 0, 5, time.UTC)
	a := Link{GUID: 1, Name: "tank/vol@a", Size: size, BlockSize: 8192, Created: now.Add(-time.Hour)}
	b := Link{GUID: 2, From: 1, Name: "tank/vol@b", Size: size, BlockSize: 8192, Created: now.Add(-time.Minute)}
	c := Link{GUID: 3, From: 2, Name: "tank/vol@c", Size: size, BlockSize: 8192, Created: now.Truncate(time.Second)}
	chain := func(s ...Link) *Chain { return &Chain{Snapshots: s} }
	receiving := &Chain{Snapshots: []Link{a}, Receiving: &Receiving{Link: b}}
	with := func(l Link, change func(*Link)) Link { change(&l); return l }
	for _, test := range []struct {
		name     string
		r        Request
		snapshot Link
		base     *Link
		chain    []Link // nil: refused
		kind     error
		what     string
	}{
		{name: "a volume of which nothing is known", r: Request{Chain: chain(), GUID: 9, Dataset: "lunar/disk"},
			snapshot: with(c, func(l *Link) {
				l.GUID, l.From, l.Name, l.BlockSize = 9, 0, "lunar/disk@20261122T163000Z", 16384
			}), chain: []Link{{GUID: 9}}},
		{name: "with a name and blocks", r: Request{Chain: chain(), GUID: 9, Name: "tank/vol@c", BlockSize: 4096},
			snapshot: with(c, func(l *Link) { l.GUID, l.From, l.BlockSize = 9, 0, 4096 }), chain: []Link{{GUID: 9}}},
		{name: "of a size that makes short blocks", r: Request{Chain: chain(), GUID: 9, Name: "tank/vol@c", Size: 64<<20 + 1024},
			snapshot: with(c, func(l *Link) { l.GUID, l.From, l.Size, l.BlockSize = 9, 0, 64<<20+1024, 1024 }), chain: []Link{{GUID: 9}}},
		{name: "a volume that is its last snapshot", r: Request{Chain: chain(a, b), Intact: true},
			snapshot: with(b, func(l *Link) { l.From = 0 }), chain: []Link{a, b}},
		{name: "the same under another name", r: Request{Chain: chain(a, b), Intact: true, Name: "pool/x@y"},
			snapshot: with(b, func(l *Link) { l.From, l.Name = 0, "pool/x@y" }), chain: []Link{a, b}},
		{name: "the same as another snapshot", r: Request{Chain: chain(a, b), Intact: true, Name: "@c", GUID: 3},
			snapshot: with(c, func(l *Link) { l.From = 0 }), chain: []Link{a, b, c}},
		{name: "a volume that was written to", r: Request{Chain: chain(a, b), Name: "@c", GUID: 3},
			snapshot: with(c, func(l *Link) { l.From = 0 }), chain: []Link{a, b, c}},
		{name: "that, since another", r: Request{Chain: chain(a, b), Name: "@c", GUID: 3, From: &a},
			snapshot: with(c, func(l *Link) { l.From = 1 }), base: &a, chain: []Link{a, b, c}},
		{name: "the last snapshot since the first", r: Request{Chain: chain(a, b), Intact: true, Since: chain(a)},
			snapshot: b, base: &a, chain: []Link{a, b}},
		{name: "a copy without a record", r: Request{Chain: chain(), Since: chain(a, b), Name: "@c", GUID: 3},
			snapshot: c, base: &b, chain: []Link{a, b, c}},
		{name: "blocks that the record does not tell", r: Request{Chain: chain(with(a, func(l *Link) { l.BlockSize = 0 })), Intact: true, BlockSize: 8192},
			snapshot: a, chain: []Link{a}},

		{name: "half received", r: Request{Chain: receiving}, kind: ErrReceiving},
		{name: "since half received", r: Request{Chain: chain(), Since: receiving}, kind: ErrReceiving},
		{name: "since what nobody knows", r: Request{Chain: chain(a), Since: chain()}, kind: ErrBase, what: "not known which snapshot"},
		{name: "since another volume", r: Request{Chain: chain(a), Since: chain(with(b, func(l *Link) { l.From = 0 }))}, kind: ErrBase, what: "tank/vol@b (GUID 2) is not among"},
		{name: "since itself", r: Request{Chain: chain(a, b), Intact: true, Since: chain(a, b)}, kind: ErrUnchanged, what: "nothing was written"},
		{name: "a name that is taken", r: Request{Chain: chain(a, b), Name: "@a"}, kind: ErrTaken, what: "tank/vol@a is the snapshot with GUID 1"},
		{name: "a GUID that is taken", r: Request{Chain: chain(a, b), GUID: 1}, kind: ErrTaken, what: "1 is the GUID of tank/vol@a"},
		{name: "other blocks", r: Request{Chain: chain(a, b), BlockSize: 16384}, kind: ErrBlockSize, what: "tank/vol@a has blocks of 8192 bytes, and 16384 are"},
		{name: "other blocks of the last snapshot", r: Request{Chain: chain(a, b), Intact: true, BlockSize: 4096}, kind: ErrBlockSize, what: "4096 are"},
		{name: "other blocks of a copy", r: Request{Chain: chain(), Since: chain(a), BlockSize: 4096}, kind: ErrBlockSize, what: "4096 are"},
		{name: "blocks that nobody knows", r: Request{Chain: chain(with(a, func(l *Link) { l.BlockSize = 0 })), Intact: true}, kind: ErrBlockSize, what: "nobody knows"},
		{name: "blocks of 3000", r: Request{Chain: chain(), BlockSize: 3000}, kind: ErrBlockSize, what: "3000"},
		{name: "part of a block", r: Request{Chain: chain(a), Size: size + 512}, kind: ErrBlockSize, what: "not whole blocks of 8192"},
		{name: "an odd size", r: Request{Chain: chain(), Size: size + 1}, kind: ErrBlockSize, what: "not whole sectors"},
		{name: "no size", r: Request{Chain: chain(), Size: ^uint64(0)}, kind: ErrBlockSize},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.r.Created = now
			if test.r.Size == 0 {
				test.r.Size = size
			}
			before := len(test.r.Chain.Snapshots)
			p, err := NewPlan(test.r)
			if test.chain == nil {
				var refusal *Refusal
				if !errors.As(err, &refusal) || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.what) || refusal.Hint == "" {
					t.Fatalf("%v, want %v: %s", err, test.kind, test.what)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.snapshot, p.Snapshot); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.base, p.Base); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var got, want []uint64
			for _, s := range p.Chain.Snapshots {
				got = append(got, s.GUID)
			}
			for _, s := range test.chain {
				want = append(want, s.GUID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the chain, -want +got:\n%s", diff)
			}
			if err := p.Chain.check(); err != nil {
				t.Error(err)
			}
			if len(test.r.Chain.Snapshots) != before {
				t.Error("the chain that was given has changed")
			}
			if since := test.r.Chain == p.Chain; since == p.New {
				t.Errorf("new: %v, and the chain is the same: %v", p.New, since)
			}
		})
	}
}

// TestPlanGUID: a GUID that nobody has said is random and not 0.
func TestPlanGUID(t *testing.T) {
	seen := map[uint64]bool{0: true}
	for range 100 {
		p, err := NewPlan(Request{Chain: new(Chain), Size: 1 << 20, Name: "tank/vol@a"})
		if err != nil {
			t.Fatal(err)
		}
		if seen[p.Snapshot.GUID] {
			t.Fatalf("GUID %d", p.Snapshot.GUID)
		}
		seen[p.Snapshot.GUID] = true
	}
}

// TestLookup: snapshots by what people call them.
func TestLookup(t *testing.T) {
	c := &Chain{Snapshots: []Link{{GUID: 12, Name: "tank/vol@a"}, {GUID: 34, Name: "tank/vol@12"}}}
	for name, want := range map[string]uint64{"12": 12, "34": 34, "tank/vol@a": 12, "@a": 12, "@12": 34, "a": 0, "vol@a": 0, "": 0, "@": 0, "56": 0} {
		got := uint64(0)
		if s := c.Lookup(name); s != nil {
			got = s.GUID
		}
		if got != want {
			t.Errorf("Lookup(%q) is %d, want %d", name, got, want)
		}
	}
}
