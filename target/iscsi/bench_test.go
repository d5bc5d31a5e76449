package iscsi_test

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// The commands of a queue, of n bytes each, one after the other on the disk.
func queue(depth, n int, write bool) []initiator.Command {
	commands := make([]initiator.Command, depth)
	for i := range commands {
		lba := i * n / blockSize
		if write {
			commands[i] = initiator.Command{CDB: write10(lba, n/blockSize), Out: pattern(n, byte(i))}
		} else {
			commands[i] = initiator.Command{CDB: read10(lba, n/blockSize), In: make([]byte, n)}
		}
	}
	return commands
}

// keep keeps the queue full until n commands have been answered.
func keep(c *initiator.Conn, commands []initiator.Command, n int) error {
	for i := range n + len(commands) {
		cmd := &commands[i%len(commands)]
		if i >= len(commands) {
			if err := c.Wait(cmd); err != nil {
				return err
			}
			if err := cmd.Check(); err != nil {
				return err
			}
		}
		if i < n {
			if err := c.Start(cmd); err != nil {
				return err
			}
		}
	}
	return nil
}

// benchmark measures one connection over loopback. The initiator shares the process, and the
// processors.
func benchmark(b *testing.B, s setup, depth, n int, write bool, keys ...string) {
	r := newRig(b, s)
	c := r.login(initiator.Options{Keys: keys})
	commands := queue(depth, n, write)
	if err := keep(c, commands, 8*depth); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	b.ResetTimer()
	if err := keep(c, commands, b.N); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "IOPS")
	r.logout(c)
}

func BenchmarkRead4K(b *testing.B)       { depths(b, setup{}, 4<<10, false) }
func BenchmarkWrite4K(b *testing.B)      { depths(b, setup{}, 4<<10, true) }
func BenchmarkRead256K(b *testing.B)     { benchmark(b, setup{}, 16, 256<<10, false) }
func BenchmarkWrite256K(b *testing.B)    { benchmark(b, setup{}, 16, 256<<10, true) }
func BenchmarkRead4KWorker(b *testing.B) { depths(b, setup{blocks: true}, 4<<10, false) }
func BenchmarkRead4KDigests(b *testing.B) {
	benchmark(b, setup{}, 32, 4<<10, false, "HeaderDigest=CRC32C", "DataDigest=CRC32C")
}

func depths(b *testing.B, s setup, n int, write bool) {
	for _, depth := range []int{1, 32} {
		b.Run(fmt.Sprintf("QD%d", depth), func(b *testing.B) { benchmark(b, s, depth, n, write) })
	}
}

// TestNoAllocations holds the path of a command that does not block to its promise.
func TestNoAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		name  string
		n     int
		write bool
		keys  []string
	}{
		{"read 4K", 4 << 10, false, nil},
		{"write 4K", 4 << 10, true, nil},
		{"read 256K", 256 << 10, false, nil},
		{"write 256K", 256 << 10, true, nil},
		{"write 256K, asked for", 256 << 10, true, []string{"InitialR2T=Yes", "ImmediateData=No", "MaxBurstLength=65536"}},
		{"read 4K with digests", 4 << 10, false, []string{"HeaderDigest=CRC32C", "DataDigest=CRC32C"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, setup{})
			c := r.login(initiator.Options{Keys: tt.keys})
			commands := queue(16, tt.n, tt.write)
			run := func() {
				if err := keep(c, commands, 64); err != nil {
					t.Fatal(err)
				}
			}
			for range 8 { // pools and slabs reach their size
				run()
			}
			if n := testing.AllocsPerRun(20, run); n > 1 {
				t.Errorf("%v allocations in 64 commands", n)
			}
			r.logout(c)
		})
	}
}
