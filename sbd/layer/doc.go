// Package layer keeps what a volume was while it goes on being written to, on file systems and
// devices that cannot do that themselves: copy-on-write in user space.
//
// A volume is a file or a device (package sbd). Freezing it makes it the base of a stack: it is
// not written to any more. What is written from then on goes to a delta, a sparse file of the
// volume's own offsets, with a map that says which blocks the delta has. Freezing again puts
// another delta on top. A block is read from the newest layer that has it; a block that is
// written in part is copied up first; a hole in a block that a delta has is zeros, whatever is
// below. Each frozen layer can be read as the volume that it was (At), be the ground that a clone
// stands on, be gone back to (Revert), and be ended (Merge).
//
//	   now   ->  3.delta   . . X . X .      what was written since "tuesday"
//	"tuesday"    2.delta   X . X . . .      since "monday"
//	"monday"     base      X X X X . X
//
// # What a crash leaves
//
// A layer is synced data first, then the map, so that a map never tells of a block that is not
// there: what was synced is there, and a block that was not is the old one or the new one as a
// whole, sector by sector. Which layers there are is one file, stack.json, that is replaced as a
// whole. Files are made before it names them and removed after it does so no longer; what a crash
// left over is swept away by the next who opens the volume for writing. Merging moves blocks to
// where nobody reads them yet, or where they read the same, and can begin anew at any time. What
// was written and not synced when our process was killed is found again by notes that the map is
// ahead of (notes.go), as it is with a file.
//
// # Who keeps out whom
//
// A volume that is open for writing is so once (top.lock). Everybody else works on the files
// beside it, in any process: layers that are read are pinned, and a view of a volume stays right
// when layers below are merged, whose files are open still. Who writes looks at syncs whether
// that has happened, and opens the layers anew. A base is locked as sbd.Open does it, so that who
// knows nothing of its layers does not write to it meanwhile; who does so when nobody has it open
// destroys the newer layers; that it was done is noticed (touched.go).
//
// # Reading order
//
//	place.go       where the files are
//	stack.go       which layers there are, as it is kept
//	disk.go        making, replacing and removing files so that they outlive a crash
//	lock.go        who keeps out whom
//	blockmap.go    which blocks a delta has, in memory and as it is kept
//	notes.go       which it has besides, when we are killed
//	layer.go       a base or a delta that is open
//	view.go        layers on top of each other: who has a byte
//	load.go        a view made of the stack that is kept
//	store.go       Open and At; taking in what others have changed
//	read.go, write.go, resize.go   what a store can do
//	freeze.go      a layer more
//	touched.go     a base that others have written to
//	clone.go       volumes on top of a frozen layer; the end of a volume
//	revert.go      back to a layer
//	promote.go     a clone instead of the volume
//	merge.go, merge_pair.go   a layer less
//	changes.go     where two layers may differ
//	list.go        what there is
//	errors.go      what is refused
package layer
