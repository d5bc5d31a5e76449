// Package zfs has volumes that ZFS keeps, by way of the zfs command: whatever the account may do
// that runs it can be done here, and nothing needs root.
//
// Reading order:
//
//	command.go failure.go   zfs is run; what it says becomes an error of package stream
//	name.go                 which names are handed to it
//	volume.go               a dataset as a stream.Volume
//	list.go                 snapshots, bookmarks, holds; which volumes there are
//	take.go keep.go         snapshots of several volumes at one instant; holds, bookmarks
//	destroy.go              the one place that destroys
//	rollback.go clone.go    back to a snapshot; a writable copy of one
//	promote.go              that copy in the place of the volume, for a time
//	use_linux.go            whether somebody has the volume open
//	relay.go                streams on their way, looked at before they are handed on
//	send.go                 streams out
//	receive.go admit.go     streams in, and which ones
//	anew.go                 full streams that take the place of a volume
//	partial.go              what a receive left that was cut short
//	delegation.go           what zfs allow has to grant
//
// # What is handed on
//
// zfs receive believes what it is told: it takes a full stream of a volume without the volume's
// size, and the machine panics when the volume is listed. So a stream is parsed and held to the
// rules of package dmu on its way in and out, and bytes go on only once the record behind them has
// vouched for them. What was damaged on the way has not reached ZFS.
//
// # What is destroyed
//
// zfs destroy is given one name, made of this volume's and of letters that mean nothing but
// themselves: never -r or -R, never "@a,b" or "@a%b", which are lists to it. Rollback hands -r to
// zfs rollback, after it has looked at what goes. A clone is destroyed when a property says that
// it was made here; of datasets beside it those that are called as anew.go calls them.
package zfs
