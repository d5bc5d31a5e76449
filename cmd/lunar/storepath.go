package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/internal/control"
)

// storePath is the path of a STORE on the command line: a path, or lu:GUID of a unit, which
// has to be offline so that nobody else writes to it.
func (c *cli) storePath(ctx context.Context, store string) (string, error) {
	return c.pathOf(ctx, store, func(u control.UnitInfo) error {
		if u.State != control.UnitOnline && u.State != control.UnitFailed {
			return nil
		}
		return &control.Problem{Title: fmt.Sprintf("unit %s is %s: initiators would see the disk change under them", u.GUID, u.State), Hint: fmt.Sprintf("Take it offline first: lunar lu offline %s --for maintenance", u.GUID)}
	})
}

// sourcePath is the path of a STORE that is only read: a unit may be online if nobody writes
// to it.
func (c *cli) sourcePath(ctx context.Context, store string) (string, error) {
	return c.pathOf(ctx, store, func(u control.UnitInfo) error {
		if u.State != control.UnitOnline || u.ReadOnly {
			return nil
		}
		return &control.Problem{Title: fmt.Sprintf("unit %s is online: initiators may write to it while it is read, and what is read would be of no one moment", u.GUID), Hint: fmt.Sprintf("Read a copy that shares its extents (cp --reflink=always %s COPY), or take it offline: lunar lu offline %s --for maintenance", u.Path, u.GUID)}
	})
}

// pathOf is the path of a STORE, unless the state of the unit that it is forbids it.
func (c *cli) pathOf(ctx context.Context, store string, forbid func(control.UnitInfo) error) (string, error) {
	name, unit := strings.CutPrefix(store, "lu:")
	if !unit {
		return store, nil
	}
	if name == "" {
		return "", &usageError{"lu: names no unit", "Write it lu:GUID; lunar lu list shows the units."}
	}
	u, err := c.client().Unit(ctx, name)
	if err == nil {
		err = forbid(u)
	}
	if err == nil && u.Offset != 0 {
		err = &control.Problem{Title: fmt.Sprintf("the disk of unit %s begins at byte %d of %s, behind COMSTAR's metadata", u.GUID, u.Offset, u.Path), Hint: "Use a unit whose store is all disk."}
	}
	return u.Path, err
}
