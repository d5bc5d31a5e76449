// Package dmu reads and writes ZFS send streams without ZFS. It needs an io.Reader or an
// io.Writer and keeps memory within a few mebibytes, whatever the length of a stream.
//
// Reading order, which is that of a stream on its way through:
//
//	record.go    312 bytes as a view; the table of record types
//	begin.go object.go write.go   the views by type, with their offsets
//	feature.go compression.go     the tables of features and compressions
//	fletcher4.go fletcher4_lanes.go fletcher4_amd64.s   the running checksum
//	readahead.go readahead_sums.go reader_input.go   bytes in, read and summed ahead, looked at in place
//	reader.go errors.go           Next and Payload; what can be wrong with a stream
//	check.go limits.go zvol.go    the rules that receivers hold a stream to
//	substreams.go                 a package taken apart
//	writer.go                     records out, with checksums, within the rules
//	verify.go survey.go           a stream checked through and through; summed up
//	dump.go describe.go           records as text and for JSON
//	codec.go codec_legacy.go      payloads compressed and decompressed
//	chain.go plan.go              the snapshots that a volume has been, and which it is now
//	source.go                     what a volume has, and where it may have changed
//	generate.go generate_crew.go generate_portion.go   streams of volumes, made side by side
//	token.go tracker.go generate_resume.go   resume tokens; where a stream that was cut goes on
//	recompress.go filter.go rebase.go split.go join.go   streams made of streams
//	nvlist                        the lists of names and values in BEGIN and in tokens
//
// # A stream
//
// A stream is records of 312 bytes, some with a payload behind them; there is no padding and no
// framing. Everything is in the byte order of the sender, which the magic number in the first
// record tells. Records are
//
//	  0  type u32
//	  4  payloadlen u32, 0 but in BEGIN
//	  8  what is of the type: its view has the offsets
//	280  checksum 4 x u64, but in BEGIN
//
//	 #  type             payload
//	 0  BEGIN            payloadlen: an nvlist
//	 1  OBJECT           raw_bonuslen, or else bonuslen rounded up to 8: the bonus
//	 2  FREEOBJECTS
//	 3  WRITE            compressed_size where compressiontype is not 0, or else logical_size
//	 4  FREE
//	 5  END
//	 6  WRITE_BYREF      (dedup streams; not made any more)
//	 7  SPILL            compressed_size, or else length
//	 8  WRITE_EMBEDDED   psize rounded up to 8
//	 9  OBJECT_RANGE     (raw streams)
//	10  REDACT           (redacted streams)
//
// A substream is BEGIN, records, END: one snapshot, whole (fromguid 0) or as what changed since
// another. A package (send -R, -I, -p) is
//
//	BEGIN of kind 2, with an nvlist or nothing; END without record checksum
//	substreams
//	END of nothing but zeros
//
// Substreams behind one another without a package are not a stream: zfs receive takes the first
// and says nothing about the others. A Reader says ErrTrailing.
//
// # The checksum
//
// Fletcher-4 in words of 32 bits runs over each substream from its BEGIN, which starts at zero:
//
//	BEGIN    over the record, then over its payload
//	others   over bytes 0 to 279; the state there is stored at 280; then over those 32 bytes,
//	         then over the payload
//	END      has at 8 the state before the record, beside its own at 280
//
// So damage to a payload shows in the next record, and what was read of a stream counts when
// its END has been read. A record whose checksum is zeros has none (senders before 2015).
//
// # A volume
//
// A zvol's stream has two objects. Object 1 is the data, in blocks of volblocksize, ascending, a
// WRITE for each and a FREE for each run of holes. Object 2 is a ZAP whose entry "size" is the
// volume's length, and comes behind the data; zvol.go has its bytes. A sender's full stream is
//
//	BEGIN
//	OBJECT 1, FREE 1 behind the last block to the end, WRITE and FREE of 1 in order
//	OBJECT 2, FREE 2 behind its block to the end, WRITE 2 at 0
//	FREEOBJECTS 3, 29
//	END
//
// An incremental one has the blocks that changed; that with no change is BEGIN and END.
//
// # Compressed payloads
//
//	off (2)         the block as it is
//	lzjb (3)        codec_legacy.go
//	gzip (5 to 13)  a zlib stream
//	zle (14)        codec_legacy.go
//	lz4 (15)        length u32 big-endian, an LZ4 block, padding
//	zstd (16)       length u32 big-endian, level<<24 | version u32 big-endian, a Zstandard
//	                frame without its magic number, padding
//
// Padding is zeros up to a multiple of 512. A WRITE_EMBEDDED has the same without padding.
package dmu
