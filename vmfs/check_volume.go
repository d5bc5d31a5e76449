package vmfs

import "strings"

// volume checks what the devices, LVM and the superblock say of each other.
func (c *checker) volume() error {
	if missing := c.v.Missing(); len(missing) > 0 {
		c.find(FaultMissing, "volume", "%s", strings.Join(missing, "; "))
	}
	sb, lv := c.v.sb, c.v.Members[0].Volume
	if sb.VolumeUUID() != lv.UUID() {
		c.find(FaultSuperblock, "superblock", "it says volume %s, and LVM says %s", sb.VolumeUUID(), lv.UUID())
	} else if sb.VolumeSnapID() != lv.SnapID() {
		c.find(FaultSuperblock, "superblock", "it says snapshot %d of the volume, and LVM says %d", sb.VolumeSnapID(), lv.SnapID())
	}
	for _, m := range c.v.Members {
		if total := m.Header.TotalBytes(); total > m.Size {
			c.find(FaultMissing, m.String(), "LVM says that it has %d bytes; there are %d", total, m.Size)
		}
	}
	return nil
}
