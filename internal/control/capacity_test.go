package control

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

func TestZvolAt(t *testing.T) {
	for path, want := range map[string]string{
		"/dev/zvol/tank/vm/1":    "tank/vm/1",
		"/dev/zvol/rdsk/tank/vm": "tank/vm",
		"/dev/zvol/dsk/tank/vm":  "tank/vm",
		"/dev/zvol/tank":         "",
		"/dev/sda":               "",
		"/srv/dev/zvol/tank/vm":  "",
	} {
		if got := zvolAt(path); got != want {
			t.Errorf("zvolAt(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestMeasureZvol(t *testing.T) {
	const good = "tank/vm\tused\t70\ntank/vm\tavailable\t300\ntank/vm\treferenced\t50\ntank\tused\t600\ntank\tavailable\t400\ntank\treferenced\t5\n"
	for name, c := range map[string]struct {
		out  string
		err  error
		want sbd.Space
		says string // of the error
	}{
		"good":               {good, nil, sbd.Space{Pool: "tank", Used: 50, Size: 1000, Free: 300}, ""},
		"no zfs":             {"", errBroken, sbd.Space{}, "broken"},
		"no such property":   {strings.ReplaceAll(good, "tank\tused\t600\n", ""), nil, sbd.Space{}, "tank used"},
		"a value of words":   {strings.ReplaceAll(good, "300", "none"), nil, sbd.Space{}, `"none"`},
		"a negative value":   {strings.ReplaceAll(good, "300", "-1"), nil, sbd.Space{}, `"-1"`},
		"something else":     {"zfs: command line of another kind\n", nil, sbd.Space{}, "not a name, a property and a value"},
		"nothing whatsoever": {"", nil, sbd.Space{}, "referenced"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			run := func(_ context.Context, name string, args ...string) ([]byte, error) {
				asked = append([]string{name}, args...)
				return []byte(c.out), c.err
			}
			got, err := measureZvol(t.Context(), run, "tank/vm")
			if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v; want %+v, an error with %q", got, err, c.want, c.says)
			}
			want := strings.Fields("zfs get -Hp -o name,property,value used,available,referenced tank/vm tank")
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunCommand(t *testing.T) {
	if out, err := runCommand(t.Context(), "sh", "-c", "echo a; echo b >&2"); string(out) != "a\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := runCommand(t.Context(), "sh", "-c", "echo no such dataset >&2; exit 1"); err == nil || !strings.Contains(err.Error(), "no such dataset") {
		t.Errorf("a command that fails: %v", err)
	}
}

// A gauged store says of itself what the test says.
type gauged struct {
	*sbd.Mem
	space func() (sbd.Space, error)
}

func (g gauged) Space() (sbd.Space, error) { return g.space() }

// TestAlarmsOfAPool: units of one pool are one alarm, by the alarm of each; it is told once for
// each time that it is crossed, and ends only when the use falls clearly below.
func TestAlarmsOfAPool(t *testing.T) {
	c := new(clock)
	free := int64(100)
	set := make(chan int64)
	get := make(chan int64)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() { // keeps free for everybody
		for {
			select {
			case free = <-set:
			case get <- free:
			case <-done:
				return
			}
		}
	}()
	const gib = 1 << 30
	r := start(t, func(o *Options) {
		o.wait = c.wait
		o.Reserve = 10 * gib
		o.openStore = func(path string, _ sbd.OpenOptions) (sbd.Store, error) {
			return gauged{sbd.NewMem(1 << 20), func() (sbd.Space, error) {
				if strings.HasSuffix(path, "broken") {
					return sbd.Space{}, errBroken
				}
				return sbd.Space{Pool: "/srv", Used: gib, Size: 100 * gib, Free: <-get * gib}, nil
			}}, nil
		}
	})
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Size: 1 << 20, Thin: true})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB, Size: 1 << 20, Thin: true, Alarm: 90})
	r.createUnit(UnitCreate{Path: r.path("thick"), Size: 1 << 20})
	r.createUnit(UnitCreate{Path: r.path("broken"), Size: 1 << 20, Thin: true})
	pool := func() PoolInfo {
		s := must(r.Status(t.Context()))(t)
		if len(s.Pools) != 1 {
			t.Fatalf("pools %+v, want one", s.Pools)
		}
		return s.Pools[0]
	}
	lines := func(text string) int { return strings.Count(r.log.String(), text) }
	for _, step := range []struct {
		free        int64
		alarm, full bool
		warned      int // so far
		refused     int
	}{
		{100, false, false, 0, 0},
		{21, false, false, 0, 0},
		{20, true, false, 1, 0},
		{19, true, false, 1, 0},
		{22, true, false, 1, 0}, // hovers
		{19, true, false, 1, 0},
		{10, true, false, 1, 0}, // b's alarm too
		{9, true, true, 1, 1},
		{12, true, true, 1, 1},
		{13, true, false, 1, 1},
		{50, false, false, 1, 1},
		{5, true, true, 2, 2},
		{90, false, false, 2, 2},
	} {
		set <- step.free
		want := PoolInfo{Name: "/srv", Size: 100 * gib, Free: step.free * gib, Units: []string{guidA, guidB}, Alarm: step.alarm, Full: step.full}
		c.until(t, "what is free", func() bool { return pool().Free == want.Free })
		c.until(t, "both units' judgement", func() bool { return cmp.Equal(want, pool()) })
		if w, f := lines("a pool of thin units fills"), lines("full but for its reserve"); w != step.warned || f != step.refused {
			t.Errorf("with %d GiB free: %d warnings and %d errors in the log, want %d and %d", step.free, w, f, step.warned, step.refused)
		}
		status := must(r.Status(t.Context()))(t)
		if (len(status.Alarms) == 1) != (step.alarm || step.full) {
			t.Errorf("with %d GiB free: alarms %q", step.free, status.Alarms)
		}
	}

	// A lower alarm is on at once when it is looked at next; the record keeps it.
	set <- 60
	alarm := 30
	must(r.ModifyUnit(t.Context(), guidA, UnitModify{Alarm: &alarm}))(t)
	c.until(t, "the alarm that was lowered", func() bool { return pool().Alarm })
	r.restart()
	if u := must(r.Unit(t.Context(), guidA))(t); u.Alarm != 30 || u.Space == nil || u.Space.PoolFree != 60*gib {
		t.Errorf("after a restart: %+v", u)
	}
	for _, percent := range []int{-1, 101} {
		_, err := r.ModifyUnit(t.Context(), guidA, UnitModify{Alarm: &percent})
		wantProblem(t, err, "cannot be")
		_, err = r.CreateUnit(t.Context(), UnitCreate{Path: r.path("c"), Size: 1 << 20, Thin: true, Alarm: percent})
		wantProblem(t, err, "cannot be")
	}
	thick := must(r.Units(t.Context()))(t)[2]
	_, err := r.ModifyUnit(t.Context(), thick.GUID, UnitModify{Alarm: &alarm})
	wantProblem(t, err, "not thin")
}

