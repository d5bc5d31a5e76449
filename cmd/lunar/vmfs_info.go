package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/vmfs"
)

// A volumeInfo is what the headers of a volume say.
type volumeInfo struct {
	Image             string         `json:"image"`
	Label             string         `json:"label"`
	UUID              string         `json:"uuid"`
	Version           string         `json:"version"` // VMFS5
	Raw               string         `json:"raw_version"`
	Created           time.Time      `json:"created"`
	Size              int64          `json:"size"` // of the logical volume
	FileBlock         int64          `json:"file_block_size"`
	LargeBlock        int64          `json:"large_block_size,omitempty"`
	SubBlock          int64          `json:"sub_block_size"`
	MetadataAlignment int64          `json:"metadata_alignment"`
	Config            uint32         `json:"config"`
	SnapID            uint32         `json:"snap_id"`
	LogicalVolume     string         `json:"lv_uuid"`
	Checksums         bool           `json:"checksums"`
	Members           []memberInfo   `json:"members"`
	Missing           []string       `json:"missing,omitempty"`
	Resources         []resourceInfo `json:"resources"`
	Hosts             int            `json:"hosts_registered"`
	Journals          int            `json:"journals"` // that may have to be replayed
}

// A memberInfo is a partition of a volume.
type memberInfo struct {
	Device       string    `json:"device"`
	Table        string    `json:"partition_table"`
	Partition    int       `json:"partition,omitempty"`
	Start        int64     `json:"start"`
	Size         int64     `json:"size"`
	TotalBytes   int64     `json:"total_bytes"` // as the header says
	LVM          string    `json:"lvm_version"`
	UUID         string    `json:"uuid"`
	Disk         string    `json:"disk"`
	VML          string    `json:"vml"`
	IDType       string    `json:"disk_id_type"`
	LUN          uint16    `json:"lun"`
	Vendor       string    `json:"vendor"`
	Model        string    `json:"model"`
	Revision     string    `json:"revision"`
	DataOffset   int64     `json:"data_offset"`
	PEs          uint32    `json:"pes"`
	FirstPE      uint64    `json:"first_pe"`
	LastPE       uint64    `json:"last_pe"`
	State        uint32    `json:"state"`
	Generation   uint64    `json:"generation"`
	Created      time.Time `json:"created"`
	Modified     time.Time `json:"modified"`
	DevicesNamed []string  `json:"devices_named,omitempty"`
}

// A resourceInfo is a resource file.
type resourceInfo struct {
	Name      string `json:"name"`
	Size      int64  `json:"size,omitempty"`
	Resources int64  `json:"resources,omitempty"`
	Free      *int64 `json:"free,omitempty"` // nil: nobody knows where it is written
	Length    int64  `json:"resource_size,omitempty"`
	Error     string `json:"error,omitempty"`
}

func (c *cli) vmfsInfo() *cobra.Command {
	var (
		o      output
		choice imageChoice
	)
	cmd := c.vmfsVerb("info IMAGE...", "Show what the headers of volumes say", func(cmd *cobra.Command, args []string) error {
		var list []volumeInfo
		err := each(args, func(name string) error {
			v, err := c.openVolume(cmd.Context(), name, choice)
			if err != nil {
				return err
			}
			info, err := infoOf(name, v)
			list = append(list, info)
			return joined(err, v.Close())
		})
		return joined(c.print(&o, list, func() {
			for i, info := range list {
				if i > 0 {
					c.printf("\n")
				}
				c.table(info.rows())
			}
		}), err)
	})
	return choice.flags(o.flag(cmd))
}

func infoOf(name string, v *openImage) (volumeInfo, error) {
	s := v.Superblock()
	info := volumeInfo{
		Image: name, Label: s.Label(), UUID: s.UUID().String(),
		Version: fmt.Sprintf("VMFS%d", s.Version()), Raw: fmt.Sprintf("%d.%d", s.Major(), s.Minor()),
		Created: s.Created(), Size: v.Size(), FileBlock: s.FileBlockSize(), SubBlock: s.SubBlockSize(),
		MetadataAlignment: s.MetadataAlignment(), Config: s.Config(), SnapID: s.SnapID(), LogicalVolume: v.LV.UUID().String(),
		Checksums: s.ChecksumType() != 0, Missing: v.Missing(),
	}
	if s.Version() == 6 {
		info.LargeBlock = s.FileBlockSize() << s.LargeShift()
	}
	for _, m := range v.Members {
		info.Members = append(info.Members, memberInfoOf(m))
	}
	info.Members[0].DevicesNamed = v.DeviceNames()
	for _, slot := range []vmfs.Slot{vmfs.FBBSlot, vmfs.FDCSlot, vmfs.PBCSlot, vmfs.SBCSlot, vmfs.PB2Slot, vmfs.JBCSlot} {
		r, err := v.Resources(slot)
		if err != nil {
			if s.Version() == 6 || slot <= vmfs.SBCSlot {
				info.Resources = append(info.Resources, resourceInfo{Name: slot.String(), Error: err.Error()})
			}
			continue
		}
		ri := resourceInfo{Name: slot.String(), Size: r.File.Size(), Resources: r.Header.Resources(), Length: r.Header.ResourceSize()}
		if free, err := r.Free(); err == nil {
			ri.Free = &free
		}
		info.Resources = append(info.Resources, ri)
	}
	beats, err := v.Heartbeats()
	if err != nil {
		return info, err
	}
	for i := range beats.Len() {
		b := beats.Slot(i)
		if b.InUse() {
			info.Hosts++
		}
		if b.InUse() && (b.Journal() != 0 || b.JournalVolume() != 0) {
			info.Journals++
		}
	}
	return info, nil
}

