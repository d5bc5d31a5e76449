package control

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestReplay plays what ESXi hosts send, from the scripts in testdata/replay, to a whole daemon
// over TCP, and holds every byte of the answers to the script. What ESXi asks, and in which order
// and lengths, is what other targets' traces and VMware's documents say: each script names them.
// What the answers are is said beside their bytes, by the standard that says it.
//
//	unit vm lun=1 size=64 guid=6001...
//	                  makes a thin unit of 64 MiB, which no host sees where there is no lun; the
//	                  stores of all are one pool of 100 MiB
//	esx1 discovers    asks for the targets in a session of its own
//	esx1 logs-in      with what ESXi proposes; "esx1 logs-in keys" has the keys of the answer too
//	esx1 12 00 00 00 24 00 [lun=1] [read=36] [write=0]
//	                  sends a CDB; read and write set R and W, and are the expected data transfer
//	                  length. LUN 1 unless said
//	  fa*512          indented: Data-Out of the command above, which sets W and that length
//	esx1 resets [lun=1], esx1 pings, esx1 logs-out
//	host pool 85      the pool is full to so many percent, and the daemon has looked
//	host resize vm 96, host retire vm, host offline vm maintenance, host online vm
//	                  what an operator does, by force
//
// After ---- come the answers, in order: the status and how the transfer ended, and then Data-In,
// or sense data, in pieces of any length, all of it: "05-07  000000  # reserved". -rewrite writes
// what comes into the pieces that are there; what it means, and who says so, is for people.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/replay/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			runReplay(t, file, newReplay(t))
		})
	}
}

// A replay is the state of a script that is played.
type replay struct {
	*rig
	clock *clock
	used  atomic.Int64        // of the pool, in MiB
	media map[string]*sbd.Mem // by path: what a store holds stays while it is closed
	guids map[string]string
	hosts map[string]*initiator.Conn
}

const (
	replayTarget = "iqn.2026-01.org.example:vm"
	replayPool   = 100 << 20
)

func newReplay(t *testing.T) *replay {
	p := &replay{clock: new(clock), media: map[string]*sbd.Mem{}, guids: map[string]string{}, hosts: map[string]*initiator.Conn{}}
	space := func() (sbd.Space, error) {
		return sbd.Space{Pool: "tank", Used: 10 << 20, Size: replayPool, Free: replayPool - p.used.Load()<<20}, nil
	}
	p.rig = start(t, func(o *Options) {
		o.wait, o.Reserve = p.clock.wait, 1<<20
		o.openStore = func(path string, _ sbd.OpenOptions) (sbd.Store, error) {
			if p.media[path] == nil {
				info, err := os.Stat(path)
				if err != nil {
					return nil, err
				}
				p.media[path] = sbd.NewMem(info.Size())
			}
			return gauged{p.media[path], space}, nil
		}
	})
	must(p.CreateTarget(t.Context(), TargetCreate{Name: replayTarget, Alias: "vm disks"}))(t)
	t.Cleanup(func() {
		for _, c := range p.hosts {
			c.Close()
		}
	})
	return p
}

// line does what a line says and returns the answer, which has no text where a CDB was sent.
func (p *replay) line(words []string, out []byte) answered {
	who, rest := words[0], words[1:]
	switch who {
	case "unit":
		p.makeUnit(rest)
		return answered{}
	case "host":
		return answered{text: p.operate(rest)}
	}
	switch rest[0] {
	case "discovers":
		return answered{text: p.discover(who)}
	case "logs-in":
		p.hosts[who] = p.dial(who, replayTarget)
		if len(rest) > 1 && rest[1] == "keys" {
			return answered{text: "logged in\n" + sortedKeys(p.hosts[who].Local)}
		}
		return answered{text: "logged in"}
	}
	c := p.hosts[who]
	if c == nil {
		p.t.Fatalf("%s has not logged in", who)
	}
	switch rest[0] {
	case "pings":
		p.ok(c.Ping(nil))
		return answered{text: "pong"}
	case "logs-out":
		p.ok(c.Logout())
		delete(p.hosts, who)
		return answered{text: "logged out"}
	case "resets":
		_, options := p.options(rest[1:])
		r, err := c.Manage(iscsi.LogicalUnitReset, p.lun(options), nil)
		p.ok(err)
		return answered{text: r.String()}
	}
	return p.send(c, rest, out)
}

// send sends a CDB.
func (p *replay) send(c *initiator.Conn, words []string, out []byte) answered {
	cdb, options := p.options(words)
	cmd := &initiator.Command{LUN: p.lun(options), CDB: p.hex(strings.Join(cdb, "")), Out: out}
	if n, ok := options["read"]; ok {
		cmd.Read, cmd.In = true, make([]byte, p.number(n))
	}
	if n, ok := options["write"]; ok {
		if cmd.Write, cmd.Expected = true, p.number(n); cmd.Expected == 0 {
			cmd.Expected = -1
		}
	}
	if err := c.Do(cmd); err != nil && cmd.Check() == nil {
		p.t.Fatal(err)
	}
	a := answered{text: statusName(cmd), data: cmd.In[:cmd.Received]}
	if len(cmd.Sense) > 0 {
		a.data = cmd.Sense
	}
	return a
}

