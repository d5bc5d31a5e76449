// Package churn tells where the changes of a volume come from: how much changed from snapshot to
// snapshot, and which virtual machines, disks and files on a VMFS volume that was.
//
// What changed is read of incremental streams, whose records name the ranges; payloads are not
// looked at. Who has which range is read of the VMFS volume as it was at the later snapshot.
//
//	streams ──> ranges that changed ─┐
//	                                 ├── sweep ──> bytes by owner ──> Report
//	VMFS volume ──> Layout: extents ─┘
//
// Memory is that of the layout, 24 bytes for each extent of a file; streams pass by.
//
// Reading order:
//
//	kind.go      what a file is, by its name and place
//	owner.go     whose bytes a range has: machine, disk, file
//	layout.go    all extents of a VMFS volume, in order
//	overlay.go   where two of them claim the same bytes
//	sweep.go     ranges that changed against extents
//	tally.go     streams in, bytes by owner and interval
//	volume.go    the streams of a volume that keeps snapshots
//	group.go     places taken together, and named
//	report.go    sums, shares, rates, trends
//	advice.go    what of it can be moved elsewhere
package churn
