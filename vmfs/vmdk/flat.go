package vmdk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Flat is the descriptor of a disk of so many bytes that is all in one flat file, as VMware's
// other products and QEMU read it. was is the descriptor that it had, if any: what that says of
// the geometry and the like is taken over.
func Flat(file string, size int64, was *Descriptor) string {
	cid, ddb := "fffffffe", map[string]string{"ddb.adapterType": "lsilogic", "ddb.virtualHWVersion": "4"}
	if was != nil {
		if was.CID != "" {
			cid = was.CID
		}
		for key, value := range was.DDB {
			// How the file is kept on VMFS is not how it is kept here.
			if key != "ddb.thinProvisioned" && key != "ddb.deletable" && key != "ddb.longContentID" {
				ddb[key] = value
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Disk DescriptorFile\nversion=1\nCID=%s\nparentCID=%s\ncreateType=\"monolithicFlat\"\n\n", cid, noParent)
	fmt.Fprintf(&b, "# Extent description\nRW %d FLAT \"%s\" 0\n\n# The Disk Data Base\n#DDB\n\n", size/sector, file)
	for _, key := range slices.Sorted(maps.Keys(ddb)) {
		fmt.Fprintf(&b, "%s = \"%s\"\n", key, ddb[key])
	}
	return b.String()
}
