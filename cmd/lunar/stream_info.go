package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/dmu"
)

// surveyed is a stream summed up, and what is wrong with it.
type surveyed struct {
	File    string `json:"file"`
	Wrapped string `json:"wrapped,omitempty"`
	dmu.Survey
	Whole   bool    `json:"whole"`
	Problem string  `json:"problem,omitempty"`
	Seconds float64 `json:"seconds"`
}

// survey reads a stream to its end, or as far as it is whole.
func (c *cli) survey(doing, name string, deep bool) (*surveyed, error) {
	s := &surveyed{File: name, Survey: dmu.Survey{Snapshots: []*dmu.Snapshot{}}}
	begun := time.Now()
	in, err := c.openStream(doing, name)
	if err != nil {
		return s, s.failed(err)
	}
	defer in.close()
	s.Wrapped = in.wrapped
	v := dmu.NewVerifier(in.stream, deep)
	for {
		rec, err := v.Next()
		s.Seconds = time.Since(begun).Seconds()
		if err == io.EOF {
			s.Whole = true
			return s, nil
		} else if err != nil {
			return s, s.failed(ofStream(in.name, err))
		}
		s.Add(v.Reader, &v.Checker, rec)
	}
}

func (s *surveyed) failed(err error) error {
	s.Problem = err.Error()
	return err
}

// streamInfo sums streams up.
func (c *cli) streamInfo() *cobra.Command {
	var o output
	return o.flag(c.verb("info FILE...", "Say what is in a stream", func(_ *cobra.Command, args []string) error {
		all := []*surveyed{}
		err := each(args, func(name string) error {
			s, err := c.survey("reading", name, false)
			all = append(all, s)
			if !o.json {
				c.describe(s)
			}
			return err
		})
		return errors.Join(err, c.print(&o, all, func() {}))
	}))
}

// describe prints a stream in words.
func (c *cli) describe(s *surveyed) {
	if s.Records == 0 {
		return
	}
	for _, snap := range s.Snapshots {
		rows := [][]string{{"  kind", kindOf(snap)}, {"  created", snap.Created.Format(time.RFC3339)}, {"  guid", guid(snap.GUID)}, {"  from", fromOf(snap)}}
		rows = append(rows, []string{"  data", dataOf(snap)})
		if snap.Holes > 0 {
			rows = append(rows, []string{"  holes", formatSize(int64(snap.Holes))})
		}
		if snap.Redacted > 0 {
			rows = append(rows, []string{"  redacted", formatSize(int64(snap.Redacted))})
		}
		for _, p := range snap.Compression {
			rows = append(rows, []string{"  " + p.Name, fmt.Sprintf("%s, %s in %s", blocks(p.Blocks), formatSize(int64(p.Data)), formatSize(int64(p.Payload)))})
		}
		if len(snap.Features) > 0 {
			rows = append(rows, []string{"  features", strings.Join(snap.Features, ", ")})
		}
		if !snap.Whole {
			rows = append(rows, []string{"  ends", "too early: this is a part of the snapshot"})
		}
		c.printf("%s\n", snap.Name)
		c.table(rows)
	}
	what := "a stream"
	if s.Package {
		what = fmt.Sprintf("a package, snapshots: %d", len(s.Snapshots))
	}
	if s.Wrapped != "" {
		what += " in " + s.Wrapped
	}
	c.printf("%s: %s, %d records, %s\n", s.File, what, s.Records, formatSize(s.Bytes))
}

func kindOf(s *dmu.Snapshot) string {
	kind := s.Kind
	if s.VolumeSize > 0 {
		kind += " of " + formatSize(int64(s.VolumeSize))
	}
	if s.BlockSize > 0 {
		kind += " in blocks of " + formatSize(int64(s.BlockSize))
	}
	if s.Raw {
		kind += ", encrypted"
	}
	return kind
}

func fromOf(s *dmu.Snapshot) string {
	from := "nothing: it is a full stream"
	if s.From != 0 {
		from = guid(s.From)
	}
	if s.Resuming {
		from += ", and what was received before"
	}
	return from
}

func dataOf(s *dmu.Snapshot) string {
	data := fmt.Sprintf("%s, %s", blocks(s.Blocks), formatSize(int64(s.Data)))
	if part, known := s.Changed(); known {
		data += fmt.Sprintf(", %.3g%% of the volume", 100*part)
	}
	return data
}

func blocks(n int64) string {
	if n == 1 {
		return "1 block"
	}
	return fmt.Sprintf("%d blocks", n)
}

// guid writes a GUID as zfs get guid does.
func guid(n uint64) string { return fmt.Sprintf("%d", n) }
