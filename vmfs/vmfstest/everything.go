package vmfstest

import (
	"fmt"
	"strings"
)

// Sizes (bytes).
const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Everything describes a volume that has each thing once that the version has: all layouts and
// kinds of blocks, all types of files, deleted files in all ways, hosts that are there and that
// are gone.
func Everything(version int) Spec {
	s := Spec{
		Version: version, Label: "everything", Seed: uint64(version), Size: 2 * gib,
		Files: files(version), Heartbeats: heartbeats(),
	}
	if version == 6 {
		s.Size = 4 * gib
		s.Files = append(s.Files, large()...)
	}
	s.Files = append(s.Files, deleted(version)...)
	return s
}

// files are those that all versions have, and on VMFS5 and 6 the ones that VMFS3 has not.
func files(version int) []File {
	list := []File{
		{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\nguestOS = \"other\"\n")},
		{Path: "/vm1/vm1.vmdk", Data: []byte("# Disk DescriptorFile\nversion=1\ncreateType=\"vmfs\"\nRW 40960 VMFS \"vm1-flat.vmdk\"\n")},
		{Path: "/vm1/vm1-flat.vmdk", Size: 20 * mib, Seed: 1, Written: 4 * kib, Lock: Lock{Mode: 1, Slot: 3}},
		{Path: "/layout/empty"},
		{Path: "/layout/sub-block", Size: 5000, Seed: 2, Layout: SubBlock},
		{Path: "/layout/direct", Size: 3*mib + 17, Seed: 3, Layout: Direct},
		{Path: "/layout/direct-full", Size: 256 * mib, Seed: 4, Layout: Direct, Map: []Piece{{mib, Data}, {254 * mib, Hole}, {mib, Data}}},
		{Path: "/layout/indirect", Size: 9*mib + 1, Seed: 5, Layout: Indirect},
		{Path: "/layout/indirect-pages", Size: 9 * gib, Seed: 6, Layout: Indirect, Map: []Piece{
			{mib, Data}, {gib - 2*mib, Hole}, {2 * mib, Data}, {7 * gib, Hole}, {mib, Data},
		}},
		{Path: "/blocks/holes", Size: 10 * mib, Seed: 7, Map: []Piece{{mib, Hole}, {2 * mib, Data}, {3 * mib, Hole}, {mib, Data}}},
		{Path: "/blocks/to-be-zeroed", Size: 6 * mib, Seed: 8, Map: []Piece{{2 * mib, Data}, {3 * mib, ToBeZeroed}, {mib, Data}}},
		{Path: "/blocks/backwards", Size: 6 * mib, Seed: 9, Step: -1},
		{Path: "/blocks/apart", Size: 6 * mib, Seed: 10, Step: 4},
		{Path: "/blocks/between", Size: 12 * mib, Seed: 11},
		{Path: "/blocks/only-holes", Size: 50 * mib, Map: []Piece{{50 * mib, Hole}}},
		{Path: "/names/" + strings.Repeat("n", 127), Data: []byte("a long name\n")},
		{Path: "/names/Grüße aus Köln", Data: []byte("UTF-8\n")},
		{Path: "/names/with space", Data: []byte("a blank\n")},
		{Path: "/a/b/c/d/e/f/deep", Data: []byte("deep\n")},
		{Path: "/none", Type: Directory},
		{Path: "/link", Type: Symlink, Target: "/vmfs/volumes/everything/vm1/vm1.vmx"},
		{Path: "/vm1/rdm.vmdk", Type: RawDevice, Size: 69 * gib},
	}
	for i := range 70 {
		list = append(list, File{Path: fmt.Sprintf("/many/file-%03d", i), Size: int64(i * 100), Seed: uint64(100 + i)})
	}
	if version == 3 {
		return list
	}
	return append(list,
		File{Path: "/layout/resident", Size: 999, Seed: 12, Layout: Resident},
		File{Path: "/layout/secondary", Size: 5 * mib, Seed: 13, Layout: SecondaryBlocks},
		File{Path: "/layout/double", Size: 300 * gib, Seed: 14, Layout: Double, Written: kib, Map: []Piece{
			{mib, Data}, {3 * mib, Hole}, {mib, ToBeZeroed}, {gib, Hole}, {mib, Data}, {290 * gib, Hole}, {2 * mib, Data},
		}},
		File{Path: "/link-in-sub-block", Type: Symlink, Target: "/vmfs/volumes/everything/many", Layout: SubBlock},
	)
}

// large are files in large blocks, and a directory whose hash table has chains.
func large() []File {
	list := []File{
		{Path: "/large/repeated", Size: gib, Seed: 15, Written: 512, Layout: Indirect, Map: []Piece{{512 * mib, Large}, {2 * mib, Data}, {mib, Hole}, {mib, ToBeZeroed}, {mib, Data}}},
		{Path: "/large/once", Size: 512*mib + 5, Seed: 16, Written: 512, Layout: Direct, BlockSize: LargeBlock},
	}
	for i, name := range Colliding(14) {
		list = append(list, File{Path: "/chains/" + name, Size: int64(i), Seed: uint64(200 + i)})
	}
	return list
}

// deleted are files that are gone in all the ways that leave something.
func deleted(version int) []File {
	list := []File{
		{Path: "/gone/kept", Size: 3 * mib, Seed: 20, Deleted: Deletion{Descriptor: Kept, Name: Kept}},
		{Path: "/gone/cleared", Size: 3 * mib, Seed: 21, Deleted: Deletion{Descriptor: Cleared, Name: Cleared}},
		{Path: "/gone/wiped", Size: 3 * mib, Seed: 22, Deleted: Deletion{Descriptor: Wiped, Name: Wiped}},
		{Path: "/gone/pointers", Size: 6 * mib, Seed: 23, Layout: Indirect, Deleted: Deletion{Descriptor: Cleared, Name: Kept}},
		{Path: "/gone/early", Size: 4 * mib, Seed: 24, Layout: Direct, Deleted: Deletion{Descriptor: Kept, Name: Kept, Early: true}},
		{Path: "/gone/after", Size: 2 * mib, Seed: 25},
	}
	if version == 6 {
		list = append(list, File{Path: "/gone/large", Size: 512 * mib, Seed: 26, Written: 512, Layout: Direct, BlockSize: LargeBlock,
			Deleted: Deletion{Descriptor: Kept, Name: Kept}})
	}
	return list
}

// heartbeats are a host that is there, one that left, and one that died with a journal.
func heartbeats() []Heartbeat {
	return []Heartbeat{
		{Slot: 3, Generation: 17, Stamp: 5_000_000, Host: 1, Journal: true, Address: "192.0.2.3"},
		{Slot: 4, Generation: 6, Free: true},
		{Slot: 900, Generation: 9, Stamp: 77_000_000, Host: 2, Journal: true, Address: "2001:db8::4"},
	}
}
