// Package zpl gets files out of the send streams of ZFS file systems, without ZFS: files,
// directories, links, symbolic links, modes, owners, times and extended attributes. It knows as
// much of the ZFS POSIX layer as that takes.
//
// Reading order:
//
//	extract.go       streams in: which are taken, in what order
//	stage.go stage_data.go   the objects of the file system, kept on disk until their names are known
//	zap.go           tables of names and values: directories, and what describes the rest
//	attributes.go    modes, sizes, times: which bytes of a bonus they are
//	tree.go          directories out, from the root on
//	file.go          files out
//	xattr.go         extended attributes out
//	system_linux.go  what takes the system's own calls
//
// # A file system in a stream
//
// It is objects, each with a bonus that has the attributes of a file, a directory or a link.
// Object 1 is a ZAP: ROOT is the object of the root directory, SA_ATTRS that of a ZAP in which
// REGISTRY and LAYOUTS say what a bonus means (attributes.go). A directory is a ZAP: a name's
// value has the object in bits 0 to 47.
//
// Objects come in the order of their numbers, and so a file may come before its name, and before
// what says where in the bonus its length is. All objects are therefore put on a stage first, in
// a folder of the destination, and incremental streams change them there; the files are then
// moved to where their names say.
//
// # What a stream may not do
//
// Everything goes through an os.Root, and no name of a stream has a slash in it: nothing outside
// the destination is touched. Nothing that exists is written to or followed: the destination is
// empty at first, each file, folder and link is made and must not have been there. A directory
// is entered once. Set-user-ID bits, and attributes that give powers, are left out unless the
// caller keeps owners.
package zpl
