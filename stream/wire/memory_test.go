package wire

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/stream"
)

// TestMemoryShared has many streams stand still at once, each of a link of its own, in one process:
// they share what memory there is, and another stream goes on beside them.
func TestMemoryShared(t *testing.T) {
	const still = 12
	synctest.Test(t, func(t *testing.T) {
		memory, host, release := new(Memory), mapHost{}, make(chan struct{})
		for i := range still {
			host[fmt.Sprint(i)] = &pipeVolume{pace: func(int) { <-release }}
		}
		moving := &pipeVolume{}
		host["moving"] = moving
		r := newRig(t, host, Options{})
		compress, err := ParseCompression("none")
		if err != nil {
			t.Fatal(err)
		}
		send := func(name string) error {
			l, err := Connect(t.Context(), r.dial, Options{Name: name, Compress: compress, Memory: memory})
			if err != nil {
				return err
			}
			defer l.Close()
			_, err = l.Volume(name).Receive(t.Context(), io.LimitReader(newMaterial(1<<40), 20<<20), stream.Receive{})
			return err
		}
		sent := make(chan error)
		for i := range still {
			go func() { sent <- send(fmt.Sprint(i)) }()
		}
		synctest.Wait()
		const most = mostBlocks + still*2*(chunkSize+blockRoom) // each has one, and one is under way
		if n := memory.blocks.outstanding(); n > most || n < mostBlocks/2 {
			t.Errorf("%d MiB are in use", n>>20)
		}
		if err := send("moving"); err != nil || moving.received != 20<<20 {
			t.Errorf("a stream beside them: %v", err)
		}
		close(release)
		for range still {
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
		if n := memory.blocks.outstanding(); n != 0 {
			t.Errorf("%d bytes are in use in the end", n)
		}
	})
}
