package main

import (
	"bufio"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/vmfs"
)

// A fileMap is where a file lies.
type fileMap struct {
	Path    string       `json:"path"`
	Address string       `json:"address"`
	Size    int64        `json:"size"`
	Extents []extentInfo `json:"extents"`
	Error   string       `json:"error,omitempty"`
}

// An extentInfo is an extent of a file.
type extentInfo struct {
	Offset   int64  `json:"offset"`
	Length   int64  `json:"length"`
	Kind     string `json:"kind"`
	Member   *int   `json:"extent,omitempty"`   // of the volume, from 0
	Physical *int64 `json:"physical,omitempty"` // in the partition
}

func (c *cli) vmfsMap() *cobra.Command {
	var (
		o      output
		choice imageChoice
		svg    string
	)
	cmd := c.vmfsVerb("map IMAGE [PATH]", "Show where files lie on the disk", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		if svg != "" {
			return joined(c.drawVolume(v, pathArgument(args), svg), v.Close())
		}
		m := &mapper{v: v, out: bufio.NewWriterSize(c.stdout, 64<<10)}
		if o.json {
			m.json = newJSONList(m.out)
		}
		err = eachFile(v, pathArgument(args), m.add)
		return joined(err, m.end(), v.Close())
	})
	cmd.Long = `Show where a file lies, or all files in and below a directory; without PATH, all of the volume.

A line has the offset in the file, the length, the kind, and the extent of the volume with the
offset in its partition. Kinds are data, hole, tbz (blocks to be zeroed: they read as zeros whatever
they hold), sub-block, resident (in the file descriptor), missing (on an extent of the volume that is
not there) and damaged.

--svg draws what lies where instead.`
	cmd.Flags().StringVar(&svg, "svg", "", "draw the map to `FILE`, - for standard output")
	return choice.flags(o.flag(cmd))
}

// eachFile calls do with the file at a path, or with each below the directory there. What
// fails of one is told after all of them.
func eachFile(v *openImage, path string, do func(f *vmfs.File) error) error {
	f, err := v.lookup(path)
	if err != nil {
		return err
	}
	if !f.Descriptor().IsDir() {
		return do(f)
	}
	var failed failures
	note := func(err error) {
		if err != nil {
			failed = append(failed, err)
		}
	}
	note(do(f))
	for n, err := range f.Walk() {
		note(err)
		if err != nil {
			continue
		}
		f, err := n.File()
		note(err)
		if err == nil {
			note(do(f))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return failed
}

// A mapper prints maps.
type mapper struct {
	v    *openImage
	out  *bufio.Writer
	json *jsonList // nil: text
	line []byte
}

// add prints the map of a file. What cannot be found of it is an error, and in the map.
func (m *mapper) add(f *vmfs.File) error {
	if f.Type() == vmfs.RDM {
		return nil
	}
	if m.json != nil {
		return m.addJSON(f)
	}
	b := append(m.line[:0], printable(f.Name())...)
	b = append(b, ": "...)
	b = strconv.AppendInt(b, f.Size(), 10)
	b = append(b, " bytes\n"...)
	_, err := m.out.Write(b)
	if err != nil {
		return err
	}
	var failed error
	for e, err := range f.Extents() {
		if err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", f.Name(), err)
		}
		b = padLeft(b[:0], 18, e.Offset)
		b = padLeft(b, 16, e.Length)
		b = append(b, ' ', ' ')
		kind := e.Kind.String()
		b = append(b, kind...)
		if e.Device >= 0 {
			for range 10 - len(kind) {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(e.Device), 10)
			b = append(b, ':')
			b = strconv.AppendInt(b, e.Physical, 10)
		}
		b = append(b, '\n')
		if _, err := m.out.Write(b); err != nil {
			return err
		}
	}
	m.line = b
	return failed
}

func (m *mapper) addJSON(f *vmfs.File) error {
	info := fileMap{Path: f.Name(), Address: f.Descriptor().Address().String(), Size: f.Size(), Extents: []extentInfo{}}
	for e, err := range f.Extents() {
		if err != nil && info.Error == "" {
			info.Error = err.Error()
		}
		i := extentInfo{Offset: e.Offset, Length: e.Length, Kind: e.Kind.String()}
		if e.Device >= 0 {
			i.Member, i.Physical = &e.Device, &e.Physical
		}
		info.Extents = append(info.Extents, i)
	}
	return m.json.add(info)
}

func (m *mapper) end() error {
	if m.json != nil {
		if err := m.json.end(); err != nil {
			return err
		}
	}
	return m.out.Flush()
}
