// Package vmfstest writes VMFS3, 5 and 6 volumes for tests: a Spec says what is on a volume, and
// Write makes the bytes, always the same ones, and as few as there are. An Image says afterwards
// what a reader should find.
//
// It shares nothing with package vmfs, on purpose. Both were made from the same notes on the
// format, but a table of offsets or a formula that both used would hide its own errors: here
// every field is written where the notes have it, in the words of this package. What the two
// agree on was read from the notes twice; what is right is shown on a real VMFS3 volume, and by
// tools that others wrote.
//
// # What is not known
//
// There is no real VMFS6 volume behind this. Where its clusters keep the bitmap is unknown, so
// none is written: counts are. What the lock of a journal block's cluster is called, what a
// directory's count of allocated slots counts, and how the first and last physical extent of a
// device are numbered after extents interleave, are guesses.
//
// # Reading order
//
//   - spec.go: what can be said of a volume
//   - builder.go: the order in which it is written
//   - table.go, lvm.go, diskid.go: the device: partition, extents, the SCSI identifier
//   - superblock.go, heartbeat.go: the file system's header, hosts, locks
//   - plan.go, resource.go, system.go: what is allocated, and the files that say so
//   - address.go: how it is addressed
//   - tree.go, file.go, writer.go, mapper.go, descriptor.go: files
//   - directory.go, directory6.go, hash.go: directories
//   - delete.go: what deletions leave
//   - everything.go, shapes.go: volumes to test with
//   - image.go, content.go, disk.go: what tests compare with, and disks in memory
//   - fields.go: little-endian fields, UUIDs
package vmfstest
