// Package shelf keeps the snapshots of a file, and sends and receives them: a file as a
// stream.Volume.
//
// Reading order:
//
//	shelf.go     a file, and the lock on what is kept of it
//	folder.go    what is where; names and files changed in steps that are durable
//	record.go    the record: snapshots, holds, bookmarks, clones
//	edit.go      a look at all of that, or a change, alone with it
//	mend.go      what is done about a change that did not come to its end
//	medium.go    what keeps the bytes of snapshots
//	reflinks.go  files that share their extents: xfs, btrfs
//	layers.go    layers of package layer: everywhere else
//	snapshots.go take.go clones.go   snapshots, and what becomes of them
//	send.go since.go                 streams out; what changed since a bookmark
//	receive.go                       streams in
//	remove.go                        the end of a volume
//
// # One record of truth
//
// GUIDs are random. Which snapshot the volume was last, and whether it was written to since, is in
// its chain, PATH.lunar, which lunar stream keeps as well; a snapshot that was destroyed stays known
// there. What lunar stream applied to the file by its path becomes a snapshot here when the shelf is
// opened next, if nothing was written to the file since.
//
// # Crashes
//
// Each step is durable before the next. A snapshot is when the record says so, and the volume is
// replaced when it is renamed; what is between is thrown away when the shelf is opened next:
//
//	taking       the bytes get their name; [the record has the snapshot]; the chain
//	destroying   what bookmarks need; [the record has it no more]; the bytes go
//	cloning      the clone; its chain; [the record has it]
//	uncloning    [the record has it no more]; the clone goes
//	receiving    a fork of the newest snapshot is made, and written to, with a chain of its own;
//	             when all is there: the fork's bytes are those of a snapshot as well; next.json, the
//	             record that will hold; [the fork takes PATH's place]; the chain; next.json becomes
//	             the record
//	rollback     a fork of the snapshot; then as in receiving
//	anew         a fork that stands on nothing is written to; [next.json says that nothing stays];
//	             the volume and its snapshots go; the fork takes PATH's place; the rest as in
//	             receiving, but that the fork's bytes become those of a snapshot behind it
//
// The step in brackets decides. Before it, all is as it was, and what was received can be gone on
// with; behind it, the rest is done when the shelf is opened next. A next.json counts if the fork of
// which it tells is there no more.
package shelf
