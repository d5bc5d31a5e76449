// Package comstar reads what COMSTAR and the daemon before it left behind: the exports of their
// configuration, and the metadata that COMSTAR kept inside a backing store. It opens nothing,
// changes nothing, and needs no daemon: text and bytes go in, plain structs come out.
//
//   - ReadSTMF reads the XML of svccfg export -a stmf: units, groups, views, and what itadm made,
//     which COMSTAR kept there too.
//   - ReadISCSITGT reads the XML of svccfg export -a iscsitgt, the daemon that iscsitadm spoke to.
//   - ReadMeta reads the metadata of a unit from its store.
//   - A Generator makes GUIDs of COMSTAR's form.
//
// A Config is neither system's: names instead of numbers, views for both, and a list of what
// could not be carried and why. It is a proposal that somebody else turns into configuration.
//
// All of it is bytes from outside. A file is at most MaxExport bytes and maxDepth elements deep,
// entities are not expanded, a packed list is a slice of the bytes that were read and at most
// maxNesting lists deep, and metadata is at most the 64 KiB that COMSTAR gave it.
//
// # Where the formats are written down
//
// In the source of illumos (github.com/illumos/illumos-gate, below usr/src): lib/libstmf/common/store.c
// for what STMF keeps in SMF, common/iscsit/iscsit_common.c and uts/common/sys/iscsit/iscsit_common.h
// for the target provider's list, cmd/iscsi/iscsitgtd/mgmt_scf.c (in the history) for the older daemon,
// uts/common/io/comstar/lu/stmf_sbd/stmf_sbd.h and sbd.c for metadata, and
// uts/common/io/comstar/stmf/stmf.c for GUIDs. Packed lists are libnvpair's, in XDR.
//
// # Reading order
//
//	config.go     Config: what an import proposes
//	bundle.go     a service bundle: services, property groups, properties
//	stmf.go       COMSTAR: groups and views
//	provider.go   COMSTAR: the data of its providers, in pieces
//	nvlist.go     COMSTAR: those data are packed lists
//	itadm.go      COMSTAR: targets, portal groups, initiators, defaults
//	iscsitgt.go   the older daemon
//	chap.go       the older daemon: who proves what
//	rewrite.go    other paths and addresses at another site
//	meta.go       metadata inside a store
//	guid.go       GUIDs
package comstar
