package iscsi_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// fuzzKeys is what the connection of FuzzConnection agrees on.
var fuzzKeys = []string{
	"FirstBurstLength=8192", "MaxBurstLength=8192", "MaxOutstandingR2T=2", "MaxRecvDataSegmentLength=4096",
}

// FuzzConnection sends bytes after a login. Whatever they are, nothing panics, nothing hangs,
// and everything is given back. The first byte chooses digests.
func FuzzConnection(f *testing.F) {
	for _, seed := range []func(*initiator.Conn){
		func(c *initiator.Conn) { c.Start(&initiator.Command{CDB: read10(0, 64), In: make([]byte, 32768)}) },
		func(c *initiator.Conn) { c.Start(&initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)}) },
		func(c *initiator.Conn) { // unsolicited, then solicited data
			c.Params.PeerMaxRecvSegment = 1024
			w := initiator.Command{CDB: write10(0, 64), Out: pattern(32768, 1)}
			c.Start(&w)
			for tag, end := range []int{16384, 24576, 32768} {
				c.SendData(&w, uint32(tag), end)
			}
		},
		func(c *initiator.Conn) { // out of order
			c.CmdSN += 3
			c.Start(&initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)})
			c.CmdSN -= 3
			for range 3 {
				c.Start(&initiator.Command{CDB: read10(0, 8), In: make([]byte, 4096)})
			}
		},
		func(c *initiator.Conn) {
			w := initiator.Command{CDB: write10(0, 64), Out: pattern(32768, 1)}
			c.Announce(&w)
			for f := range iscsi.QueryAsyncEvent + 1 {
				h := c.ManageHeader(f, scsi.LUN(0), &w)
				h.SetITT(c.NextTag())
				c.Send(&h, nil)
			}
		},
		func(c *initiator.Conn) {
			for op := range iscsi.Opcode(64) {
				h := start(c, op)
				h.SetFinal(true)
				c.Send(&h, []byte("SendTargets=All\x00"))
			}
		},
		func(c *initiator.Conn) {
			h := start(c, iscsi.OpLogout)
			h.SetImmediate()
			h.LogoutRequest().SetReason(iscsi.CloseSession)
			c.Send(&h, nil)
			c.Start(&initiator.Command{CDB: read10(0, 8), In: make([]byte, 4096)})
		},
	} {
		for digests := range byte(4) {
			f.Add(digests, recorded(digests, seed))
		}
	}
	r := newRig(f, setup{pipe: true})
	blocking := newRig(f, setup{pipe: true, blocks: true, budget: 256 << 10})
	f.Fuzz(func(t *testing.T, digests byte, stream []byte) {
		for _, r := range []*rig{r, blocking} {
			nc := r.dial()
			nc.SetDeadline(time.Now().Add(10 * time.Second))
			_, err := initiator.Dial(nc, initiator.Options{Name: rigInitiator, Target: rigTarget, Keys: append(digestKeys(digests), fuzzKeys...)})
			if err != nil {
				t.Fatalf("%v\n%s", err, stacks())
			}
			if _, err := nc.Write(stream); err != nil && isTimeout(err) {
				t.Fatalf("the target reads no more\n%s", stacks())
			}
			nc.Close()
			eventually(t, "the end of the connection", func() bool { return r.server.Metrics().Connections == 0 })
			if n := r.pool.Outstanding(); n != 0 {
				t.Fatalf("%d buffers leaked", n)
			}
		}
	})
}

func digestKeys(digests byte) []string {
	keys := []string{"HeaderDigest=None", "DataDigest=None"}
	if digests&1 != 0 {
		keys[0] = "HeaderDigest=CRC32C"
	}
	if digests&2 != 0 {
		keys[1] = "DataDigest=CRC32C"
	}
	return keys
}

// recorded returns what an initiator that has just logged in sends.
func recorded(digests byte, send func(*initiator.Conn)) []byte {
	near, far := net.Pipe()
	bytes := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(far)
		bytes <- b
	}()
	c := initiator.NewConn(near, initiator.Options{})
	c.Params = iscsi.Params{
		HeaderDigest: digests&1 != 0, DataDigest: digests&2 != 0, ImmediateData: true,
		PeerMaxRecvSegment: 262144, OwnMaxRecvSegment: 4096, MaxBurst: 8192, FirstBurst: 8192, MaxOutstandingR2T: 2,
	}
	send(c)
	c.Flush()
	near.Close()
	return <-bytes
}
