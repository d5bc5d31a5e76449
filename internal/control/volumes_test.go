package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/zfs"
)

// A copied is a volume whose snapshots and clones are whole copies of a file, and whose streams are
// one after a line about it.
type copied struct {
	path string
	now  func() time.Time
	all  *copies // that clones are among

	mu    sync.Mutex
	list  []stream.Snapshot
	fail  func(what string) error // nil: nothing fails
	lacks []string                // permissions, to be sent back to
}

// A preamble is what begins the stream of a copied volume.
type preamble struct {
	stream.Snapshot
	From uint64 `json:"from"` // GUID
}

func (v *copied) Name() string { return v.path }
func (v *copied) Path() string { return v.path }

func (v *copied) Check(_ context.Context, role zfs.Role) (*zfs.Delegation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	d := &zfs.Delegation{Account: "lunar", Dataset: v.path, Grant: "zfs allow -u lunar"}
	if role == zfs.Return {
		d.Missing = v.lacks
	}
	return d, nil
}

func (v *copied) failing(what string) error {
	if v.fail == nil {
		return nil
	}
	return v.fail(what)
}

func (v *copied) Snapshots(context.Context) ([]stream.Snapshot, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := os.Stat(v.path); errors.Is(err, fs.ErrNotExist) {
		return nil, stream.ErrNoVolume
	}
	return slices.Clone(v.list), v.failing("snapshots")
}

// find is the place of a snapshot, or of the bookmark "#name"; -1: there is none.
func (v *copied) find(name string) int {
	return slices.IndexFunc(v.list, func(s stream.Snapshot) bool {
		return !s.Bookmark && s.Name == name || s.Bookmark && "#"+s.Name == name
	})
}

func (v *copied) Take(_ context.Context, name string) (stream.Snapshot, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.find(name) >= 0 {
		return stream.Snapshot{}, stream.ErrExists
	}
	s := stream.Snapshot{Name: name, GUID: rand.Uint64(), Created: v.now(), Used: -1}
	v.list = append(v.list, s)
	return s, duplicate(v.path, v.path+"@"+name)
}

func (v *copied) Destroy(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := v.find(name)
	switch {
	case i < 0:
		return stream.ErrNoSnapshot
	case len(v.list[i].Holds) > 0:
		return stream.ErrHeld
	case len(v.list[i].Clones) > 0:
		return stream.ErrCloned
	}
	v.list = slices.Delete(v.list, i, i+1)
	return os.Remove(v.path + "@" + name)
}

func (v *copied) Hold(_ context.Context, name, tag string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := v.find(name)
	if i < 0 {
		return stream.ErrNoSnapshot
	}
	holds := append(slices.Clone(v.list[i].Holds), tag)
	slices.Sort(holds)
	v.list[i].Holds = slices.Compact(holds)
	return nil
}

func (v *copied) Release(_ context.Context, name, tag string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.find(name); i >= 0 {
		v.list[i].Holds = slices.DeleteFunc(slices.Clone(v.list[i].Holds), func(t string) bool { return t == tag })
	}
	return nil
}

func (v *copied) Bookmark(_ context.Context, snapshot, bookmark string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := v.find(snapshot)
	if i < 0 {
		return stream.ErrNoSnapshot
	}
	if v.find("#"+bookmark) < 0 {
		s := v.list[i]
		v.list = slices.Insert(v.list, i+1, stream.Snapshot{Name: bookmark, GUID: s.GUID, Created: s.Created, Bookmark: true})
	}
	return nil
}

func (v *copied) Unbookmark(_ context.Context, bookmark string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.find("#" + bookmark); i >= 0 {
		v.list = slices.Delete(v.list, i, i+1)
	}
	return nil
}

func (v *copied) Rollback(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rollback(v.find(name))
}

func (v *copied) rollback(to int) error {
	if to < 0 {
		return stream.ErrNoSnapshot
	}
	for _, s := range v.list[to+1:] {
		if len(s.Holds) > 0 {
			return stream.ErrHeld
		}
		if !s.Bookmark {
			if err := os.Remove(v.path + "@" + s.Name); err != nil {
				return err
			}
		}
	}
	v.list = v.list[:to+1]
	return duplicate(v.path+"@"+v.list[to].Name, v.path)
}

