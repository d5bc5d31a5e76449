package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// zfsTime is how long zfs may take to answer.
const zfsTime = 10 * time.Second

// zvolFolders are where ZFS has its volumes, by the names of their datasets: on Linux and FreeBSD,
// and on illumos.
var zvolFolders = [...]string{"/dev/zvol/rdsk/", "/dev/zvol/dsk/", "/dev/zvol/"}

// zvolAt returns the dataset of the volume at path; empty: path names none.
func zvolAt(path string) string {
	for _, folder := range zvolFolders {
		if name, ok := strings.CutPrefix(path, folder); ok && strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// runCommand runs a command and returns what it prints.
func runCommand(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(failed.Stderr))
	}
	return out, err
}

// measureZvol asks zfs what a volume takes and what is left for it in its pool.
func measureZvol(ctx context.Context, run func(ctx context.Context, name string, args ...string) ([]byte, error), volume string) (sbd.Space, error) {
	pool, _, _ := strings.Cut(volume, "/")
	out, err := run(ctx, "zfs", "get", "-Hp", "-o", "name,property,value", "used,available,referenced", volume, pool)
	if err != nil {
		return sbd.Space{}, err
	}
	values := make(map[string]int64)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 3 {
			return sbd.Space{}, fmt.Errorf("zfs get %s: %q is not a name, a property and a value", volume, lines.Text())
		}
		n, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || n < 0 {
			return sbd.Space{}, fmt.Errorf("zfs get %s: %s is %q, which is no length", volume, fields[1], fields[2])
		}
		values[fields[0]+" "+fields[1]] = n
	}
	for _, needed := range []string{volume + " referenced", volume + " available", pool + " used", pool + " available"} {
		if _, ok := values[needed]; !ok {
			return sbd.Space{}, fmt.Errorf("zfs get %s: it does not tell %s", volume, needed)
		}
	}
	return sbd.Space{
		Pool: pool,
		Used: values[volume+" referenced"],
		Size: values[pool+" used"] + values[pool+" available"],
		Free: min(values[volume+" available"], values[pool+" available"]),
	}, nil
}
