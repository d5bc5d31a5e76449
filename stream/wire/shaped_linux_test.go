//go:build peers

package wire

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A link of 100 Mbit/s, with 40 ms there and back, that loses one packet in 1000 each way. It is
// made of two TUN devices, one in a network namespace of its own, and a process between them, as
// tc with netem would, which not every kernel has.
const (
	shapedRate  = 100e6 / 8 // bytes a second
	shapedDelay = 20 * time.Millisecond
	shapedLoss  = 0.001
	shapedQueue = 200 * time.Millisecond // what waits longer to go out is lost
	shapedBytes = 120 << 20
	shapedFill  = 0.6 // at the least; more than 0.9 on a machine that does nothing else
)

// TestPeerShaped fills such a link with what nobody can make shorter, whatever TCP thinks of losses;
// the headers of TCP and IP are 3.5% of it.
func TestPeerShaped(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	here, there := shapedLink(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go shaped(ctx, here, there)
	go shaped(ctx, there, here)
	r := &race{t: t, folder: t.TempDir()}
	address, _ := startSink(t, exec.Command("ip", "netns", "exec", "lunarwire", os.Args[0]), r.folder, "10.255.77.2:20461")
	for _, test := range []struct {
		congestion  string
		connections int
	}{{"cubic", 16}, {"bbr", 4}} {
		r.congestion = test.congestion
		begun := time.Now()
		wire := r.send(address, "none", test.connections, io.LimitReader(new(noise), shapedBytes))
		filled := float64(wire) / time.Since(begun).Seconds() / shapedRate
		t.Logf("%s with %d connections fills %.1f%%", test.congestion, test.connections, 100*filled)
		if filled < shapedFill {
			t.Errorf("only %.1f%% of the link is filled", 100*filled)
		}
	}
}

// shapedLink makes the devices, with addresses.
func shapedLink(t *testing.T) (here, there *os.File) {
	t.Helper()
	run := func(line string) {
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", line, err, out)
		}
	}
	run("ip netns add lunarwire")
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", "lunarwire").Run() })
	here, there = tun(t, "lunarwire0"), tun(t, "lunarwire1")
	run("ip addr add 10.255.77.1 peer 10.255.77.2 dev lunarwire0 && ip link set lunarwire0 txqueuelen 2000 up")
	run("ip link set lunarwire1 netns lunarwire")
	run("ip -n lunarwire addr add 10.255.77.2 peer 10.255.77.1 dev lunarwire1 && ip -n lunarwire link set lunarwire1 txqueuelen 2000 up")
	return here, there
}

// tun makes a TUN device, which goes when it is closed.
func tun(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		t.Skip(err)
	}
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// shaped passes packets on, as the link does.
func shaped(ctx context.Context, from io.Reader, to io.Writer) {
	type packet struct {
		b   []byte
		due time.Time
	}
	flight := make(chan packet, 1<<14)
	go func() {
		for p := range flight {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.b) // a device that is full loses it
		}
	}()
	defer close(flight)
	var free time.Time
	for b := make([]byte, 1<<16); ctx.Err() == nil; {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		now := time.Now()
		if free.Before(now) {
			free = now
		}
		if rand.Float64() < shapedLoss || free.Sub(now) > shapedQueue {
			continue
		}
		free = free.Add(time.Duration(float64(n) / shapedRate * 1e9))
		select {
		case flight <- packet{append([]byte(nil), b[:n]...), free.Add(shapedDelay)}:
		default:
		}
	}
}

// with has connections use a way of congestion control.
func with(congestion string) func(_, _ string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if congestion == "" {
			return nil
		}
		if e := c.Control(func(fd uintptr) {
			err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestion)
		}); e != nil {
			return e
		}
		return err
	}
}

// dial is Identity.Dial with a way of congestion control.
func (r *race) dial(id *Identity, address string, server Fingerprint) Dial {
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		d := net.Dialer{Control: with(r.congestion)}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return id.Greet(ctx, conn, server)
	}
}

// noise is what nobody can make shorter.
type noise struct{ n uint64 }

func (r *noise) Read(p []byte) (int, error) {
	for i := range p {
		r.n = r.n*6364136223846793005 + 1442695040888963407
		p[i] = byte(r.n >> 56)
	}
	return len(p), nil
}
