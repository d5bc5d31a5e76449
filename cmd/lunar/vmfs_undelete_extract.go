package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/undelete"
)

// A candidateMap is what became of each block of a candidate, and where they were.
type candidateMap struct {
	Image      string              `json:"image"`
	UUID       string              `json:"uuid"` // of the volume
	Name       string              `json:"name"`
	Size       int64               `json:"size"`
	By         undelete.Strategy   `json:"by"`
	Confidence undelete.Confidence `json:"confidence"`
	Reason     string              `json:"reason"`
	Pieces     []candidatePiece    `json:"pieces"`
}

type candidatePiece struct {
	extentInfo
	Status undelete.Status `json:"status"`
	Owner  string          `json:"owner,omitempty"` // the descriptor of the file that has it now
}

// extracts is a folder that candidates are extracted to. Names from a volume do not lead out of
// it, and nothing that is there is written to.
type extracts struct {
	*os.Root
	dest string
	made map[string]int // candidates by their names: several may have one
}

func openExtracts(dest string) (*extracts, error) {
	if err := os.MkdirAll(dest, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	return &extracts{root, dest, map[string]int{}}, nil
}

// create makes a file for a candidate, and one for its map.
func (e *extracts) create(name string) (out, where *os.File, err error) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	name = or(name, "deleted")
	if e.made[name]++; e.made[name] > 1 {
		name = fmt.Sprintf("%s.%d", name, e.made[name])
	}
	if err := e.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, nil, err
	}
	if out, err = e.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = &control.Problem{
				Title: fmt.Sprintf("%s is there already", filepath.Join(e.dest, name)),
				Hint:  "Nothing is written over: extract to another folder, or move it away.",
			}
		}
		return nil, nil, err
	}
	if where, err = e.OpenFile(name+".map.json", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, nil, errors.Join(err, out.Close(), e.Remove(name))
	}
	return out, where, nil
}

// extractCandidate extracts a candidate with its map, and says in info what was done.
func (c *cli) extractCandidate(ctx context.Context, to *extracts, v *vmfs.Volume, one *undelete.Candidate, info *candidateInfo) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("extracting candidate %d: %w", info.Number, err)
		}
	}()
	out, where, err := to.create(one.Name)
	if err != nil {
		return err
	}
	p := c.progress(path.Base(one.Name), one.Size)
	var report undelete.Report
	if err = out.Truncate(one.Size); err == nil {
		report, err = one.Extract(ctx, out, p.at.Store)
	}
	p.done()
	m := candidateMap{Image: v.Members[0].String(), UUID: v.UUID().String(), Name: one.Name, Size: one.Size, By: one.By,
		Confidence: one.Confidence, Reason: one.Reason, Pieces: []candidatePiece{}}
	for _, p := range report.Pieces {
		piece := candidatePiece{extentInfo: extentInfo{Offset: p.Offset, Length: p.Length, Kind: p.Kind.String()}, Status: p.Status}
		if p.Device >= 0 {
			piece.Member, piece.Physical = &p.Device, &p.Physical
		}
		if p.Owner != 0 {
			piece.Owner = p.Owner.String()
		}
		m.Pieces = append(m.Pieces, piece)
	}
	e := json.NewEncoder(where)
	e.SetIndent("", " ")
	err = errors.Join(err, e.Encode(m), out.Sync(), where.Sync(), out.Close(), where.Close())
	info.File, info.Map, info.Written, info.Blank = out.Name(), where.Name(), report.Written, report.Blank
	info.Bytes = (&undelete.Candidate{Pieces: report.Pieces}).Count()
	return err
}
