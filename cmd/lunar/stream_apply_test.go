package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
)

// zvolStream is a stream of a volume with the blocks that pick picks; an incremental one has all
// holes too.
func zvolStream(t *testing.T, volume []byte, blockSize int, from, to uint64, pick func(block int) bool) []byte {
	t.Helper()
	var out bytes.Buffer
	s := dmutest.New(t, &out)
	s.Begin(string(rune('a'-1+to)), from, to, blockSize)
	for off := 0; off < len(volume); off += blockSize {
		block := volume[off : off+blockSize]
		switch hole := bytes.Count(block, []byte{0}) == blockSize; {
		case hole && from != 0:
			s.Hole(off, blockSize)
		case !hole && pick(off/blockSize):
			s.Block(off, block, dmu.CompressionNone)
		}
	}
	s.End(len(volume))
	s.Close()
	return out.Bytes()
}

// TestStreamApplyKilled kills lunar stream apply at 20 places of a full stream and 20 of an
// incremental one; each run goes on, and the last one ends with the right bytes.
func TestStreamApplyKilled(t *testing.T) {
	const blockSize, blocks = 4096, 2048
	rnd := rand.New(rand.NewPCG(7, 7))
	volume := make([]byte, blockSize*blocks)
	for i := range volume {
		volume[i] = byte(rnd.Uint32())
	}
	for block := 0; block < blocks; block += 5 {
		clear(volume[block*blockSize:][:blockSize])
	}
	next := bytes.Clone(volume)
	for block := 0; block < blocks; block += 3 {
		p := next[block*blockSize:][:blockSize]
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
	}
	for block := 0; block < blocks; block += 7 {
		clear(next[block*blockSize:][:blockSize])
	}
	dir := t.TempDir()
	store := filepath.Join(dir, "disk")
	goneOn := 0
	for i, c := range []struct{ stream, want []byte }{
		{zvolStream(t, volume, blockSize, 0, 1, func(int) bool { return true }), volume},
		{zvolStream(t, next, blockSize, 1, 2, func(block int) bool { return block%3 == 0 }), next},
	} {
		for range 20 {
			applyKilled(t, store, c.stream[:rnd.IntN(len(c.stream))])
			p, err := os.ReadFile(store + ".lunar")
			if os.IsNotExist(err) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			chain, err := dmu.ParseChain(p)
			if err != nil || len(chain.Snapshots) != i {
				t.Fatalf("the chain of a killed one is %s, %v", p, err)
			}
			if chain.Receiving != nil && chain.Receiving.Offset > 0 {
				goneOn++
			}
		}
		file := filepath.Join(dir, "stream")
		if err := os.WriteFile(file, c.stream, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := streamApply(store, file)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, err := os.ReadFile(store)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, c.want) {
			t.Fatalf("stream %d made %d bytes that are not those it has", i, len(got))
		}
	}
	if goneOn < 10 {
		t.Errorf("only %d of 40 kills left a part", goneOn)
	}
}

func streamApply(store, file string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "stream", "apply", file, "--to", store, "--sync-every", "1ms")
	cmd.Env = append(os.Environ(), asLunar+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// applyKilled feeds the beginning of a stream to a process, and kills it.
func applyKilled(t *testing.T, store string, stream []byte) {
	t.Helper()
	cmd := streamApply(store, "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(in, bytes.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}
