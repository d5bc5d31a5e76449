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
	name, unit := strings.CutPrefix(store, "lu:")
	if !unit {
		return store, nil
	}
	if name == "" {
		return "", &usageError{"lu: names no unit", "Write it lu:GUID; lunar lu list shows the units."}
	}
	u, err := c.client().Unit(ctx, name)
	switch {
	case err != nil:
		return "", err
	case u.State == control.UnitOnline || u.State == control.UnitFailed:
		return "", &control.Problem{Title: fmt.Sprintf("unit %s is %s: initiators would see the disk change under them", u.GUID, u.State), Hint: fmt.Sprintf("Take it offline first: lunar lu offline %s --for maintenance", u.GUID)}
	case u.Offset != 0:
		return "", &control.Problem{Title: fmt.Sprintf("the disk of unit %s begins at byte %d of %s, behind COMSTAR's metadata", u.GUID, u.Offset, u.Path), Hint: "Use a unit whose store is all disk."}
	}
	return u.Path, nil
}
