// Package backup keeps what is needed to repair a VMFS volume, and to find its files again: the
// metadata, never the disks of the virtual machines. It reads volumes and never locks them;
// restoring is the one thing that writes to them.
//
// # The layout
//
//	DEST/HOST/ALIAS/2026-11-22.0/    the first backup of that day, in UTC
//	    manifest.json     what it is of, all parts with their SHA-256 and where on the disks they are
//	    files.json.zst    every file of the volume with its block map, one a line
//	    header.zst heartbeats.zst lvm-0.zst tables-0.zst start-0.zst
//	    system/.fdc.sf.zst ...       the resource files, which other tools can read
//	    directories.zst   directories that have blocks of their own
//	    files/...         small files as they are: .vmx, descriptors of disks, .nvram
//	    SHA256SUMS        of all of these, for sha256sum -c
//
// A backup is written under another name, synced, and renamed: what has a name is complete. A
// part that did not change is a hard link to that of the backup before.
//
// # Reading order
//
//	manifest.go digest.go list.go         what is in a backup
//	plan.go plan_header.go source.go      what of a volume belongs to one
//	take.go store.go classic.go           making one while hosts write
//	folder.go shelf.go                    names, rotation, what a cut leaves
//	open.go find.go verify.go diff.go     reading
//	target.go objection.go restore.go     what a restore would write, and what speaks against it
//	apply.go              writing it, with a way back
package backup
