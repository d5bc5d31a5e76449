// Package image opens the stores that streams of volumes are applied to and made from: regular
// files and block devices, each with its chain of snapshots.
//
// Reading order:
//
//	open.go     a store, and the lock on it
//	chain.go    the chain, in a file beside the store
//	volume.go   the store as what a dmu.Applier writes to
//	reached.go  how far it has come, when it is killed
//	source.go   the store as what a dmu.Generator reads
//	changes_linux.go extents_linux.go   where two files that share extents differ
//	clone_linux.go   files that share extents
//
// The chain of STORE is in STORE.lunar; package dmu has its format. It is replaced as a whole: it
// is written to STORE.lunar.new, made durable, and renamed. A block device has no place beside it
// that outlives the machine's next start, and so its chain is where the caller says.
package image
