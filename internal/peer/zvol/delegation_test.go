//go:build e2e

package zvol

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/zfs"
)

// grants is a file that is written when nothing is allowed yet.
var grants = flag.String("grants", "", "nothing is allowed yet: the file that the commands go to that allow it")

// TestDelegation: before anything is allowed all of it is missing; the commands that are named
// then allow it.
func TestDelegation(t *testing.T) {
	if *within == "" {
		t.Skip("-within is not given: TestGuestVolumes runs this with OpenZFS")
	}
	var commands []string
	for _, role := range []zfs.Role{zfs.Source, zfs.Destination, zfs.Clones} {
		d, err := zfs.Check(t.Context(), zfs.Exec("zfs"), *within+"/v", role)
		if err != nil {
			t.Fatal(err)
		}
		if *grants == "" {
			if d.Err() != nil {
				t.Errorf("%v: %v", role, d.Err())
			}
			continue
		}
		if got := strings.Join(d.Missing, ","); !strings.HasSuffix(d.Grant, " "+got+" "+d.Dataset) {
			t.Errorf("%v: %s is missing, %s is to be allowed", role, got, d.Grant)
		}
		if role != zfs.Source { // that one is of a volume that is not there
			commands = append(commands, d.Grant+"\n")
		}
	}
	if *grants == "" {
		return
	}
	v := open(t, *within)
	_, err := v.Take(t.Context(), "s")
	if !errors.Is(err, stream.ErrForbidden) || !strings.Contains(err.Error(), "zfs allow -u lunar snapshot "+*within) {
		t.Errorf("taking a snapshot: %v", err)
	}
	if err := os.WriteFile(*grants, []byte(strings.Join(slices.Compact(commands), "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
