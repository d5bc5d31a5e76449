package dmu

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// Substreams takes a package apart. Each substream is a stream by itself, to the byte: checksums
// begin anew with each. A stream that is no package is its only one.
type Substreams struct {
	in   *Reader
	open bool   // a substream is under way
	rest []byte // of its record under way, as it is in the stream
	end  Record // of a stream that is no package

	name string       // of the package: dataset@snapshot
	list *nvlist.List // its header
}

// NewSubstreams begins with in. Nothing is read yet.
func NewSubstreams(in io.Reader) *Substreams { return &Substreams{in: NewReader(in, Options{})} }

// Next goes on to the next substream, behind what was not read of the one before, and returns its
// BEGIN, which is good until Read. io.EOF says that there are no more, and that all was whole.
func (s *Substreams) Next() (*Begin, error) {
	s.rest = nil
	for {
		rec, err := s.in.Next()
		if err != nil {
			s.open = false
			return nil, err
		}
		if rec.Type() != TypeBegin {
			continue
		}
		if rec.Begin().Kind() == Substream {
			s.open, s.rest = true, s.in.raw()
			return rec.Begin(), nil
		}
		s.name = rec.Begin().ToName()
		if body := s.in.Payload(); len(body) > 0 {
			if s.list, err = nvlist.Decode(body); err != nil {
				return nil, fmt.Errorf("the header of the package: %w", err)
			}
		}
	}
}

// Read reads the substream that Next has gone on to. That of a package ends with its END, which
// has proved it; the END of a stream that is no package comes when nothing is behind it.
func (s *Substreams) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if !s.open {
			return 0, io.EOF
		}
		rec, err := s.in.Next()
		if err != nil {
			return 0, err
		}
		s.rest = s.in.raw()
		if rec.Type() != TypeEnd {
			continue
		}
		s.open = false
		if !s.in.Package() {
			copy(s.end[:], s.rest)
			s.rest = nil
			if _, err := s.in.Next(); err != io.EOF {
				return 0, err
			}
			s.rest = s.end[:]
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Package is what the package is of, dataset@snapshot; "" says that it is none, or that Next was
// not called yet.
func (s *Substreams) Package() string { return s.name }

// Properties are the names of what the package has beside its substreams, in order: properties of
// datasets and snapshots that are set there, and "holds".
func (s *Substreams) Properties() []string {
	found := map[string]bool{}
	add := func(list *nvlist.List) {
		for _, p := range list.Pairs {
			found[p.Name] = true
		}
	}
	each(s.list, "fss", func(fs *nvlist.List) {
		if props, ok := fs.List("props"); ok {
			add(props)
		}
		each(fs, "snapprops", add)
		each(fs, "snapholds", func(tags *nvlist.List) {
			if len(tags.Pairs) > 0 {
				found["holds"] = true
			}
		})
	})
	return slices.Sorted(maps.Keys(found))
}

// each calls do with every list that is in the list of a name.
func each(of *nvlist.List, name string, do func(*nvlist.List)) {
	all, ok := of.List(name)
	if !ok {
		return
	}
	for _, p := range all.Pairs {
		if list, ok := p.Value.(*nvlist.List); ok {
			do(list)
		}
	}
}
