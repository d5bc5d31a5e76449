package iscsi

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/iotest"
	"time"
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
			x := rx{src: reader{src, nil}, spare: new(sync.Pool)}
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

// TestReceiveLate checks that a connection holds a receive buffer while it holds bytes, and
// none while it waits for some.
func TestReceiveLate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	in := newInlet(near, newTurns())
	x := rx{spare: new(sync.Pool)}
	x.src = reader{near, in}

	far.Write([]byte("header and more"))
	if b, err := x.peek(6); err != nil || string(b) != "header" {
		t.Fatalf("%q, %v", b, err)
	}
	if len(x.buf) != rxLen {
		t.Errorf("the buffer has %d bytes, want %d", len(x.buf), rxLen)
	}
	x.skip(x.buffered())
	near.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := x.peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing to read: %v", err)
	}
	if x.buf != nil {
		t.Error("a connection that waits holds a buffer")
	}
	near.SetReadDeadline(time.Time{})
	far.Close()
	if _, err := x.peek(1); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	near.Close()
	if _, err := x.peek(1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after it was closed: %v", err)
	}
}

// A reader is a source; without an inlet it reads at once.
type reader struct {
	io.Reader
	inlet *inlet
}

func (r reader) ReadLate(x *rx) (int, error) {
	if r.inlet != nil {
		return r.inlet.readLate(x)
	}
	return r.Read(x.room())
}
