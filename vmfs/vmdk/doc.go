// Package vmdk reads the virtual disks of virtual machines on VMFS: a descriptor, which is
// text, and the files that it names, of which each holds a part of the disk or what has changed
// since a snapshot was taken.
//
//	d, err := vmdk.Open(open, "/vm1/vm1-000001.vmdk")
//
// Kinds of extents:
//
//	FLAT, VMFS    the disk's bytes            documented by the vendor (Virtual Disk Format 5.0)
//	ZERO          zeros                       documented
//	VMFSSPARSE    changes, VMFS3 to 5         documented in version 1.1 (as COWD)
//	SESPARSE      changes, on VMFS6           not documented; as QEMU reads it
//
// Raw device mappings (VMFSRDM, VMFSRAW) are other disks, and SPARSE, TWOGBSPARSE and
// compressed extents are not what ESXi keeps on VMFS: all are refused by name.
//
// Reading order: descriptor.go is the text, disk.go puts the extents and the chain together,
// grains.go is what the two kinds of changes share, cowd.go and sesparse.go are these.
package vmdk
