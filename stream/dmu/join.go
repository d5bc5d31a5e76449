package dmu

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Part is a part of a stream that Split has cut.
type Part struct {
	Name string
	Open func() (io.ReadCloser, error)

	head Record
	used bool
}

// Join copies a stream from its parts, which may come in any order: the checksum in a part's
// first record tells which part it goes on. It returns the names in the order of the stream, as
// far as it came. A part that is missing, or is not one of the stream, is an error.
func Join(parts []Part, out io.Writer) (order []string, err error) {
	j := &joining{}
	for _, p := range parts {
		if err := p.peek(); err != nil {
			return nil, err
		}
		j.parts = append(j.parts, &p)
	}
	defer func() {
		if j.open != nil {
			_ = j.open.Close() // it was only read
		}
	}()
	first, err := j.first()
	if err != nil {
		return nil, err
	}
	err = j.copy(NewReader(first, Options{More: j.more}), out)
	if errors.Is(err, ErrTruncated) {
		if left := j.left(); len(left) > 0 {
			return j.order, fmt.Errorf("behind %s a part is missing; %s is not it: %w", j.order[len(j.order)-1], strings.Join(left, ", "), err)
		}
		return j.order, fmt.Errorf("behind %s a part is missing: %w", j.order[len(j.order)-1], err)
	}
	if left := j.left(); err == nil && len(left) > 0 {
		return j.order, fmt.Errorf("%s: no part of the stream, which is whole without", strings.Join(left, ", "))
	}
	return j.order, err
}

// peek reads the first record of a part.
func (p *Part) peek() error {
	in, err := p.Open()
	if err != nil {
		return err
	}
	_, err = io.ReadFull(in, p.head[:])
	if closed := in.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("the first record of %s: %w", p.Name, err)
	}
	return nil
}

type joining struct {
	parts []*Part
	order []string
	open  io.ReadCloser
}

func (j *joining) copy(in *Reader, out io.Writer) error {
	rec, err := in.Next()
	if err != nil {
		return firstError(err)
	}
	w := NewWriter(out, in.Order())
	for ; err == nil; rec, err = in.Next() {
		if err := w.Write(rec, in.Payload()); err != nil {
			return err
		}
	}
	if err != io.EOF {
		return err
	}
	return w.Close()
}

// first opens the part that a stream begins with: a package's, or the first in the order given.
func (j *joining) first() (io.Reader, error) {
	var found *Part
	for _, p := range j.parts {
		order, begins := orderOf(p.head[:])
		if !begins {
			continue
		}
		if order.Uint64(p.head[16:])&3 == uint64(Compound) {
			found = p
			break
		}
		if found == nil {
			found = p
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: no part begins with a BEGIN: the first part is missing", ErrNotStream)
	}
	return j.take(found)
}

func (j *joining) take(p *Part) (io.Reader, error) {
	if j.open != nil {
		if err := j.open.Close(); err != nil {
			return nil, err
		}
		j.open = nil
	}
	in, err := p.Open()
	if err != nil {
		return nil, err
	}
	p.used = true
	j.open = in
	j.order = append(j.order, p.Name)
	return in, nil
}

// more opens the part that goes on where r is.
func (j *joining) more(r *Reader) (io.Reader, error) {
	for _, p := range j.parts {
		if !p.used && r.Follows(&p.head) {
			return j.take(p)
		}
	}
	return nil, nil
}

// left are the names of parts that were not used.
func (j *joining) left() (names []string) {
	for _, p := range j.parts {
		if !p.used {
			names = append(names, p.Name)
		}
	}
	return names
}