// statusName is a command's status, and how its transfer ended.
func statusName(cmd *initiator.Command) string {
	s := map[scsi.Status]string{
		scsi.Good: "GOOD", scsi.CheckCondition: "CHECK CONDITION", scsi.ReservationConflict: "RESERVATION CONFLICT",
	}[cmd.Status]
	if s == "" {
		s = cmd.Status.Error()
	}
	for _, n := range []struct {
		count int
		what  string
		least int
	}{
		{int(cmd.Under), "residual underflow %d", 1}, {int(cmd.Over), "residual overflow %d", 1},
		{cmd.R2Ts, "%d R2Ts", 1}, {cmd.DataIn, "%d Data-In PDUs", 2},
	} {
		if n.count >= n.least {
			s += ", " + fmt.Sprintf(n.what, n.count)
		}
	}
	return s
}

func (p *replay) makeUnit(words []string) {
	_, options := p.options(words[1:])
	p.guids[words[0]] = options["guid"]
	q := UnitCreate{Path: p.path(words[0]), GUID: options["guid"], Size: int64(p.number(options["size"])) << 20, Thin: true}
	if n, ok := options["lun"]; ok {
		lun := p.number(n)
		q.LUN = &lun
	} else {
		q.NoView = true
	}
	p.createUnit(q)
}

// operate does what an operator asks for, and tells how that went.
func (p *replay) operate(words []string) string {
	var err error
	ctx, guid := p.t.Context(), p.guids[words[1]]
	switch words[0] {
	case "pool":
		p.used.Store(int64(p.number(words[1])))
		p.clock.until(p.t, "the pool is looked at", func() bool { return p.looked(ctx) })
	case "resize":
		_, err = p.ResizeUnit(ctx, guid, UnitResize{Size: int64(p.number(words[2])) << 20})
	case "retire":
		_, err = p.RetireUnit(ctx, guid, UnitRetire{Force: true})
	case "offline":
		_, err = p.OfflineUnit(ctx, guid, UnitTakeOffline{Purpose: words[2], Force: true})
	case "online":
		_, err = p.OnlineUnit(ctx, guid)
	default:
		p.t.Fatalf("no operator does %s", words)
	}
	p.ok(err)
	return "done"
}

// looked reports whether all units know how full the pool is.
func (p *replay) looked(ctx context.Context) bool {
	for _, u := range must(p.Units(ctx))(p.t) {
		if u.Space == nil || u.Space.PoolFree != replayPool-p.used.Load()<<20 {
			return false
		}
	}
	return true
}

func (p *replay) discover(host string) string {
	c := p.dial(host, "")
	text, err := c.Text("SendTargets=All")
	p.ok(err)
	p.ok(c.Logout())
	return "discovered\n" + strings.ReplaceAll(strings.ReplaceAll(string(text), p.portal(), "PORTAL"), "\x00", "\n")
}

// dial logs in with what ESXi's initiator proposes unless an administrator has changed it.
func (p *replay) dial(host, target string) *initiator.Conn {
	nc, err := new(net.Dialer).DialContext(p.t.Context(), "tcp", p.portal())
	p.ok(err)
	c, err := initiator.Dial(nc, initiator.Options{
		Name: "iqn.1998-01.com.vmware:" + host + "-5f3a9c2e", Alias: host, Target: target,
		ISID: [6]byte{0x00, 0x02, 0x3d, 0x00, 0x00, 0x01},
		Keys: []string{"MaxRecvDataSegmentLength=131072", "IFMarker=No", "OFMarker=No"},
	})
	p.ok(err)
	return c
}

// options takes the name=value words off.
func (p *replay) options(words []string) (rest []string, options map[string]string) {
	options = map[string]string{}
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok {
			options[name] = value
		} else {
			rest = append(rest, w)
		}
	}
	return rest, options
}

func (p *replay) lun(options map[string]string) scsi.LUN {
	if n, ok := options["lun"]; ok {
		return scsi.LUNOf(p.number(n))
	}
	return scsi.LUNOf(1)
}

func (p *replay) number(word string) int {
	n, err := strconv.Atoi(word)
	p.ok(err)
	return n
}

func (p *replay) hex(word string) []byte {
	b, err := hex.DecodeString(word)
	p.ok(err)
	return b
}

func (p *replay) ok(err error) {
	p.t.Helper()
	var problem *Problem
	if errors.As(err, &problem) {
		err = fmt.Errorf("%s: %s", problem.Title, problem.Hint)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
