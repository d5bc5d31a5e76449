package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
)

// An identityInfo is what the header of an extent says of the disk that it was made on, and how
// that compares with the disk that it is on.
type identityInfo struct {
	Device      string             `json:"device"`
	Volume      string             `json:"volume,omitempty"` // its label, where the file system can be read
	UUID        string             `json:"uuid,omitempty"`
	Name        string             `json:"name"` // naa., mpx. or t10.
	VML         string             `json:"vml"`
	Fields      []vmfs.DiskIDField `json:"fields"`
	Against     string             `json:"against,omitempty"` // the disk that was compared with
	Differences []vmfs.Difference  `json:"differences,omitempty"`
	Verdict     string             `json:"verdict"` // mounts, older, snapshot, unknown
	Advice      string             `json:"advice"`
}

// The verdicts.
const (
	mountsAsItIs  = "mounts"
	mountsIfNewer = "older"
	isSnapshot    = "snapshot"
	notCompared   = "unknown"
)

// verdicts are the verdicts in words.
var verdicts = map[string]string{
	mountsAsItIs:  "ESXi mounts it as it is",
	mountsIfNewer: "ESXi 5 and later should mount it as it is; older hosts may take it for a snapshot",
	isSnapshot:    "ESXi takes it for a snapshot, and mounts it by force or after a resignature",
	notCompared:   "not compared with a disk",
}

func (c *cli) vmfsIdentity() *cobra.Command {
	var (
		o       output
		choice  imageChoice
		against string
	)
	cmd := c.vmfsVerb("identity IMAGE", "Show which disk a volume was made on, and what ESXi will say", func(cmd *cobra.Command, args []string) error {
		list, err := c.identities(cmd.Context(), args[0], against, choice)
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			for i, info := range list {
				if i > 0 {
					c.printf("\n")
				}
				c.showIdentity(&info)
			}
		})
	})
	cmd.Long = `Show which disk a volume was made on, as the header of each of its extents has it, and what ESXi will
say of the disk that it is on now: that it mounts, or that it is a snapshot, and which field is to blame.

A unit of the daemon is compared as it is served; so is the store of one. Other images are compared
with --against: a unit of the daemon, or an NAA identifier, which is then all that is compared.`
	cmd.Flags().StringVar(&against, "against", "", "the disk that the volume is on: a unit's `GUID`, or any NAA identifier")
	cmd.Flags().BoolVar(&choice.scan, "scan", false, "look for volumes where the partition table is lost; reads all of IMAGE")
	return o.flag(cmd)
}

func (c *cli) showIdentity(info *identityInfo) {
	rows := [][]string{{"Device", info.Device}}
	if info.UUID != "" {
		rows = append(rows, []string{"Volume", fmt.Sprintf("%s (%s)", printable(info.Volume), info.UUID)})
	}
	rows = append(rows, []string{"Made on", printable(info.Name)}, []string{"Legacy name", info.VML})
	for _, f := range info.Fields {
		rows = append(rows, []string{"  " + f.Name, f.Value})
	}
	rows = append(rows, []string{"It is on", or(info.Against, "-")})
	for _, d := range info.Differences {
		what := "may matter to ESX 3 and 4"
		if d.Decides {
			what = "decides"
		}
		rows = append(rows, []string{"  " + d.Name, fmt.Sprintf("%s, and the header has %s: %s", d.Disk, d.Header, what)})
	}
	c.table(append(rows, []string{"Verdict", verdicts[info.Verdict]}, []string{"Advice", info.Advice}))
}

// identities looks at the headers of all devices of an image. It needs nothing of them but the
// headers.
func (c *cli) identities(ctx context.Context, name, against string, choice imageChoice) (list []identityInfo, err error) {
	devices, files, err := c.openDevices(ctx, name, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = joined(err, files.Close()) }()
	if against != "" && len(devices) > 1 {
		return nil, &control.Problem{Title: "one disk cannot be compared with several", Hint: "Name one extent at a time with --against."}
	}
	disks := c.knownDisks(ctx)
	for i := range devices {
		parts, err := choice.partitions(ctx, &devices[i])
		if err != nil {
			return nil, err
		}
		for k := range parts {
			h, err := parts[k].LVMHeader()
			if err != nil {
				return nil, err
			}
			disk, err := c.diskUnder(ctx, devices[i].Name, against, disks)
			if err != nil {
				return nil, err
			}
			info := compareIdentity(h.DiskID(), disk, disks)
			info.Device = parts[k].String()
			if volumes, err := vmfs.OpenPartitions(parts[k]); err == nil {
				info.Volume, info.UUID = volumes[0].Label(), volumes[0].UUID().String()
			}
			list = append(list, info)
		}
	}
	return list, nil
}