// TestZvolsAreMeasured: a unit whose store cannot measure itself and whose path is that of a ZFS
// volume is measured by zfs.
func TestZvolsAreMeasured(t *testing.T) {
	c := new(clock)
	r := start(t, func(o *Options) {
		o.wait = c.wait
		o.openStore = func(string, sbd.OpenOptions) (sbd.Store, error) { return sbd.NewMem(1 << 20), nil }
		o.run = func(_ context.Context, name string, args ...string) ([]byte, error) {
			if name != "zfs" || args[len(args)-1] != "tank" {
				return nil, errors.New("not asked for tank")
			}
			return []byte("tank/vm\tavailable\t100\ntank/vm\treferenced\t50\ntank\tused\t900\ntank\tavailable\t100\n"), nil
		}
	})
	r.createUnit(UnitCreate{Path: r.path("vm"), GUID: guidA, Size: 1 << 20, Thin: true})
	r.d.mu.Lock()
	r.d.units[mustGUID(t, guidA)].record.Path = "/dev/zvol/tank/vm" // which cannot be made here
	r.d.mu.Unlock()
	c.until(t, "the alarm of the pool", func() bool {
		pools := must(r.Status(t.Context()))(t).Pools
		return len(pools) == 1 && pools[0].Name == "tank" && pools[0].Alarm && pools[0].Free == 100
	})
}