func memberInfoOf(m *vmfs.Member) memberInfo {
	h, id := m.Header, m.Header.DiskID()
	return memberInfo{
		Device: m.Device().Name, Table: string(m.Scheme), Partition: m.Number, Start: m.Start, Size: m.Size, TotalBytes: h.TotalBytes(),
		LVM: fmt.Sprintf("%d.%d", h.Major(), h.Minor()), UUID: h.UUID().String(),
		Disk: id.Name(), VML: id.VML(), IDType: id.Type().String(), LUN: id.LUN(), Vendor: id.Vendor(), Model: id.Model(), Revision: id.Revision(),
		DataOffset: h.DataOffset(), PEs: m.Volume.PEs(), FirstPE: m.Volume.FirstPE(), LastPE: m.Volume.LastPE(), State: uint32(m.Volume.State()),
		Generation: h.Generation(), Created: h.Created(), Modified: h.Modified(),
	}
}

// rows are the info in words.
func (i *volumeInfo) rows() [][]string {
	rows := [][]string{
		{"Image", i.Image},
		{"Label", printable(i.Label)},
		{"Version", i.Version + " (" + i.Raw + ")"},
		{"UUID", i.UUID},
		{"Created", moment(i.Created)},
		{"Size", fmt.Sprintf("%s (%d bytes)", formatSize(i.Size), i.Size)},
		{"File blocks", blocksWords(i)},
		{"Logical volume", fmt.Sprintf("%s, snapshot number %d", i.LogicalVolume, i.SnapID)},
	}
	for k, m := range i.Members {
		where := "the whole device"
		if m.Table != string(vmfs.Bare) {
			where = fmt.Sprintf("partition %d (%s) at byte %d", m.Partition, m.Table, m.Start)
		}
		rows = append(rows, [][]string{
			{fmt.Sprintf("Extent %d", k), fmt.Sprintf("%s: %s, %s", m.Device, where, formatSize(m.Size))},
			{"  LVM", fmt.Sprintf("%s, device %s, made %s, changed %s", m.LVM, m.UUID, moment(m.Created), moment(m.Modified))},
			{"  Disk", fmt.Sprintf("%s, LUN %d; %s", printable(or(m.Disk, m.IDType)), m.LUN, printable(strings.Join([]string{m.Vendor, m.Model, m.Revision}, ", ")))},
			{"  Legacy name", m.VML},
			{"  Holds", fmt.Sprintf("physical extents %d to %d of the volume", m.FirstPE, m.LastPE)},
		}...)
		if m.TotalBytes > m.Size {
			rows = append(rows, []string{"  Cut short", fmt.Sprintf("the header speaks of %s", formatSize(m.TotalBytes))})
		}
	}
	for _, text := range i.Missing {
		rows = append(rows, []string{"Missing", text})
	}
	for _, r := range i.Resources {
		if r.Error != "" {
			rows = append(rows, []string{r.Name, r.Error})
			continue
		}
		words := fmt.Sprintf("%s; %d resources", formatSize(r.Size), r.Resources)
		if r.Length > 0 {
			words += " of " + formatSize(r.Length)
		}
		if r.Free != nil {
			words += fmt.Sprintf(", %d free", *r.Free)
		}
		rows = append(rows, []string{r.Name, words})
	}
	hosts := strconv.Itoa(i.Hosts) + " registered"
	if i.Hosts > 0 {
		hosts += "; lunar vmfs hosts tells which are alive"
	}
	rows = append(rows, []string{"Hosts", hosts})
	if i.Journals > 0 {
		rows = append(rows, []string{"Journals", fmt.Sprintf("%d: metadata may be newer in them than where it is read", i.Journals)})
	}
	return rows
}

func blocksWords(i *volumeInfo) string {
	words := formatSize(i.FileBlock)
	if i.LargeBlock > 0 {
		words += ", large ones " + formatSize(i.LargeBlock)
	}
	words += ", sub-blocks " + formatSize(i.SubBlock)
	if i.LargeBlock > 0 {
		words += ", metadata aligned to " + formatSize(i.MetadataAlignment)
	}
	return words
}
