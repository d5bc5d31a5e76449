package iscsi_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// read10 and write10 are the CDBs that move blocks.
func read10(lba, blocks int) []byte  { return cdb10(0x28, lba, blocks) }
func write10(lba, blocks int) []byte { return cdb10(0x2a, lba, blocks) }

func cdb10(op byte, lba, blocks int) []byte {
	cdb := make([]byte, 10)
	cdb[0] = op
	binary.BigEndian.PutUint32(cdb[2:], uint32(lba))
	binary.BigEndian.PutUint16(cdb[7:], uint16(blocks))
	return cdb
}

// pattern returns n bytes that no other seed makes.
func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}

// roundTrip writes data and reads it back.
func roundTrip(t *testing.T, c *initiator.Conn, lba int, data []byte) {
	t.Helper()
	w := initiator.Command{CDB: write10(lba, len(data)/blockSize), Out: data}
	if err := c.Do(&w); err != nil {
		t.Fatalf("write of %d bytes: %v", len(data), err)
	}
	readBack(t, c, lba, data)
}

func readBack(t *testing.T, c *initiator.Conn, lba int, want []byte) {
	t.Helper()
	r := initiator.Command{CDB: read10(lba, len(want)/blockSize), In: make([]byte, len(want))}
	if err := c.Do(&r); err != nil {
		t.Fatalf("read of %d bytes: %v", len(want), err)
	}
	if r.Received != len(want) || r.Over != 0 || r.Under != 0 {
		t.Fatalf("read of %d bytes brought %d, residual +%d -%d", len(want), r.Received, r.Over, r.Under)
	}
	if !bytes.Equal(r.In, want) {
		t.Fatalf("read of %d bytes brought others than were written", len(want))
	}
}

// TestDataMixes moves data in every legal mix of immediate, unsolicited and solicited
// Data-Out, with data below, at and above FirstBurstLength, in one PDU and in many.
func TestDataMixes(t *testing.T) {
	const first, burst = 8 << 10, 16 << 10
	lengths := []int{512, 4096, first - 512, first, first + 512, burst, 100 << 10, 1 << 20}
	for _, blocks := range []bool{false, true} {
		t.Run(fmt.Sprintf("blocks=%v", blocks), func(t *testing.T) {
			transports(t, setup{blocks: blocks, wce: true}, func(t *testing.T, r *rig) {
				seed := byte(0)
				for _, immediate := range []string{"Yes", "No"} {
					for _, initialR2T := range []string{"Yes", "No"} {
						for _, r2t := range []int{1, 4} {
							for _, digests := range []string{"None", "CRC32C"} {
								c := r.login(initiator.Options{Keys: []string{
									"ImmediateData=" + immediate, "InitialR2T=" + initialR2T,
									fmt.Sprintf("MaxOutstandingR2T=%d", r2t),
									fmt.Sprintf("FirstBurstLength=%d", first), fmt.Sprintf("MaxBurstLength=%d", burst),
									"MaxRecvDataSegmentLength=4999", "HeaderDigest=" + digests, "DataDigest=" + digests,
								}})
								if got := c.Params.InitialR2T; got != (initialR2T == "Yes") {
									t.Fatalf("InitialR2T is %v", got)
								}
								if c.Params.MaxOutstandingR2T != r2t || c.Params.DataDigest != (digests == "CRC32C") {
									t.Fatalf("agreed on %+v", c.Params)
								}
								for _, segment := range []int{c.Params.PeerMaxRecvSegment, 3000, 512} {
									c.Params.PeerMaxRecvSegment = segment
									for _, n := range lengths {
										seed++
										roundTrip(t, c, int(seed), pattern(n, seed))
									}
								}
								r.logout(c)
							}
						}
					}
				}
			})
		})
	}
}

