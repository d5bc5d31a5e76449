//go:build peers && linux

package sites

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A link carries connections to the receiver, counts what goes there, and can be cut.
type link struct {
	addr, to string
	carried  atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	at    []int64 // where it is cut by itself, in bytes that were carried
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		k.cut()
		running.Wait()
	})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { k.carry(c) })
		}
	})
	return k
}

// carry carries a connection.
func (k *link) carry(from net.Conn) {
	to, err := net.Dial("tcp", k.to)
	if err != nil {
		from.Close()
		return
	}
	k.mu.Lock()
	k.conns[from], k.conns[to] = true, true
	k.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { io.Copy(io.MultiWriter(to, k), from); k.end(from, to) })
	both.Go(func() { io.Copy(from, to); k.end(from, to) })
	both.Wait()
}

func (k *link) end(conns ...net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(k.conns, c)
	}
}

// Write counts what is carried to the receiver, and cuts the link where it is to be cut.
func (k *link) Write(p []byte) (int, error) {
	n := k.carried.Add(int64(len(p)))
	k.mu.Lock()
	due := len(k.at) > 0 && n >= k.at[0]
	for len(k.at) > 0 && n >= k.at[0] {
		k.at = k.at[1:]
	}
	k.mu.Unlock()
	if due {
		k.cut()
	}
	return len(p), nil
}

// cut cuts all connections.
func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		c.(*net.TCPConn).SetLinger(0) // what is under way is lost
		c.Close()
	}
}
