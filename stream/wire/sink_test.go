package wire

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// Tests have two other processes, which are the test program: a sink throws away what is sent to
// it, and a source sends to it. What they are told is in their environment.
const (
	sinkKeys      = "LUNAR_WIRE_SINK"         // the folder of the keys of both
	sinkAddress   = "LUNAR_WIRE_SINK_ADDRESS" // where the sink listens, or is
	sourceStreams = "LUNAR_WIRE_SOURCE"       // links, streams of each, bytes of each, compression
)

// startSink starts a sink, and returns where it listens, and what ends it.
func startSink(t *testing.T, cmd *exec.Cmd, folder, listen string) (address string, end func()) {
	t.Helper()
	cmd.Env = append(cmd.Environ(), standIn+"=sink", sinkKeys+"="+folder, sinkAddress+"="+listen)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	if _, err := fmt.Fscan(out, &address); err != nil {
		t.Fatal(err)
	}
	return address, end
}

// sinkIdentities are the keys of the two.
func sinkIdentities(folder string) (source, sink *Identity, err error) {
	source, err = OpenIdentity(filepath.Join(folder, "source.key"))
	if err == nil {
		sink, err = OpenIdentity(filepath.Join(folder, "sink.key"))
	}
	return source, sink, err
}

// serveSink is a sink.
func serveSink() error {
	source, sink, err := sinkIdentities(os.Getenv(sinkKeys))
	if err != nil {
		return err
	}
	address := os.Getenv(sinkAddress)
	if address == "" {
		address = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	v := NewServer(Options{})
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			secured, who, err := sink.Accept(context.Background(), conn, source.Fingerprint().Is)
			if err == nil {
				_ = v.Serve(context.Background(), secured, who.String(), sinkHost{})
			}
		}()
	}
}

// A sinkHost has all volumes.
type sinkHost struct{}

func (sinkHost) Volumes(context.Context) ([]string, error) { return nil, nil }
func (sinkHost) Volume(context.Context, string) (stream.Volume, error) {
	return sinkVolume{}, nil
}

// A sinkVolume throws away what it receives, when it has looked at it.
type sinkVolume struct{ stream.Volume }

func (sinkVolume) Receive(_ context.Context, in io.Reader, _ stream.Receive) (s stream.Snapshot, err error) {
	_, err = io.CopyBuffer(sha256.New(), in, make([]byte, 1<<17))
	return s, err
}

// sendToSink is a source. It ends with what the kernel knows of it.
func sendToSink() error {
	source, sink, err := sinkIdentities(os.Getenv(sinkKeys))
	if err != nil {
		return err
	}
	var links, streams int
	var length int64
	var compress string
	if _, err := fmt.Sscan(os.Getenv(sourceStreams), &links, &streams, &length, &compress); err != nil {
		return err
	}
	c, err := ParseCompression(compress)
	if err != nil {
		return err
	}
	failed, memory := make(chan error), new(Memory)
	for range links {
		l, err := Connect(context.Background(), source.Dial(os.Getenv(sinkAddress), sink.Fingerprint()), Options{Name: "sink", Compress: c, Connections: 4, Memory: memory})
		if err != nil {
			return err
		}
		for i := range streams {
			go func() {
				_, err := l.Volume(fmt.Sprint(i)).Receive(context.Background(), newMaterial(length), stream.Receive{})
				failed <- err
			}()
		}
	}
	for range links * streams {
		err = errors.Join(err, <-failed)
	}
	if status, unknown := os.ReadFile("/proc/self/status"); unknown == nil { // for TestPeerMemory
		fmt.Printf("%s", status)
	}
	return err
}
