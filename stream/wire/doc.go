// Package wire brings volumes of another machine here: a Link's Volume is a stream.Volume whose
// calls are done by a Server over there, and whose streams go between the two compressed, summed,
// and whole whatever becomes of the connections.
//
// # Layers
//
//	volume     stream.Volume here                 host      stream.Volume there      volume.go, host.go, policy.go
//	exchange   a call, its stream, its answer: frames that are numbered               call.go, pump.go, drain.go
//	session    all exchanges of two sides; outlives connections                      session.go, exchange.go
//	lane       a session's frames on one connection                                  lane.go, greeting.go
//	connection TLS 1.3 with pinned keys, ssh, or anything that reads and writes       tls.go
//
// A frame is kept by who sent it until the other side has taken it. When a connection ends, the
// client makes another, each side says what it has (to the byte, of a chunk that was cut), and
// only the rest is sent again. So a break is not seen by who makes a stream, nor by who takes it,
// and neither has to be able to go back. Where a process ends, the session does, and a stream is
// gone on with by stream.Volume's Partial.
//
// # A stream's way
//
//	read -> sum -> compress -> number -> keep -> encrypt, send | receive, decrypt -> order -> decompress -> sum -> taken
//
// Chunks are summed and compressed on all processors, and put in order behind that. Each stage
// hands over at most as many chunks as there are processors, what is under way between the
// two sides is bounded in bytes (sessionWindow), so a slow receiver holds a quick source back, the
// more so when it is near (window), and all streams of a process share a Memory.
//
// Rules that the code keeps:
//
//	RULE 1  a header is checked before anything is made of it, and a length before memory is taken
//	RULE 2  a block has one owner: who takes one from the pool puts it back, or hands it on
//	RULE 3  the receiver of frames never waits for who takes them: their number is bounded instead
//	RULE 4  nothing of a connection is looked at before both keys are proved
//
// Reading order:
//
//	frame.go        the header of a frame, and the table of types
//	block.go        memory for frames
//	memory.go       what links share of it, and how much there is
//	greeting.go     the first words on a connection, and what is sent again after a cut
//	session.go      what goes on between two sides
//	exchange.go     one call of it
//	lane.go         one connection of it
//	link.go         what a client has
//	client.go       how it makes connections, and again
//	server.go takeover.go   the server: takes them; a client that begins again
//	call.go         requests and answers
//	ask.go          those that are not about a volume
//	failure.go      errors on their way
//	volume.go       the client's volumes
//	host.go         the server's
//	policy.go       what a client may do there
//	chunk.go        pieces of streams, and their sums
//	codec.go        how they are compressed
//	governor.go     how hard
//	pump.go         a stream goes out
//	drain.go        a stream comes in
//	limit.go        how fast, by the time of day
//	fingerprint.go  what people know a key by
//	identity.go     the key
//	tls.go          how it is proved
//	address.go      where volumes are, as people write it
//	ssh.go stdio.go the same over ssh: the client, and the other end
//	claim.go        a client that begins again there
package wire
