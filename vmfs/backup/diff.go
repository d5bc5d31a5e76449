package backup

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/vmfs"
)

// A Change is what became of a file between two backups.
type Change struct {
	Kind   string `json:"kind"` // created, deleted, renamed, grown, shrunk, moved, changed
	Path   string `json:"path"`
	From   string `json:"from,omitempty"` // the path that it was renamed from
	Before int64  `json:"before"`         // bytes
	After  int64  `json:"after"`
	Blocks int64  `json:"blocks"` // that it has more than before
}

// a summary is what a diff remembers of a file.
type summary struct {
	path       string
	address    vmfs.FDAddress
	generation uint32
	size       int64
	blocks     int64
	rest       [sha256.Size]byte // of all that is said of the file but its path
	where      [sha256.Size]byte // of its map
}

// An identity is what a file keeps when it is renamed.
type identity struct {
	address    vmfs.FDAddress
	generation uint32
}

func (s *summary) identity() identity { return identity{s.address, s.generation} }

// Diff says which files changed from backup a to backup b, in the order of their paths.
func Diff(a, b *Backup) ([]Change, error) {
	if a.Volume.UUID != b.Volume.UUID {
		return nil, fmt.Errorf("%s is of volume %s and %s of volume %s", a.Path, a.Volume.UUID, b.Path, b.Volume.UUID)
	}
	before, err := summaries(a)
	if err != nil {
		return nil, err
	}
	after, err := summaries(b)
	if err != nil {
		return nil, err
	}
	var changes []Change
	lost := map[identity]*summary{}
	for path, x := range before {
		if y, ok := after[path]; !ok || x.identity() != y.identity() {
			lost[x.identity()] = x
		}
	}
	for path, y := range after {
		x, ok := before[path]
		if !ok || x.identity() != y.identity() {
			if x = lost[y.identity()]; x == nil {
				changes = append(changes, Change{Kind: "created", Path: path, After: y.size, Blocks: y.blocks})
				continue
			}
			delete(lost, y.identity())
		}
		if kind := kindOf(x, y); kind != "" {
			c := Change{Kind: kind, Path: path, Before: x.size, After: y.size, Blocks: y.blocks - x.blocks}
			if x.path != y.path {
				c.From = x.path
			}
			changes = append(changes, c)
		}
	}
	for _, x := range lost {
		changes = append(changes, Change{Kind: "deleted", Path: x.path, Before: x.size, Blocks: -x.blocks})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind)) })
	return changes, nil
}

// kindOf is what became of a file that is in both; nothing when nothing did.
func kindOf(x, y *summary) string {
	switch {
	case x.size < y.size, x.size == y.size && x.blocks < y.blocks:
		return "grown"
	case x.size > y.size, x.blocks > y.blocks:
		return "shrunk"
	case x.path != y.path:
		return "renamed"
	case x.where != y.where:
		return "moved"
	case x.rest != y.rest:
		return "changed"
	}
	return ""
}

// summaries are those of all files of a backup, by their paths.
func summaries(b *Backup) (map[string]*summary, error) {
	found := map[string]*summary{}
	for f, err := range b.Files() {
		if err != nil {
			return nil, err
		}
		s := &summary{path: f.Path, address: f.Address, generation: f.Generation, size: f.Size, blocks: f.Blocks}
		where, err := json.Marshal(f.Map)
		if err != nil {
			return nil, err
		}
		f.Path, f.Map = "", nil
		rest, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		s.where, s.rest = sha256.Sum256(where), sha256.Sum256(rest)
		found[s.path] = s
	}
	return found, nil
}
