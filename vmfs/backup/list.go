package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// listName is the part with all files of the volume.
const listName = "list"

// A File is a file of the volume in the list, which has one a line as JSON. Map has where the
// file is, in order; holes are left out, and so is the map of a directory.
type File struct {
	Path       string         `json:"path"`
	Address    vmfs.FDAddress `json:"fd"`
	Generation uint32         `json:"generation"`
	Type       string         `json:"type"`
	Mode       string         `json:"mode"`
	Size       int64          `json:"size"`
	BlockSize  int64          `json:"block_size,omitempty"`
	Blocks     int64          `json:"blocks"`
	Modified   time.Time      `json:"modified"`
	Changed    time.Time      `json:"changed"`
	Map        []Extent       `json:"map,omitempty"`
	Problem    string         `json:"problem,omitempty"` // that a part of it was not found
}

// An Extent is a piece of a file: where it is is said by the member, as in Manifest.Members,
// and the offset in its partition.
type Extent struct{ vmfs.Extent }

// MarshalJSON writes [offset in the file, length, member, offset in the partition, kind].
func (e Extent) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `[%d,%d,%d,%d,"%s"]`, e.Offset, e.Length, e.Device, e.Physical, e.Kind), nil
}

// kinds are those that a map can have, by their names.
var kinds = map[string]vmfs.Kind{
	vmfs.Data.String(): vmfs.Data, vmfs.Hole.String(): vmfs.Hole, vmfs.ToBeZeroed.String(): vmfs.ToBeZeroed,
	vmfs.SubBlock.String(): vmfs.SubBlock, vmfs.Resident.String(): vmfs.Resident,
	vmfs.Missing.String(): vmfs.Missing, vmfs.Damaged.String(): vmfs.Damaged,
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Extent) UnmarshalJSON(b []byte) error {
	var kind string
	list := []any{&e.Offset, &e.Length, &e.Device, &e.Physical, &kind}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	k, ok := kinds[kind]
	if len(list) != 5 || !ok || e.Offset < 0 || e.Length <= 0 || e.Physical < 0 {
		return fmt.Errorf("%s is not an extent", b)
	}
	e.Kind = k
	return nil
}

// list is the list of all files. It is made anew whenever it is read.
func (p *plan) list() *source {
	s := &source{Part: Part{Name: listName, Group: List, File: "files.json.zst"}}
	s.write = func(ctx context.Context, w io.Writer) error {
		root, err := p.v.Root()
		if err != nil {
			return nil // which is a problem of the plan
		}
		out := bufio.NewWriter(w)
		p.files = 0
		for n, err := range root.Walk() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				continue
			}
			f, err := n.File()
			if err != nil {
				continue
			}
			line, err := json.Marshal(fileOf(n.Path, f))
			if err != nil {
				return err
			}
			p.files++
			if _, err := out.Write(append(line, '\n')); err != nil {
				return err
			}
		}
		return out.Flush()
	}
	return s
}

// fileOf describes a file.
func fileOf(name string, f *vmfs.File) *File {
	d := f.Descriptor()
	out := &File{
		Path: name, Address: d.Address(), Generation: d.Generation(), Type: f.Type().String(), Mode: f.Mode().String(), Size: f.Size(),
		BlockSize: d.BlockSize(), Blocks: d.Blocks(), Modified: d.Modified(), Changed: d.Changed(),
	}
	if f.Type() != vmfs.Regular {
		return out
	}
	for e, err := range f.Extents() {
		if err != nil && out.Problem == "" {
			out.Problem = err.Error()
		}
		if e.Kind != vmfs.Hole {
			out.Map = append(out.Map, Extent{e})
		}
	}
	return out
}

// Files yields the files of the volume as they were, without the root.
func (b *Backup) Files() iter.Seq2[*File, error] {
	return func(yield func(*File, error) bool) {
		part := b.part(listName)
		if part == nil {
			yield(nil, fmt.Errorf("%s has no list of files", b.Path))
			return
		}
		r, err := b.Open(part)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = r.Close() }() // it was only read
		for f, err := range decodeList(io.LimitReader(r, part.Size)) {
			if err != nil {
				err = fmt.Errorf("reading the list of %s: %w", b.Path, err)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// decodeList yields the files of a list. An error ends it.
func decodeList(r io.Reader) iter.Seq2[*File, error] {
	return func(yield func(*File, error) bool) {
		d := json.NewDecoder(r)
		for {
			f := new(File)
			err := d.Decode(f)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(f, nil):
				return
			}
		}
	}
}
