package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/vmfs"
)

// A hostInfo is a host that is registered on a volume.
type hostInfo struct {
	Slot    int           `json:"slot"`
	UUID    string        `json:"uuid"`
	MAC     string        `json:"mac"`
	Address string        `json:"address,omitempty"`
	Version string        `json:"version"`
	Alive   bool          `json:"alive"`
	Uptime  time.Duration `json:"uptime_ns"` // when it wrote last
	Journal bool          `json:"journal"`   // metadata may be newer there than where it is read
}

func (c *cli) vmfsHosts() *cobra.Command {
	var (
		o      output
		choice = imageChoice{fresh: true}
		wait   time.Duration
	)
	cmd := c.vmfsVerb("hosts IMAGE", "Show which hosts use a volume, and whether they are alive", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		list, err := c.hostsOf(cmd.Context(), v.Volume, wait)
		if err != nil {
			return joined(err, v.Close())
		}
		return joined(c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no host is registered\n")
				return
			}
			rows := [][]string{{"HOST", "MAC", "ADDRESS", "VERSION", "UPTIME", "STATE"}}
			for _, h := range list {
				rows = append(rows, []string{h.UUID, h.MAC, or(printable(h.Address), "-"), h.Version, h.Uptime.Round(time.Second).String(), h.state()})
			}
			c.table(rows)
		}), v.Close())
	})
	cmd.Long = `Show which hosts are registered on a volume, and whether they are alive: one that is writes its
heartbeat every few seconds, so the heartbeats are read twice. One that was switched off without
unmounting the volume stays registered until another host clears it.

Devices are read past the page cache, since hosts write to them elsewhere. A snapshot or a copy
does not change: all its hosts are silent.`
	cmd.Flags().DurationVar(&wait, "wait", 0, "how long to wait between the two looks (default: twice what the volume says, or 20s)")
	return choice.flags(o.flag(cmd))
}

// state is the state in words.
func (h *hostInfo) state() string {
	switch {
	case h.Alive:
		return "alive"
	case h.Journal:
		return "silent, with a journal"
	}
	return "silent"
}

// leaseWait is how long hosts may take between heartbeats where the volume does not say.
const leaseWait = 20 * time.Second

// hostsOf looks at the heartbeats twice. It does not wait when nobody is registered.
func (c *cli) hostsOf(ctx context.Context, v *vmfs.Volume, wait time.Duration) ([]hostInfo, error) {
	list := []hostInfo{}
	first, err := v.Heartbeats()
	if err != nil {
		return nil, err
	}
	for i := range first.Len() {
		b := first.Slot(i)
		if !b.InUse() {
			continue
		}
		mac := b.Owner().MAC()
		list = append(list, hostInfo{
			Slot: i, UUID: b.Owner().String(), MAC: fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]),
			Address: b.Address(), Version: fmt.Sprintf("%d.%d", b.Major(), b.Minor()), Journal: b.Journal() != 0 || b.JournalVolume() != 0,
			Uptime: time.Duration(min(b.Stamp(), 1<<53)) * time.Microsecond,
		})
	}
	if len(list) == 0 {
		return list, nil
	}
	if wait <= 0 {
		if wait = 2 * v.Superblock().LeaseInterval(); wait <= 0 {
			wait = leaseWait
		}
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(min(wait, time.Minute)):
	}
	second, err := v.Heartbeats()
	if err != nil {
		return nil, err
	}
	for i := range list {
		a, b := first.Slot(list[i].Slot), second.Slot(list[i].Slot)
		list[i].Alive = a.Stamp() != b.Stamp() || a.Generation() != b.Generation()
	}
	return list, nil
}
