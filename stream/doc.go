// Package stream moves snapshots of volumes from one place to another, as ZFS send streams, and
// knows what is to be done first.
//
// Reading order:
//
//	volume.go   what can be asked of a volume: zvols and files answer alike, near and far
//	errors.go   what a volume refuses
//
// Package zfs beside it has volumes that ZFS keeps, package shelf those that files are, package
// wire those of another machine. Package streamtest holds each of them to the same contract.
package stream
