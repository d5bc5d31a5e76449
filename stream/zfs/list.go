package zfs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// columns are what is asked of each snapshot.
const columns = "name,guid,creation,createtxg,used,volsize,userrefs,clones"

// Below lists the volumes that are a dataset or below it: zvols, no file systems. Of a dataset
// that is not there yet there are none.
func Below(ctx context.Context, run Command, dataset string) (names []string, err error) {
	if err := CheckDataset(dataset); err != nil {
		return nil, err
	}
	err = lines(ctx, run, func(fields []string) error {
		names = append(names, fields[0])
		return nil
	}, "list", "-H", "-r", "-t", "volume", "-o", "name", dataset)
	if kindOf(err) == errMissing {
		return nil, nil
	}
	return names, err
}

// Snapshots lists the snapshots and the bookmarks, oldest first, in one command, and a second one
// where some are held.
func (v *Volume) Snapshots(ctx context.Context) ([]stream.Snapshot, error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		all, err := v.snapshots(ctx)
		if !errors.Is(err, stream.ErrNoSnapshot) || attempt == attempts {
			return all, err
		}
		// One was destroyed between the two commands.
	}
}

func (v *Volume) snapshots(ctx context.Context) ([]stream.Snapshot, error) {
	all, held, err := v.list(ctx, "-s", "createtxg", "-d", "1", v.dataset)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		if err := v.finished(ctx); err != nil {
			return nil, err
		}
	}
	return all, v.holds(ctx, all, held)
}

// snapshot is one, by its name.
func (v *Volume) snapshot(ctx context.Context, name string) (stream.Snapshot, error) {
	target, err := v.whole('@', name)
	if err != nil {
		return stream.Snapshot{}, err
	}
	one, held, err := v.list(ctx, target)
	if err != nil {
		return stream.Snapshot{}, err
	}
	if len(one) != 1 {
		return stream.Snapshot{}, fmt.Errorf("%s: zfs lists %d snapshots of that name", target, len(one))
	}
	return one[0], v.holds(ctx, one, held)
}

// list runs zfs list, and says which of the snapshots are held: their places in all.
func (v *Volume) list(ctx context.Context, which ...string) (all []stream.Snapshot, held []int, err error) {
	args := append([]string{"list", "-Hp", "-t", "snapshot,bookmark", "-o", columns}, which...)
	err = lines(ctx, v.run, func(fields []string) error {
		s, references, err := v.parse(fields)
		if err != nil {
			return fmt.Errorf("%s: zfs list says %q: %w", v.dataset, strings.Join(fields, " "), err)
		}
		if references > 0 {
			held = append(held, len(all))
		}
		all = append(all, s)
		return nil
	}, args...)
	return all, held, v.explain(ctx, err)
}

// parse reads a line of zfs list.
func (v *Volume) parse(fields []string) (s stream.Snapshot, references int64, err error) {
	if len(fields) != strings.Count(columns, ",")+1 {
		return s, 0, fmt.Errorf("it has %d columns", len(fields))
	}
	name, ok := strings.CutPrefix(fields[0], v.dataset)
	if !ok || len(name) < 2 || name[0] != '@' && name[0] != '#' {
		return s, 0, errors.New("this is none of its snapshots and bookmarks")
	}
	s.Name, s.Bookmark = name[1:], name[0] == '#'
	if s.GUID, err = strconv.ParseUint(fields[1], 10, 64); err != nil {
		return s, 0, err
	}
	created, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return s, 0, err
	}
	s.Created = time.Unix(created, 0).UTC()
	numbers := [...]struct {
		text   string
		to     *int64
		absent int64
	}{
		{fields[4], &s.Used, -1},
		{fields[5], &s.Size, 0},
		{fields[6], &references, 0},
	}
	for _, n := range numbers {
		if *n.to = n.absent; n.text == "-" {
			continue
		}
		if *n.to, err = strconv.ParseInt(n.text, 10, 64); err != nil {
			return s, 0, err
		}
	}
	if s.Bookmark {
		s.Used = 0
	}
	if clones := fields[7]; clones != "-" && clones != "" {
		for clone := range strings.SplitSeq(clones, ",") {
			s.Clones = append(s.Clones, v.cloneName(clone))
		}
		slices.Sort(s.Clones)
	}
	return s, references, nil
}

// holdsAtOnce is how many snapshots one zfs holds is asked about: with the longest names they are
// far below what a command line may have.
const holdsAtOnce = 200

// holds asks for the tags of those of all that are held.
func (v *Volume) holds(ctx context.Context, all []stream.Snapshot, held []int) error {
	for some := range slices.Chunk(held, holdsAtOnce) {
		args := []string{"holds", "-H"}
		places := make(map[string]int, len(some))
		for _, i := range some {
			target := v.dataset + "@" + all[i].Name
			places[target] = i
			args = append(args, target)
		}
		err := lines(ctx, v.run, func(fields []string) error {
			if len(fields) != 3 {
				return fmt.Errorf("%s: zfs holds says %q, not a snapshot, a tag and a time", v.dataset, fields)
			}
			if i, ok := places[fields[0]]; ok {
				all[i].Holds = append(all[i].Holds, fields[1])
			}
			return nil
		}, args...)
		if err != nil {
			return v.explain(ctx, err)
		}
		for _, i := range some {
			slices.Sort(all[i].Holds)
		}
	}
	return nil
}

// finished says stream.ErrNoVolume of a volume whose first snapshot has not come whole.
func (v *Volume) finished(ctx context.Context) error {
	value, err := v.properties(ctx, v.dataset, "inconsistent")
	if err == nil && value[0] == "1" {
		return fmt.Errorf("%s: %w: what is there has not been received to its end", v.dataset, stream.ErrNoVolume)
	}
	return err
}

// properties are the values of a dataset's properties, in the order of names; "-" where it has
// none.
func (v *Volume) properties(ctx context.Context, dataset string, names ...string) (values []string, err error) {
	err = lines(ctx, v.run, func(fields []string) error {
		values = append(values, fields[0])
		return nil
	}, "get", "-Hp", "-o", "value", strings.Join(names, ","), dataset)
	if err != nil {
		return nil, v.explain(ctx, err)
	}
	if len(values) != len(names) {
		return nil, fmt.Errorf("%s: zfs get says %q for %q", dataset, values, names)
	}
	return values, nil
}
