package shelf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/stream/dmu"
)

// recordFormat is raised when an older program must not read what this one writes.
const recordFormat = 1

// maxRecord is the longest record that is looked at (bytes): some hundred thousand snapshots.
const maxRecord = 64 << 20

// ErrRecord is the kind of every error of a record that makes no sense.
var ErrRecord = errors.New("the record of the snapshots is not one, or damaged")

// ErrName is the kind of every error of a name that none can have.
var ErrName = errors.New("this is no name for a snapshot")

// A record is what is kept of a volume's snapshots beside their bytes.
type record struct {
	Format    int        `json:"format"`
	Keeps     string     `json:"keeps"` // the medium: "reflinks" or "layers"
	Snapshots []snapshot `json:"snapshots"`
	Bookmarks []bookmark `json:"bookmarks,omitempty"`
	Clones    []clone    `json:"clones,omitempty"`
	Gone      uint64     `json:"gone,string,omitempty"` // a snapshot that the chain ends in, and that was destroyed

	// Of a record that waits for the volume to be replaced: by what, and of which snapshot
	// that has the bytes.
	Becomes string `json:"becomes,omitempty"`
	Newest  uint64 `json:"newest,string,omitempty"`
	// Anew says that nothing stays of what the volume was. It is kept when all has come, and so the
	// volume is replaced from then on, whatever has gone already.
	Anew bool `json:"anew,omitempty"`
}

// A snapshot is what a volume was. Its bytes are the medium's.
type snapshot struct {
	Name  string   `json:"name"`
	Link  dmu.Link `json:"link"`
	Holds []string `json:"holds,omitempty"` // in order
}

// A bookmark is a snapshot without bytes.
type bookmark struct {
	Name string   `json:"name"`
	Link dmu.Link `json:"link"`
	// Until is the snapshot up to which it is known where the volume has changed, once the
	// bookmark's own was destroyed; 0: it is not.
	Until uint64 `json:"until,string,omitempty"`
}

// A clone is a volume that began as a snapshot.
type clone struct {
	Name     string `json:"name"`
	Snapshot string `json:"snapshot"`
}

func parseRecord(p []byte) (*record, error) {
	if len(p) > maxRecord {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrRecord, len(p))
	}
	r := new(record)
	if err := json.Unmarshal(p, r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if r.Format != recordFormat {
		return nil, fmt.Errorf("%w: it has format %d, and this program knows %d", ErrRecord, r.Format, recordFormat)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return r, nil
}

func (r *record) encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return out.Bytes(), err
}

// check holds r to what the rest of the package takes for granted.
func (r *record) check() error {
	if r.Keeps != keepsReflinks && r.Keeps != keepsLayers {
		return fmt.Errorf("snapshots are kept as %q", r.Keeps)
	}
	if r.Becomes != "" && r.Becomes != forkReceiving && r.Becomes != forkRollback {
		return fmt.Errorf("the volume becomes %q", r.Becomes)
	}
	names, guids := map[string]bool{}, map[uint64]bool{}
	for _, s := range r.Snapshots {
		if err := checkName(s.Name); err != nil {
			return err
		}
		if names[s.Name] || s.Link.GUID == 0 || guids[s.Link.GUID] || s.Link.Size > maxSize {
			return fmt.Errorf("snapshot %s has GUID %d and %d bytes", s.Name, s.Link.GUID, s.Link.Size)
		}
		names[s.Name], guids[s.Link.GUID] = true, true
	}
	marks := map[string]bool{}
	for _, b := range r.Bookmarks {
		if err := checkName(b.Name); err != nil {
			return err
		}
		if marks[b.Name] || b.Link.GUID == 0 || b.Link.Size > maxSize {
			return fmt.Errorf("bookmark %s has GUID %d and %d bytes", b.Name, b.Link.GUID, b.Link.Size)
		}
		marks[b.Name] = true
	}
	clones := map[string]bool{}
	for _, c := range r.Clones {
		if err := checkName(c.Name); err != nil {
			return err
		}
		if clones[c.Name] || !names[c.Snapshot] {
			return fmt.Errorf("clone %s is of %s", c.Name, c.Snapshot)
		}
		clones[c.Name] = true
	}
	return nil
}

// maxSize is the longest volume (bytes): offsets are signed.
const maxSize = 1<<63 - 1

// maxName is the longest name (bytes): that of a file.
const maxName = 200

// checkName holds the name of a snapshot, a bookmark or a clone to what ZFS takes for one, and to
// what a file can be called without anybody being misled.
func checkName(name string) error {
	if name == "" || len(name) > maxName || name[0] == '.' || name[0] == '-' || name[0] == ' ' {
		return fmt.Errorf("%w: %q does not begin with a letter or a digit, or is longer than %d bytes", ErrName, name, maxName)
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == ':', c == ' ':
		default:
			return fmt.Errorf("%w: %q has something other than letters, digits, spaces and _-.: in it", ErrName, name)
		}
	}
	return nil
}

// find is the snapshot of a name, or nil.
func (r *record) find(name string) *snapshot {
	for i := range r.Snapshots {
		if r.Snapshots[i].Name == name {
			return &r.Snapshots[i]
		}
	}
	return nil
}

// findGUID is the place of a snapshot, or -1.
func (r *record) findGUID(guid uint64) int {
	return slices.IndexFunc(r.Snapshots, func(s snapshot) bool { return s.Link.GUID == guid })
}

// findBookmark is the bookmark of a name, or nil.
func (r *record) findBookmark(name string) *bookmark {
	for i := range r.Bookmarks {
		if r.Bookmarks[i].Name == name {
			return &r.Bookmarks[i]
		}
	}
	return nil
}

// newest is the newest snapshot, or nil.
func (r *record) newest() *snapshot {
	if len(r.Snapshots) == 0 {
		return nil
	}
	return &r.Snapshots[len(r.Snapshots)-1]
}

// clonesOf are the names of a snapshot's clones, in order.
func (r *record) clonesOf(name string) (names []string) {
	for _, c := range r.Clones {
		if c.Snapshot == name {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}
