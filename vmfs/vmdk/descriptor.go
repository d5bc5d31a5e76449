package vmdk

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// sector is what descriptors and headers count in.
const sector = 512

// Bounds of what is read.
const (
	maxDescriptor = 1 << 20
	maxExtents    = 4096
	maxSectors    = 1 << 41 // of a disk: 1 PiB
)

// A Descriptor is the text that describes a disk.
type Descriptor struct {
	CID        string // changes with the content
	ParentCID  string // noParent, or the CID that the parent had
	CreateType string
	ParentHint string // the parent's descriptor, for a disk that is changes
	Extents    []Extent
	DDB        map[string]string // what is in ddb.* of the geometry and the like
}

// noParent is the ParentCID of a disk that stands alone.
const noParent = "ffffffff"

// HasParent reports a disk that is changes to another.
func (d *Descriptor) HasParent() bool {
	return d.ParentCID != "" && !strings.EqualFold(d.ParentCID, noParent)
}

// An Extent is a part of the disk, and where it is.
type Extent struct {
	Access  string // RW, RDONLY, NOACCESS
	Sectors int64
	Kind    string // FLAT, VMFS, ZERO, VMFSSPARSE, SESPARSE ...
	File    string
	Offset  int64 // in the file, sectors
}

// IsDescriptor reports text that describes a disk.
func IsDescriptor(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("# Disk DescriptorFile"))
}

// ParseDescriptor reads a descriptor.
func ParseDescriptor(text []byte) (*Descriptor, error) {
	if len(text) > maxDescriptor {
		return nil, fmt.Errorf("a descriptor of %d bytes is none", len(text))
	}
	if !IsDescriptor(text) {
		return nil, fmt.Errorf("it does not begin with %q", "# Disk DescriptorFile")
	}
	d := &Descriptor{DDB: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimRight(text, "\x00")))
	lines.Buffer(nil, maxDescriptor)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		word, _, _ := strings.Cut(line, " ")
		switch word {
		case "RW", "RDONLY", "NOACCESS":
			e, err := parseExtent(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			if d.Extents = append(d.Extents, e); len(d.Extents) > maxExtents {
				return nil, fmt.Errorf("it has more than %d extents", maxExtents)
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if ok {
			d.set(strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(d.Extents) == 0 {
		return nil, fmt.Errorf("it names no extents")
	}
	return d, nil
}

// set takes over a key that matters; others say nothing of where the data is.
func (d *Descriptor) set(key, value string) {
	switch strings.ToLower(key) {
	case "cid":
		d.CID = value
	case "parentcid":
		d.ParentCID = value
	case "createtype":
		d.CreateType = value
	case "parentfilenamehint":
		d.ParentHint = value
	}
	if strings.HasPrefix(key, "ddb.") {
		d.DDB[key] = value
	}
}

// parseExtent reads a line like: RW 409600 VMFS "vm1-flat.vmdk" 0
func parseExtent(line string) (Extent, error) {
	before, quoted, hasFile := strings.Cut(line, `"`)
	words := strings.Fields(before)
	if len(words) < 3 {
		return Extent{}, fmt.Errorf("an extent has an access, a length, a kind and a file: %q", line)
	}
	e := Extent{Access: words[0], Kind: words[2]}
	var err error
	if e.Sectors, err = strconv.ParseInt(words[1], 10, 64); err != nil || e.Sectors < 0 || e.Sectors > maxSectors {
		return Extent{}, fmt.Errorf("an extent of %q sectors", words[1])
	}
	if !hasFile {
		return e, nil
	}
	name, rest, ok := strings.Cut(quoted, `"`)
	if !ok || name == "" {
		return Extent{}, fmt.Errorf("an extent's file has to be between quotes: %q", line)
	}
	e.File = name
	if words = strings.Fields(rest); len(words) > 0 {
		if e.Offset, err = strconv.ParseInt(words[0], 10, 64); err != nil || e.Offset < 0 || e.Offset > maxSectors {
			return Extent{}, fmt.Errorf("an extent at sector %q of its file", words[0])
		}
	}
	return e, nil
}
