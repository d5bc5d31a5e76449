// Package sbd holds logical units and the stores behind them. It knows bytes, ranges and
// durability; it knows nothing of SCSI, sockets or who may see what.
//
// # The contract of a store
//
// A Store is a fixed-size run of bytes. Its callers own every buffer: a store neither keeps
// nor changes the slice it is given, apart from filling it during ReadAt. All methods may be
// called at the same time from several goroutines; the store does not order overlapping
// calls, the Unit's range locks do.
//
//   - ReadAt and WriteAt move all of p or fail; a range that reaches past Size is ErrOutOfRange.
//   - After WriteAt returns, ReadAt sees the bytes; after Sync returns nil, a power loss keeps
//     every write that returned before Sync was called.
//   - A failed WriteAt may leave any prefix of its own range written, and no other byte touched.
//   - Errors are those of errors.go, wrapped with the place: callers test with errors.Is.
//
// Optional powers are small interfaces found by assertion: TryReader, TryWriter, Unmapper,
// Zeroer, Copier, Mapper, Sharer, Measurer, Prefetcher, Resizer, Advisor. Where a store lacks one, the Unit
// does it the plain way (zeros by writing zeros, everything mapped, everything may block).
//
// # What a unit adds
//
// A Unit exists once however many targets show it. It carries the identity that survives
// replication, keeps byte-range locks (shared by ordinary I/O, exclusive for atomic
// commands), counts, commits in groups, and remembers a failed sync: once the medium has
// lied, every later write and sync answers ErrSyncFailed until an operator looks.
//
// # Reading order
//
//	store.go      Store and the optional powers
//	errors.go     the sentinel errors
//	identity.go   what never changes about a unit
//	unit.go       the unit: state, attach and detach, the way into the store
//	io.go         Op; read, write, atomic update, sync
//	space.go      unmap, zero, fill, mapped extents, prefetch, resize
//	hold.go       the writes of several units stand still
//	copy.go, copy_piece.go   copies within a unit and between two
//	watch.go      whether bytes have changed since somebody asked
//	capacity.go   what a store takes, what is left, and what is kept in reserve
//	plain.go      what happens where a store lacks a power
//	rangelock.go  byte-range locks
//	commit.go     group commit and the remembered failure
//	metrics.go    what a unit counts
//	file.go, file_linux.go, file_other.go   Open, Create; regular files
//	copy_linux.go                           copies between files, by the file system or the kernel
//	block_linux.go                          block devices and zvols
//	extents_linux.go, capacity_linux.go     what a file has of its file system
//	descriptor.go, descriptor_linux.go      what those two share; errno to error
//	durable.go                              small files that are written as a whole
//	start_linux.go, start_other.go          for how long the system remembers what was not synced
//	offset.go                               the part of a store behind something else
//	mem.go, null.go, faulty.go              stores in memory, nowhere, and failing on demand
//	storetest     the contract as a test suite
package sbd
