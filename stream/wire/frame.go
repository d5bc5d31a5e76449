package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A header is what each frame begins with, all of it big-endian:
//
//	 0  magic "LW"     2  type        3  flags
//	 4  exchange       8  sequence number within the exchange and the direction
//	16  length of the payload        20  how much of it the other side has already
//	24  CRC32C of the payload        28  CRC32C of the 28 bytes before
//
// What is skipped is not sent, and counts in the length and the checksum.
type header [headerLen]byte

const headerLen = 32

const magic = 0x4c57

// A frameType says what a frame is for.
type frameType uint8

const (
	frameHello   frameType = 1  // the first of a connection, from the client: who goes on with what
	frameWelcome frameType = 2  // the answer to it
	frameTaken   frameType = 3  // all before the sequence number was taken
	framePing    frameType = 4  // nothing but a sign of life
	frameBye     frameType = 5  // nothing more comes on this connection
	frameCall    frameType = 16 // a request, the first of an exchange
	frameAnswer  frameType = 17 // the answer, or a part of it
	frameData    frameType = 18 // a chunk of a stream
	frameEnd     frameType = 19 // a stream's trailer
	frameCancel  frameType = 20 // the answer is not wanted any more
)

// frames has a row for each type of frame: what it is called, how long its payload may be, and
// whether it is numbered: kept until it was taken, and sent again after a cut.
var frames = [...]struct {
	name     string
	most     uint32
	numbered bool
}{
	frameHello:   {"hello", maxMessage, false},
	frameWelcome: {"welcome", maxMessage, false},
	frameTaken:   {"taken", 0, false},
	framePing:    {"ping", 0, false},
	frameBye:     {"bye", 0, false},
	frameCall:    {"call", maxMessage, true},
	frameAnswer:  {"answer", maxMessage, true},
	frameData:    {"data", chunkHeaderLen + chunkSize, true},
	frameEnd:     {"end", maxMessage, true},
	frameCancel:  {"cancel", maxMessage, true},
}

// maxMessage is how long a payload in JSON may be (bytes); answers take several frames.
const maxMessage = 256 << 10

// Flags of frames.
const (
	flagLast = 1 << 0 // nothing more comes from this side in the exchange; of a bye: in the session
	flagMore = 1 << 1 // of an answer: its next part comes
)

func (t frameType) String() string {
	if int(t) < len(frames) && frames[t].name != "" {
		return frames[t].name
	}
	return fmt.Sprintf("frame type %d", uint8(t))
}

func (t frameType) numbered() bool { return frames[t].numbered }

func (h *header) kind() frameType  { return frameType(h[2]) }
func (h *header) flags() uint8     { return h[3] }
func (h *header) last() bool       { return h[3]&flagLast != 0 }
func (h *header) exchange() uint32 { return binary.BigEndian.Uint32(h[4:]) }
func (h *header) seq() uint64      { return binary.BigEndian.Uint64(h[8:]) }
func (h *header) length() int      { return int(binary.BigEndian.Uint32(h[16:])) }
func (h *header) skip() int        { return int(binary.BigEndian.Uint32(h[20:])) }
func (h *header) sum() uint32      { return binary.BigEndian.Uint32(h[24:]) }

// setSkip says how much of the payload is left out.
func (h *header) setSkip(n int) {
	binary.BigEndian.PutUint32(h[20:], uint32(n))
	h.seal()
}

func (h *header) seal() { binary.BigEndian.PutUint32(h[28:], crc32.Checksum(h[:28], castagnoli)) }

// putHeader writes the header of a frame with that payload.
func putHeader(p []byte, t frameType, flags uint8, exchange uint32, seq uint64, payload []byte) {
	h := (*header)(p)
	binary.BigEndian.PutUint16(h[0:], magic)
	h[2] = byte(t)
	h[3] = flags
	binary.BigEndian.PutUint32(h[4:], exchange)
	binary.BigEndian.PutUint64(h[8:], seq)
	binary.BigEndian.PutUint32(h[16:], uint32(len(payload)))
	binary.BigEndian.PutUint32(h[20:], 0)
	binary.BigEndian.PutUint32(h[24:], crc32.Checksum(payload, castagnoli))
	h.seal()
}

// errFrame says that what came is no frame of ours.
var errFrame = errors.New("this is not what lunar sends")

// check looks at a header that came from outside, before anything is made of it.
func (h *header) check() error {
	switch t := h.kind(); {
	case binary.BigEndian.Uint16(h[:]) != magic:
		return fmt.Errorf("%w: it begins with %x", errFrame, h[:8])
	case crc32.Checksum(h[:28], castagnoli) != binary.BigEndian.Uint32(h[28:]):
		return fmt.Errorf("%w: the header of a frame is damaged", errFrame)
	case int(t) >= len(frames) || frames[t].name == "":
		return fmt.Errorf("%w: a frame of type %d", errFrame, uint8(t))
	case uint64(h.length()) > uint64(frames[t].most):
		return fmt.Errorf("%w: a frame %s of %d bytes", errFrame, t, h.length())
	case h.skip() > h.length() || h.skip() > 0 && t != frameData:
		return fmt.Errorf("%w: a frame %s of %d bytes without %d", errFrame, t, h.length(), h.skip())
	}
	return nil
}

// checkPayload holds the payload against the header.
func (h *header) checkPayload(p []byte) error {
	if crc32.Checksum(p, castagnoli) != h.sum() {
		return fmt.Errorf("%w: the payload of a frame %s is damaged", errFrame, h.kind())
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
