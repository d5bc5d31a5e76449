package dmu

import (
	"fmt"
	"io"
)

// Split copies a stream into parts of at most size bytes, for media that have room for no more.
// It cuts between two records, and adds nothing: the parts behind one another are the stream.
// create makes each part, counted from 1. It returns how many there are.
func Split(in *Reader, size int64, create func(part int) (io.WriteCloser, error)) (parts int, err error) {
	s := &splitting{create: create}
	defer func() {
		if closed := s.close(); err == nil {
			err = closed
		}
	}()
	var w *Writer
	var began int64 // where the part does
	for {
		rec, err := in.Next()
		if err == io.EOF && w != nil {
			return s.parts, w.Close()
		} else if err != nil {
			return s.parts, firstError(err)
		}
		if w == nil {
			w = NewWriter(s, in.Order())
		}
		need := RecordSize + int64(len(in.Payload()))
		if need > size {
			return s.parts, fmt.Errorf("record %d has %d bytes, and does not fit into a part of %d", in.Number(), need, size)
		}
		if s.part == nil || w.Offset()+need-began > size {
			if err := w.Flush(); err != nil {
				return s.parts, err
			}
			if err := s.next(); err != nil {
				return s.parts, err
			}
			began = w.Offset()
		}
		if err := w.Write(rec, in.Payload()); err != nil {
			return s.parts, err
		}
	}
}

// A splitting writes to the part under way.
type splitting struct {
	create func(part int) (io.WriteCloser, error)
	part   io.WriteCloser
	parts  int
}

func (s *splitting) Write(p []byte) (int, error) {
	if s.part == nil && len(p) == 0 {
		return 0, nil
	}
	return s.part.Write(p)
}

func (s *splitting) next() error {
	if err := s.close(); err != nil {
		return err
	}
	part, err := s.create(s.parts + 1)
	if err != nil {
		return err
	}
	s.part = part
	s.parts++
	return nil
}

func (s *splitting) close() error {
	if s.part == nil {
		return nil
	}
	err := s.part.Close()
	s.part = nil
	return err
}
