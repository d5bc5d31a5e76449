// Package undelete finds deleted files on VMFS volumes, and reads what is left of them. It only
// reads the volume.
//
//	s, err := undelete.Survey(ctx, volume)
//	for _, c := range s.Descriptors() { ... }
//	report, err := c.Extract(ctx, out, nil)
//
// What deleting leaves is not documented [I, D weak]: resources are freed by setting bits, data
// is not overwritten at once, a descriptor keeps its magic with no links and may lose its
// addresses, and pointer blocks keep their contents until they are allocated again. VMFS6 gives
// freed blocks back to thin disks after a while: they read as zeros from then on.
//
// So there are four strategies, the more valuable before the others. Each finds candidates, which
// say how sure they are and why, and what became of each of their blocks. A block that a file has
// today is never taken for a deleted one's.
//
//  1. saved: a map of the file that was saved before it was deleted, as a backup of the volume
//     has it. Exact where no block was used again.
//  2. descriptor: descriptors that no directory names, and still have their addresses.
//  3. pointers: pointer blocks that no file has, put in order by what points to them, by where
//     their blocks lie, and by what the blocks begin with.
//  4. carved: partition tables and file systems in blocks that no file has, taken to be in one
//     piece from there on.
//
// # Reading order
//
//	candidate.go   what is found: candidates, their pieces, and how sure they are
//	spans.go       which bytes of the volume are whose
//	survey.go      one pass over the volume: what is alive, and what is not
//	census.go      the volume's own account of its blocks
//	names.go       names that deletions left in directories
//	judge.go       what became of each block of a candidate
//	saved.go descriptor.go pointers.go chain.go carve.go   the strategies
//	signature.go   what disks and file systems begin with, and how long they are
//	extract.go     a candidate to a sparse image
package undelete
