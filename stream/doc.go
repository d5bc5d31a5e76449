// Package stream moves snapshots of volumes from one place to another, as ZFS send streams, and
// knows what is to be done first.
//
// Reading order:
//
//	volume.go     what can be asked of a volume: zvols and files answer alike, near and far
//	errors.go     what a volume refuses
//	side.go       what is known of both ends of a replication, and what they have in common
//	plan.go       the way from what the destination has to what is wanted, as steps
//	refusal.go    why there is no way, and what would make one
//	chain.go      holds and bookmarks, that keep what the next run goes on from
//	replicate.go  doing the steps, again after failures
//	unpack.go     packages of several snapshots, received one by one
//	digest.go     a snapshot as the sums of its pieces, from its own stream
//	verify.go     whether two volumes have the same, without sending it
//
// Package zfs beside it has volumes that ZFS keeps, package shelf those that files are, package
// wire those of another machine. Package streamtest holds each of them to the same contract.
package stream
