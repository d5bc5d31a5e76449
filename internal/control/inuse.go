package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// liveTime is how long after its last command on the medium a session still counts as using a
// unit: a mounted VMFS volume writes a heartbeat every three seconds.
const liveTime = 10 * time.Second

// checkIdle refuses a change that would pull u away under sessions that use it, unless forced.
func (d *Daemon) checkIdle(u *unit, force bool) error {
	if force {
		return nil
	}
	live := slices.DeleteFunc(u.lu.Uses(), func(use scsi.Use) bool { return use.Ago < 0 || use.Ago > liveTime })
	if len(live) == 0 {
		return nil
	}
	sessions := make(map[scsi.Names]uint64)
	for _, s := range d.server.Sessions() {
		sessions[s.Ports] = s.ID
	}
	slices.SortFunc(live, func(a, b scsi.Use) int { return cmp.Compare(sessions[a.Names], sessions[b.Names]) })
	var who []string
	for _, use := range live {
		who = append(who, fmt.Sprintf("session %d of %s (I/O %d s ago)", sessions[use.Names], use.Initiator, use.Ago/time.Second))
	}
	return conflict(fmt.Sprintf("unit %s is in use by %s", u.unit.Identity().GUID, strings.Join(who, ", ")),
		fmt.Sprintf("Unmount and detach it there first; it counts as idle after %d s without I/O. --force goes ahead.", liveTime/time.Second))
}