func (v *copied) Clone(_ context.Context, snapshot, clone string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing("clone"); err != nil {
		return "", err
	}
	i := v.find(snapshot)
	if i < 0 {
		return "", stream.ErrNoSnapshot
	}
	own := v.list[i]
	own.Holds, own.Clones = nil, nil
	v.all.at(v.path + "." + clone).list = []stream.Snapshot{own}
	v.list[i].Clones = append(slices.Clip(v.list[i].Clones), clone)
	return v.path + "." + clone, duplicate(v.path+"@"+snapshot, v.path+"."+clone)
}

func (v *copied) Unclone(_ context.Context, clone string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing("unclone"); err != nil {
		return err
	}
	for i := range v.list {
		v.list[i].Clones = slices.DeleteFunc(slices.Clone(v.list[i].Clones), func(c string) bool { return c == clone })
	}
	return os.Remove(v.path + "." + clone)
}

func (v *copied) Estimate(context.Context, stream.Send) (int64, error) {
	info, err := os.Stat(v.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (v *copied) Send(_ context.Context, q stream.Send) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing("send"); err != nil {
		return nil, err
	}
	to := v.find(q.Snapshot)
	if to < 0 {
		return nil, stream.ErrNoSnapshot
	}
	l := preamble{Snapshot: v.list[to]}
	if q.From != "" {
		from := v.find(q.From)
		if from < 0 {
			return nil, stream.ErrNoSnapshot
		}
		l.From = v.list[from].GUID
	}
	l.Holds, l.Clones = nil, nil
	head, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(v.path + "@" + q.Snapshot)
	return io.NopCloser(io.MultiReader(bytes.NewReader(append(head, '\n')), bytes.NewReader(content))), err
}

func (v *copied) Receive(_ context.Context, in io.Reader, q stream.Receive) (s stream.Snapshot, err error) {
	all, err := io.ReadAll(in)
	if err != nil {
		return s, err
	}
	head, content, ok := bytes.Cut(all, []byte("\n"))
	var l preamble
	if err := json.Unmarshal(head, &l); err != nil || !ok {
		return s, fmt.Errorf("%w: %w", stream.ErrStream, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing("receive"); err != nil {
		return s, err
	}
	if base := slices.IndexFunc(v.list, func(s stream.Snapshot) bool { return !s.Bookmark && s.GUID == l.From }); l.From != 0 {
		newest := -1
		for i, s := range v.list {
			if !s.Bookmark {
				newest = i
			}
		}
		if base < 0 || base != newest && !q.Rollback {
			return s, stream.ErrBase
		}
		if q.Rollback {
			if err := v.rollback(base); err != nil {
				return s, err
			}
		}
	}
	v.list = append(v.list, l.Snapshot)
	return l.Snapshot, errors.Join(os.WriteFile(v.path, content, 0o600), os.WriteFile(v.path+"@"+l.Name, content, 0o600))
}

func (v *copied) Partial(context.Context) (*stream.Partial, error) { return nil, nil }

func (v *copied) Abandon(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failing("abandon")
}

// duplicate copies a file, and leaves out zeros.
func duplicate(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	p, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := in.ReadAt(p, at)
		if n > 0 && !bytes.Equal(p[:n], zeros[:n]) {
			if _, err := out.WriteAt(p[:n], at); err != nil {
				return errors.Join(err, out.Close())
			}
		}
		at += int64(n)
		if err != nil && err != io.EOF {
			return errors.Join(err, out.Close())
		}
		if err == io.EOF {
			return errors.Join(out.Truncate(at), out.Close())
		}
	}
}

// copies are the volumes of a rig.
type copies struct {
	mu  sync.Mutex
	all map[string]*copied
}

func (c *copies) open(name string) (stream.Volume, error) { return c.at(name), nil }

func (c *copies) at(name string) *copied {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[string]*copied)
	}
	if c.all[name] == nil {
		c.all[name] = &copied{path: name, now: time.Now, all: c}
	}
	return c.all[name]
}

// clonesOf are the files of clones beside a volume.
func clonesOf(t *testing.T, path string) []string {
	t.Helper()
	return must(filepath.Glob(path + ".*"))(t)
}
