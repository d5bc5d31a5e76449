package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
)

// zvolStream is a stream of a volume with the blocks that pick picks; an incremental one has all
// holes too.
func zvolStream(t *testing.T, volume []byte, blockSize int, from, to uint64, pick func(block int) bool) []byte {
	t.Helper()
	var out bytes.Buffer
	w := dmu.NewWriter(&out, binary.LittleEndian)
	put := func(r *dmu.Record, payload []byte) {
		if r.Type() != dmu.TypeBegin {
			r.SetToGUID(to)
		}
		if err := w.Write(r, payload); err != nil {
			t.Fatal(err)
		}
	}
	b := dmu.NewBegin()
	b.SetObjset(dmu.ObjsetZvol)
	b.SetFromGUID(from)
	b.SetToGUID(to)
	if err := b.SetToName("tank/vol@" + string(rune('a'-1+to))); err != nil {
		t.Fatal(err)
	}
	put(b.Record(), nil)
	object := func(n uint64, dmuType uint32, size int) {
		o := dmu.NewRecord(dmu.TypeObject).Object()
		o.SetObject(n)
		o.SetDMUType(dmuType)
		o.SetBlockSize(uint32(size))
		o.SetDnodeSlots(1)
		put(o.Record(), nil)
	}
	write := func(n uint64, dmuType uint32, off int, block []byte) {
		r := dmu.NewRecord(dmu.TypeWrite).Write()
		r.SetObject(n)
		r.SetDMUType(dmuType)
		r.SetOffset(uint64(off))
		r.SetLogicalSize(uint64(len(block)))
		put(r.Record(), block)
	}
	object(dmu.ZvolData, dmu.ObjectZvol, blockSize)
	for off := 0; off < len(volume); off += blockSize {
		block := volume[off : off+blockSize]
		switch {
		case bytes.Count(block, []byte{0}) == blockSize && from != 0:
			f := dmu.NewRecord(dmu.TypeFree).Free()
			f.SetObject(dmu.ZvolData)
			f.SetOffset(uint64(off))
			f.SetLength(uint64(blockSize))
			put(f.Record(), nil)
		case bytes.Count(block, []byte{0}) < blockSize && pick(off/blockSize):
			write(dmu.ZvolData, dmu.ObjectZvol, off, block)
		}
	}
	object(dmu.ZvolProps, dmu.ObjectZvolProp, 512)
	write(dmu.ZvolProps, dmu.ObjectZvolProp, 0, dmu.VolumeProps(uint64(len(volume))))
	put(dmu.NewRecord(dmu.TypeEnd), nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
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