// compareIdentity compares an identifier in a header with a disk, nil for none that is known.
func compareIdentity(id *vmfs.DiskID, disk *knownDisk, disks knownDisks) identityInfo {
	info := identityInfo{Name: id.Name(), VML: id.VML(), Fields: id.Fields(), Verdict: notCompared}
	asOriginal := "serve it as the disk that it was made on (lunar lu create PATH --as-original)"
	if len(id.NAA()) != 16 {
		asOriginal = "no unit can be the disk that it was made on, which had no NAA identifier of 16 bytes"
	}
	if disk == nil {
		info.Advice = "Say which disk it is on with --against. Else " + asOriginal + "."
		return info
	}
	info.Against = disk.name
	info.Differences = id.Differences(disk.id(id))
	switch {
	case len(info.Differences) == 0:
		info.Verdict, info.Advice = mountsAsItIs, "Nothing is to be done."
	case !slices.ContainsFunc(info.Differences, func(d vmfs.Difference) bool { return d.Decides }):
		info.Verdict, info.Advice = mountsIfNewer, "Nothing is to be done on ESXi 5 and later."
	case disks.served(id, disk):
		info.Verdict, info.Advice = isSnapshot, "The original is served here too: resignature this one (esxcli storage vmfs snapshot resignature). Hosts that see both do not mount it by force."
	default:
		info.Verdict, info.Advice = isSnapshot, "Where no host sees the original: "+asOriginal+", or mount it by force (esxcli storage vmfs snapshot mount). Else resignature it."
	}
	return info
}

// A knownDisk is a disk that a volume may be on.
type knownDisk struct {
	name string
	path string // of a unit's store
	disk vmfs.Disk
	luns []int
	bare bool // nothing is known but the designator
}

// knownDisks are the daemon's units.
type knownDisks []knownDisk

// knownDisks asks the daemon, if it runs: without one, no unit is known.
func (c *cli) knownDisks(ctx context.Context) (list knownDisks) {
	units, _ := c.client().Units(ctx)
	for i := range units {
		list = append(list, diskOf(&units[i]))
	}
	return list
}

// diskOf is a unit as hosts see it.
func diskOf(u *control.UnitInfo) knownDisk {
	naa, _ := hex.DecodeString(u.GUID) // which is that and nothing else
	return knownDisk{name: "unit " + u.GUID, path: u.Path, luns: u.LUNs, disk: vmfs.Disk{
		NAA: naa, DeviceType: u.DeviceType, Version: u.Version, Vendor: u.Vendor, Product: u.Product, Revision: u.Revision,
	}}
}

// diskUnder is the disk that a device is on: the one that was named, or the unit that the device
// is or is the store of; nil when it is not known.
func (c *cli) diskUnder(ctx context.Context, device, against string, disks knownDisks) (*knownDisk, error) {
	if against == "" {
		against, _ = strings.CutPrefix(device, "lu:")
		if against == device {
			return disks.of(device), nil
		}
	}
	u, err := c.client().Unit(ctx, against)
	if err == nil {
		disk := diskOf(&u)
		return &disk, nil
	}
	digits := strings.TrimPrefix(strings.ToLower(against), "naa.")
	if naa, wrong := hex.DecodeString(digits); wrong == nil && (len(naa) == 8 || len(naa) == 16) {
		return &knownDisk{name: "naa." + digits, bare: true, disk: vmfs.Disk{NAA: naa}}, nil
	}
	return nil, err
}

// of is the unit that a file or device is the store of; nil for none.
func (k knownDisks) of(device string) *knownDisk {
	path, err := filepath.Abs(device)
	i := slices.IndexFunc(k, func(d knownDisk) bool { return err == nil && d.path == path })
	if i < 0 {
		return nil
	}
	return &k[i]
}

// id is what a host would write of the disk into a header. What is not known is as in the
// header that it is compared with.
func (k *knownDisk) id(header *vmfs.DiskID) *vmfs.DiskID {
	d := k.disk
	if k.bare {
		d.DeviceType, d.Version = header.DeviceType(), header.SCSILevel()
		d.Vendor, d.Product, d.Revision = header.Vendor(), header.Model(), header.Revision()
	}
	d.LUN = header.LUN()
	if len(k.luns) > 0 && !slices.Contains(k.luns, int(d.LUN)) {
		d.LUN = uint16(k.luns[0])
	}
	return d.DiskID()
}

// served reports that the disk of a header is a unit, and another one than disk.
func (k knownDisks) served(id *vmfs.DiskID, disk *knownDisk) bool {
	return slices.ContainsFunc(k, func(o knownDisk) bool {
		return id.NAA() != nil && slices.Equal(o.disk.NAA, id.NAA()) && !slices.Equal(o.disk.NAA, disk.disk.NAA)
	})
}
