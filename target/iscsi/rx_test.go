package iscsi

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestReceive(t *testing.T) {
	stream := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(stream)

	for name, src := range map[string]io.Reader{
		"all at once":   bytes.NewReader(stream),
		"byte by byte":  iotest.OneByteReader(bytes.NewReader(stream[:300_000])),
		"halves":        iotest.HalfReader(bytes.NewReader(stream)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			x := rx{src: src}
			random := rand.New(rand.NewPCG(1, 2))
			at := 0
			for {
				x.ahead = random.IntN(2) * 4096
				n := 1 + random.IntN(70_000)
				var err error
				switch random.IntN(3) {
				case 0:
					var p []byte
					if p, err = x.peek(n); err == nil {
						if !bytes.Equal(p, stream[at:at+n]) {
							t.Fatalf("peek(%d) at %d differs", n, at)
						}
						x.skip(n)
					}
				case 1:
					p := make([]byte, n)
					if err = x.read(p); err == nil && !bytes.Equal(p, stream[at:at+n]) {
						t.Fatalf("read(%d) at %d differs", n, at)
					}
				case 2:
					err = x.discard(n)
				}
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					break
				}
				at += n
			}
			if at == 0 {
				t.Fatal("nothing was read")
			}
		})
	}
}

// TestReceiveGrows checks that the buffer follows the traffic: small for a connection that
// says little, rxMax for one that fills it, never more than that by itself.
func TestReceiveGrows(t *testing.T) {
	quiet := rx{src: iotest.OneByteReader(bytes.NewReader(make([]byte, 100_000)))}
	for quiet.discard(48) == nil {
	}
	if len(quiet.buf) != rxStart {
		t.Errorf("a quiet connection holds %d bytes, want %d", len(quiet.buf), rxStart)
	}
	busy := rx{src: bytes.NewReader(make([]byte, 8<<20))}
	for busy.discard(48) == nil {
	}
	if len(busy.buf) != rxMax {
		t.Errorf("a busy connection holds %d bytes, want %d", len(busy.buf), rxMax)
	}
}
