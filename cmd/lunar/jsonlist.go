package main

import (
	"encoding/json"
	"errors"
	"io"
)

// A jsonList writes a JSON array an element at a time, as print writes a whole one: lists that
// are too long to be kept.
type jsonList struct {
	w     io.Writer
	begun bool
}

func newJSONList(w io.Writer) *jsonList { return &jsonList{w: w} }

// add writes an element.
func (l *jsonList) add(v any) error {
	b, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		return err
	}
	before := "[\n  "
	if l.begun {
		before = ",\n  "
	}
	l.begun = true
	_, err = io.WriteString(l.w, before)
	_, err2 := l.w.Write(b)
	return errors.Join(err, err2)
}

// end closes the array.
func (l *jsonList) end() error {
	text := "\n]\n"
	if !l.begun {
		text = "[]\n"
	}
	_, err := io.WriteString(l.w, text)
	return err
}
