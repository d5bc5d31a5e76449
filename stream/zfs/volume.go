package zfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A Volume is a dataset: a zvol, or a file system, which is listed, sent and received like one and
// has no Path.
type Volume struct {
	dataset  string
	run      Command
	folder   string     // of the nodes of volumes
	changing sync.Mutex // where a change is more than one command
}

var _ stream.Volume = (*Volume)(nil)

// Open makes a Volume of the dataset, which need not be there yet.
func Open(dataset string, run Command) (*Volume, error) {
	if err := CheckDataset(dataset); err != nil {
		return nil, err
	}
	return &Volume{dataset: dataset, run: run, folder: folders[runtime.GOOS]}, nil
}

// folders are where machines have the nodes of volumes that are not at /dev/zvol.
var folders = map[string]string{"illumos": "/dev/zvol/rdsk/", "solaris": "/dev/zvol/rdsk/", "linux": "/dev/zvol/", "freebsd": "/dev/zvol/"}

// Name is the dataset's.
func (v *Volume) Name() string { return v.dataset }

// Path is the node of the volume. udev puts a + where a name has a blank.
func (v *Volume) Path() string { return v.folder + strings.ReplaceAll(v.dataset, " ", "+") }

// zfs runs a command, and explains what it says.
func (v *Volume) zfs(ctx context.Context, args ...string) error {
	if err := v.guard(args); err != nil {
		return err
	}
	return v.explain(ctx, v.run(ctx, nil, nil, args...))
}

// whole is the name of the volume's snapshot (kind '@') or bookmark ('#').
func (v *Volume) whole(kind byte, name string) (string, error) {
	if err := checkShort(name); err != nil {
		return "", fmt.Errorf("%s: %w", v.dataset, err)
	}
	return v.dataset + string(kind) + name, nil
}

// nodeTime is how long udev may take to make the node of a volume that is new.
const nodeTime = 10 * time.Second

// waitForNode waits for the node of a new volume, as long as this machine makes any; was is where
// one of the same name led. What wants to open a node that is not there then says so better than it
// could be said here.
func waitForNode(ctx context.Context, path, folder, was string) {
	if _, err := os.Stat(folder); err != nil {
		return
	}
	for end := time.Now().Add(nodeTime); time.Now().Before(end) && ctx.Err() == nil; {
		leads, _ := os.Readlink(path)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) && (was == "" || leads != was) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}
