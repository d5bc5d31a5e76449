package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
	"github.com/lunarsan/lunar/stream/zfs"
)

// A receiveHost has the volumes of this machine, by the names of datasets and files. Each is one
// thing for all who use it at a time.
type receiveHost struct {
	c     *cli
	roots []string

	mu   sync.Mutex
	open map[string]stream.Volume
}

// mostOpen is how many volumes are kept for the next call.
const mostOpen = 1000

// Volume finds a volume. A path must lead where it says: one that a symbolic link leads
// elsewhere is none.
func (h *receiveHost) Volume(ctx context.Context, name string) (stream.Volume, error) {
	if strings.HasPrefix(name, "lu:") {
		return nil, fmt.Errorf("%s: a unit is named by its path here: %w", name, stream.ErrForbidden)
	}
	if filepath.IsAbs(name) {
		if belongings.MatchString(name) {
			return nil, fmt.Errorf("%s belongs to a volume, and is none: %w", name, stream.ErrForbidden)
		}
		folder, err := filepath.EvalSymlinks(filepath.Dir(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w: its folder has to be there", name, stream.ErrNoVolume)
		}
		info, err := os.Lstat(name)
		if folder != filepath.Dir(name) || err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no file, or its path leads elsewhere: %w", name, stream.ErrForbidden)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v := h.open[name]; v != nil {
		return v, nil
	}
	v, err := h.find(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if h.open == nil || len(h.open) > mostOpen {
		h.open = make(map[string]stream.Volume)
	}
	h.open[name] = v
	return v, nil
}

// find finds a volume: a name that is no path is a dataset, whatever folder we were started in.
func (h *receiveHost) find(ctx context.Context, name string) (stream.Volume, error) {
	if filepath.IsAbs(name) {
		return h.c.snapshotted(ctx, name)
	}
	return zfs.Open(name, zfs.Exec("zfs"))
}

// Volumes lists the files below the roots that have snapshots, and the zvols.
func (h *receiveHost) Volumes(ctx context.Context) (names []string, err error) {
	for _, root := range h.roots {
		var found []string
		switch {
		case filepath.IsAbs(root):
			found, err = shelvesBelow(ctx, root)
		case root != wire.Everywhere:
			found, err = zfs.Below(ctx, zfs.Exec("zfs"), root)
		}
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

// belongings are what is kept beside a file: its snapshots, its layers, its record.
var belongings = regexp.MustCompile(`\.(snapshots|layers|lunar)([./]|$)`)

// shelfSuffix is what the folder of a file's snapshots ends in.
const shelfSuffix = ".snapshots"

func shelvesBelow(ctx context.Context, root string) (names []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		file, shelf := strings.CutSuffix(path, shelfSuffix)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || !d.IsDir() || !shelf:
			return nil // what cannot be looked into has nothing for anybody
		}
		names = append(names, file)
		return fs.SkipDir
	})
	return names, err
}
