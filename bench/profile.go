package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// largestProfile is the most that is worth keeping with the source, in bytes.
const largestProfile = 300 << 10

// profiled are the loads whose mean is what the compiler optimises for.
func profiled() Set {
	s := Set{Name: "profile"}
	for _, p := range []Pattern{Read, Write, Mixed} {
		s.Loads = append(s.Loads, made(InProcess, p, 4<<10, 32), made(InProcess, p, 64<<10, 16))
	}
	s.Loads = append(s.Loads,
		made(InProcess, Mixed, 4<<10, 1),
		made(InProcess, Mixed, 4<<10, 8).sessions(4),
		made(InProcess, Mixed, 256<<10, 8),
		made(InProcess, Mixed, 4<<10, 32).digests(BothDigests),
		made(InProcess, Mixed, 64<<10, 8).digests(BothDigests),
		made(InProcess, Write, 4<<10, 32).on(Durable),
	)
	return s
}

// Profile runs what a daemon has most of on one that was built without a profile, and writes
// to the file name what its processors did, for the compiler.
func Profile(ctx context.Context, c Config, name string, progress io.Writer) (err error) {
	c.Set, c.Rounds, c.Only = profiled(), 1, []string{}
	if err := c.validate(); err != nil {
		return err
	}
	dir, disk, done, err := c.folders()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	f := layOut(c.Set, c.Size, dir, disk)
	if err := f.make(); err != nil {
		return err
	}
	binary, err := peer.Build(c.Root, dir, "-pgo=off")
	if err != nil {
		return err
	}
	lunar, err := peer.StartLunar(ctx, dir, binary, "", f.units...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lunar.Stop()) }()
	r := &rival{Target: lunar, files: f, serves: len(f.units)}
	var parts []string
	for i, l := range c.Set.Loads {
		part := filepath.Join(dir, fmt.Sprintf("%d.pprof", i))
		if err := profile(ctx, c, l, r, lunar, part); err != nil {
			return fmt.Errorf("%s: %w", l, err)
		}
		parts = append(parts, part)
		fmt.Fprintf(progress, "%d of %d: %s\n", i+1, len(c.Set.Loads), l)
	}
	return merge(ctx, parts, name)
}

// profile runs a load and keeps the profile of its time.
func profile(ctx context.Context, c Config, l Load, r *rival, lunar *peer.Lunar, name string) error {
	seconds := max(1, int(c.Time.Seconds()))
	c.Time = time.Duration(seconds)*time.Second + c.Time/2 // the profile ends first
	failed := make(chan error, 1)
	go func() {
		text, err := lunar.Get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
		if err == nil {
			err = os.WriteFile(name, text, 0o600)
		}
		failed <- err
	}()
	_, err := timed(ctx, c, l, r)
	return errors.Join(err, <-failed)
}

// merge makes one profile of several.
func merge(ctx context.Context, parts []string, name string) error {
	out, err := peer.Output(ctx, nil, "go", append([]string{"tool", "pprof", "-proto", "-output", name}, parts...)...)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	info, err := os.Stat(name)
	if err == nil && info.Size() > largestProfile {
		err = fmt.Errorf("%s has %d bytes, more than the %d that are worth keeping: profile for a shorter time", name, info.Size(), largestProfile)
	}
	return err
}
