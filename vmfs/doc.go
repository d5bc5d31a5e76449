// Package vmfs reads VMFS 3, 5 and 6, the file systems of VMware ESXi, from partitions, disks
// and images of them. It never writes, locks or reserves, and imports nothing but the standard
// library.
//
//	v, err := vmfs.Open(vmfs.Device{Name: "disk.img", ReaderAt: f, Size: size})
//	f, err := v.Lookup("/vm1/vm1-flat.vmdk")
//	for e, err := range f.Extents() { ... }
//
// # How sure
//
// Nobody has published the format. What is said of it here carries how it is known:
//
//	V   verified on a real VMFS3 volume, or by experiments with several readers
//	C2  two or more readers that were written apart agree
//	C1  one reader alone does so
//	D   documents, tools and dumps of the vendor
//	I   inference
//
// No volume of VMFS5 or 6 that ESXi made was at hand: all that is said of VMFS6 is C2 at best.
// Checksums, the journal's transactions and the bitmaps of VMFS6 are not known to anyone.
//
// # Three kinds of offsets
//
//	device ── partition table ──> partition (P) ── LVM ──> logical volume (L) ── VMFS ──> file
//
// P counts in a partition, L in the logical volume that LVM makes of one or more partitions,
// its members. With one member, L is P less 0x1100000. Addresses and descriptors speak of L.
//
//	P 0x100000   LVM header, volume entries, PE tables: 16 MiB
//	P 0x1100000  L 0
//	L 0x200000   superblock
//	L 0x300000   heartbeats
//	L 0x400000   .fdc.sf, the file descriptors; L 0x700000 on VMFS6
//
// # Reading order
//
//	device.go uuid.go bytes.go errors.go   what all is read from, and said in
//	vmfsimg.go                    images of vmfs-tools' imager as devices
//	partition.go gpt.go mbr.go scan.go     devices to partitions
//	lvm.go diskid.go volumeentry.go petable.go   LVM on a partition
//	identity.go resignature.go    what a host sees of a disk, what differs, and what would change
//	span.go                       partitions to a logical volume
//	volume.go superblock.go       the file system
//	heartbeat.go lock.go          hosts, and what they hold
//	bootstrap.go                  the system files, found without any of them
//	resource.go resourcefile.go cluster.go   resource files: where all blocks come from
//	address.go                    addresses, a row for each kind
//	descriptor.go file.go         file descriptors
//	pointer.go extent.go spans.go   from offsets to extents
//	blocks.go                     all that a file owns
//	dir.go dirflat.go dirhashed.go dirstale.go   directories, the old and the new
//	walk.go                       paths and trees
//	check.go check_faults.go      whether all of that agrees, and what is found where it does not
//	check_volume.go check_resources.go check_hosts.go check_descriptors.go   the steps of a check
//	check_tree.go check_hashed.go namehash.go check_bitmaps.go               the others
//
// # Distrust
//
// Images come from anywhere. Numbers are bounded before anything is multiplied with or
// allocated for them, chains and recursion have limits, and what cannot be right is a
// FormatError, which says where it is. A damaged file is readable where it is not damaged.
package vmfs