// TestQueue keeps many commands of all lengths in flight.
func TestQueue(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		t.Run(fmt.Sprintf("blocks=%v", blocks), func(t *testing.T) {
			transports(t, setup{blocks: blocks, wce: true}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: []string{"MaxOutstandingR2T=4"}})
				const slots, slot = 64, 256 << 10
				random := rand.New(rand.NewPCG(5, 6))
				commands := make([]initiator.Command, slots)
				data := make([][]byte, slots)
				for round := range 4 {
					for i := range commands {
						data[i] = pattern(blockSize*(1+random.IntN(slot/blockSize)), byte(round*slots+i))
						commands[i] = initiator.Command{CDB: write10(i*slot/blockSize, len(data[i])/blockSize), Out: data[i]}
						if err := c.Start(&commands[i]); err != nil {
							t.Fatal(err)
						}
					}
					for i := range commands {
						if err := c.Wait(&commands[i]); err != nil {
							t.Fatal(err)
						}
						if err := commands[i].Check(); err != nil {
							t.Fatal(err)
						}
						commands[i] = initiator.Command{CDB: read10(i*slot/blockSize, len(data[i])/blockSize), In: make([]byte, len(data[i]))}
						if err := c.Start(&commands[i]); err != nil {
							t.Fatal(err)
						}
					}
					for i := range commands {
						if err := c.Wait(&commands[i]); err != nil {
							t.Fatal(err)
						}
						if err := commands[i].Check(); err != nil || !bytes.Equal(commands[i].In, data[i]) {
							t.Fatalf("read %d: %v", i, err)
						}
					}
				}
				r.logout(c)
			})
		})
	}
}

// TestResiduals compares what a CDB moves with what the initiator announced.
func TestResiduals(t *testing.T) {
	const full = 2 * blockSize // what the CDBs move
	out := pattern(8*blockSize, 9)
	for _, tt := range []struct {
		name        string
		cmd         initiator.Command
		received    int
		over, under uint32
		sense       scsi.Sense
	}{
		{name: "read, exact", cmd: initiator.Command{CDB: read10(0, 2), In: make([]byte, full)}, received: full},
		{name: "read, more expected", cmd: initiator.Command{CDB: read10(0, 2), In: make([]byte, 10_000)}, received: full, under: 10_000 - full},
		{name: "read, less expected", cmd: initiator.Command{CDB: read10(0, 2), In: make([]byte, 200)}, received: 200, over: full - 200},
		{name: "read, none expected", cmd: initiator.Command{CDB: read10(0, 2), Read: true}, over: full},
		{name: "read, neither flag", cmd: initiator.Command{CDB: read10(0, 2)}, over: full},
		{name: "read, announced as a write", cmd: initiator.Command{CDB: read10(0, 2), Out: out[:full]}, under: full},
		{name: "read, fails", cmd: initiator.Command{CDB: read10(1<<30, 2), In: make([]byte, full)}, under: full, sense: scsi.LBAOutOfRange},
		{name: "write, exact", cmd: initiator.Command{CDB: write10(0, 2), Out: out[:full]}},
		{name: "write, more expected", cmd: initiator.Command{CDB: write10(0, 2), Out: out[:3*blockSize]}, under: blockSize},
		{name: "write, less expected", cmd: initiator.Command{CDB: write10(0, 2), Out: out[:blockSize]}, over: blockSize},
		{name: "write, none expected", cmd: initiator.Command{CDB: write10(0, 2), Write: true}, over: full},
		{name: "write, fails", cmd: initiator.Command{CDB: write10(1<<30, 2), Out: out[:full]}, sense: scsi.LBAOutOfRange},
		{name: "write, announced as a read", cmd: initiator.Command{CDB: write10(0, 2), In: make([]byte, full)}, under: full, sense: scsi.InvalidFieldInCDB},
		{name: "no data, some expected", cmd: initiator.Command{CDB: make([]byte, 6), In: make([]byte, 64)}, under: 64},
		{name: "inquiry, short", cmd: initiator.Command{CDB: []byte{0x12, 0, 0, 0, 255, 0}, In: make([]byte, 255)}, received: -1},
		{name: "both ways", cmd: initiator.Command{CDB: read10(0, 2), In: make([]byte, full), Write: true, Expected: full}, sense: scsi.InvalidFieldInCDB, under: full},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				for _, keys := range [][]string{nil, {"ImmediateData=No"}, {"ImmediateData=No", "InitialR2T=Yes"}} {
					c := r.login(initiator.Options{Keys: keys})
					cmd := tt.cmd
					c.Do(&cmd)
					if cmd.SenseCode() != tt.sense {
						t.Errorf("%v: sense is %v, want %v", keys, cmd.SenseCode(), tt.sense)
					}
					if tt.received < 0 {
						if int(cmd.Under) != len(cmd.In)-cmd.Received {
							t.Errorf("%v: received %d of %d, residual +%d -%d", keys, cmd.Received, len(cmd.In), cmd.Over, cmd.Under)
						}
					} else if cmd.Received != tt.received || cmd.Over != tt.over || cmd.Under != tt.under {
						t.Errorf("%v: received %d, residual +%d -%d; want %d, +%d -%d", keys, cmd.Received, cmd.Over, cmd.Under, tt.received, tt.over, tt.under)
					}
					r.logout(c)
				}
			})
		})
	}
}
