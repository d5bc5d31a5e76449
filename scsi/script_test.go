package scsi

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata answer into them")

// TestScripts runs the scripts in testdata: what initiators send, and what they see.
//
//	unit [thin] [read-only] [write-cache] [block=4096] [version=6] [vendor=X] [product=X] [revision=X] [serial=X]
//	                  makes the unit, with nexuses a and b that see it as LUN 0; the first line
//	a 12 01 83 00 ff 00 [lun=5] [expect=255] [out=0011 2233]
//	                  executes a CDB on nexus a; it expects what the CDB asks for, or the
//	                  bytes in out, unless expect says otherwise; 41*512,42 are 512 bytes of
//	                  41 and one of 42
//	see a 0 5 300     makes nexus a see the unit at these LUNs
//	log-in c [a 2]    makes one more nexus: of initiator a, with the target port 2
//	lose a            ends a nexus
//	manage a lun-reset [lun=5]
//	                  performs a task management function
//	identify serial=5a18
//	                  changes what unit says of the identity
//	groups 1=optimized 2=standby,preferred,explicit
//	                  makes the target port groups, of the ports 1 and 4, 2 and 5, and so on;
//	                  nexus a comes by group 1, b by group 2, c by group 3
//	saving fails, saving works
//	                  whether SET TARGET PORT GROUPS can save
//	grow, detach, await, attach
//	                  what becomes of the unit; await is a detach that ends by itself
//	restart           ends all nexuses, and makes the next device server of the unit
//	used              tells who did I/O just now
//	space 100 20 70   the store takes 100 MiB, and 20 MiB are left of the 70 of its pool
//	threshold 80, reached
//	                  what the operator's threshold is, and when it is reached
//	lose-power        is a restart that carries nothing but what was kept of reservations
func TestScripts(t *testing.T) {
	eachScript(t, "testdata/*.txt", func(t *testing.T, file string) {
		runScript(t, file, &script{t: t, nexuses: make(map[string]*Nexus)})
	})
}

// eachScript calls run for the files that match, of which there must be some.
func eachScript(t *testing.T, pattern string, run func(t *testing.T, file string)) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { run(t, file) })
	}
}

// A theatre is what a script acts in.
type theatre interface {
	line(w *strings.Builder, words []string) // does what the line says and writes what it answers
	end()
}

// runScript runs a file made of steps, with an empty line between them: lines that do
// something, "----", and what they answer. "# text" is a comment.
func runScript(t *testing.T, file string, s theatre) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for step := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		input, want, ok := strings.Cut(step, "\n----")
		if !ok {
			out = append(out, step)
			for line := range strings.Lines(step) {
				if line[0] != '#' {
					t.Fatalf("%s: %q answers nothing: end it with ----", file, step)
				}
			}
			continue
		}
		var got strings.Builder
		for line := range strings.Lines(input) {
			if line[0] != '#' {
				s.line(&got, strings.Fields(line))
			}
		}
		answer := strings.TrimRight(got.String(), "\n")
		if want = strings.Trim(want, "\n"); answer != want && !*rewrite {
			t.Errorf("%s:\n%s\n---- answers\n%s\n---- want\n%s", file, input, answer, want)
		}
		out = append(out, strings.TrimRight(input+"\n----\n"+answer, "\n"))
	}
	s.end()
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A script is the state of a script that runs.
type script struct {
	t       *testing.T
	unit    *sbd.Unit
	lu      *LogicalUnit
	pool    *buffer.Pool
	nexuses map[string]*Nexus
	groups  []PortGroup
	unsaved error // of SET TARGET PORT GROUPS and PERSISTENT RESERVE OUT
	kept    Reservations
}

// testIdentity is what the units of scripts are known by.
var testIdentity = sbd.Identity{
	GUID:      sbd.GUID{0x60, 0x01, 0x44, 0xF0, 0x92, 0x8C, 0x01, 0, 0, 0, 0x4F, 0xC5, 0x11, 0xEC, 0, 1},
	Serial:    "928c01000000",
	Vendor:    "LUNAR",
	Product:   "VIRTUAL DISK",
	Revision:  "1.0",
	Version:   6,
	BlockSize: 512,
}

// identify changes what word, "name=value", says of id.
func (s *script) identify(id *sbd.Identity, word string) {
	switch name, value, _ := strings.Cut(word, "="); name {
	case "version":
		id.Version = byte(s.number(value))
	case "vendor":
		id.Vendor = value
	case "product":
		id.Product = value
	case "revision":
		id.Revision = value
	case "serial":
		id.Serial = value
	default:
		s.t.Fatalf("%s?", word)
	}
}

const scriptSize = 16 << 20

func (s *script) makeUnit(words []string) {
	id, cfg := testIdentity, sbd.Config{Size: scriptSize}
	for _, w := range words {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "thin":
			cfg.Thin = true
		case "read-only":
			cfg.ReadOnly = true
		case "write-cache":
			cfg.WriteCache = true
		case "block":
			id.BlockSize = s.number(value)
		default:
			s.identify(&id, w)
		}
	}
	s.pool = buffer.NewPool(64 << 20)
	s.unit = sbd.NewUnit(id, cfg)
	s.attach()
	s.serve()
	s.logIn("a", "a", 1)
	s.logIn("b", "b", 1)
}

// serve makes the device server.
func (s *script) serve() {
	s.lu = NewLogicalUnit(s.unit, s.pool)
	s.lu.Keep = func(r Reservations) error {
		if s.unsaved == nil {
			s.kept = r
		}
		return s.unsaved
	}
	s.lu.TargetPorts = func() []TargetPort { return []TargetPort{{scriptPort(1), 1}, {scriptPort(2), 2}} }
}

func scriptPort(n int) string { return fmt.Sprintf("iqn.2026-01.test:disks,t,0x%04x", n) }

func (s *script) attach() {
	if err := s.unit.Attach(sbd.NewMem(2 * scriptSize)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) logIn(name, initiator string, port int) {
	s.nexuses[name] = NewNexus(Names{
		Initiator: "iqn.2026-01.test:" + initiator, InitiatorPort: "iqn.2026-01.test:" + initiator + ",i,0x00023d000001",
		Target: "iqn.2026-01.test:disks", TargetPort: scriptPort(port),
		RelativePort: uint16(port),
	}, s.pool)
	s.see(name, []string{"0"})
}

func (s *script) see(name string, luns []string) {
	units := make(map[int]*LogicalUnit)
	for _, l := range luns {
		units[s.number(l)] = s.lu
	}
	s.nexuses[name].SetInventory(units)
}

func (s *script) lose(name string) {
	ended := make(chan struct{})
	s.nexuses[name].Close(func() { close(ended) })
	<-ended
	delete(s.nexuses, name)
}

// stop ends all nexuses, and then the device server.
func (s *script) stop() (carried Carried) {
	for name := range s.nexuses {
		s.lose(name)
	}
	carried = s.lu.Carry()
	s.lu.Close()
	return carried
}

// end closes everything and asserts that nothing is left over.
func (s *script) end() {
	s.stop()
	if n := s.pool.Outstanding(); n != 0 {
		s.t.Errorf("%d buffers were not given back", n)
	}
}

func (s *script) number(word string) int {
	n, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		s.t.Fatalf("a number, please: %v", err)
	}
	return int(n)
}

// line does what a line says and writes what it answers.
func (s *script) line(w *strings.Builder, words []string) {
	switch rest := words[1:]; words[0] {
	case "identify":
		id := s.unit.Identity()
		for _, w := range rest {
			s.identify(&id, w)
		}
		if err := s.unit.SetIdentity(id); err != nil {
			s.t.Fatal(err)
		}
		s.lu.IdentityChanged()
	case "unit":
		s.makeUnit(rest)
	case "see":
		s.see(rest[0], rest[1:])
	case "log-in":
		initiator, port := rest[0], 1
		if len(rest) > 1 {
			initiator, port = rest[1], s.number(rest[2])
		}
		s.logIn(rest[0], initiator, port)
	case "lose":
		s.lose(rest[0])
	case "groups":
		s.setGroups(rest)
	case "saving":
		s.unsaved = map[string]error{"fails": errors.New("the script says so")}[rest[0]]
	case "manage":
		s.manage(w, rest)
	case "grow":
		if err := s.unit.Resize(2 * scriptSize); err != nil {
			s.t.Fatal(err)
		}
		s.lu.CapacityChanged()
	case "detach":
		if err := s.unit.Detach(fmt.Errorf("the script says so")); err != nil {
			s.t.Fatal(err)
		}
	case "await":
		if err := s.unit.Detach(fmt.Errorf("%w: the script says so", sbd.ErrAwaited)); err != nil {
			s.t.Fatal(err)
		}
	case "attach":
		s.attach()
	case "lose-power":
		s.stop()
		s.serve()
		if err := s.lu.RestoreReservations(s.kept); err != nil {
			s.t.Fatal(err)
		}
	case "restart":
		s.lu.RetainReservation()
		carried := s.stop()
		s.serve()
		if err := s.lu.Resume(carried); err != nil {
			s.t.Fatal(err)
		}
	case "used":
		for _, u := range s.lu.Uses() {
			fmt.Fprintf(w, "%s %v\n", u.Initiator, u.Ago >= 0)
		}
	case "space":
		const mib = 1 << 20
		s.unit.SetSpace(sbd.Space{Pool: "p", Used: int64(s.number(rest[0])) * mib, Free: int64(s.number(rest[1])) * mib, Size: int64(s.number(rest[2])) * mib})
	case "threshold":
		s.lu.SetThreshold(s.number(rest[0]))
	case "reached":
		s.lu.ThresholdReached()
	default:
		s.execute(w, s.nexuses[words[0]], rest)
	}
}

// options takes the name=value words off and reads those before them as hexadecimal; those
// after a name=value belong to the value.
func (s *script) options(words []string) (p []byte, options map[string]string) {
	options = make(map[string]string)
	last := ""
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok {
			options[name], last = value, name
		} else if last != "" {
			options[last] += word
		} else {
			p = append(p, s.hex(word)...)
		}
	}
	return p, options
}

func (s *script) hex(text string) []byte {
	p, err := hex.DecodeString(text)
	if err != nil {
		s.t.Fatalf("hexadecimal, please: %v", err)
	}
	return p
}

// data reads what out says.
func (s *script) data(text string) (p []byte) {
	for part := range strings.SplitSeq(text, ",") {
		digits, times, many := strings.Cut(part, "*")
		n := 1
		if many {
			n = s.number(times)
		}
		p = append(p, bytes.Repeat(s.hex(digits), n)...)
	}
	return p
}

func (s *script) lun(options map[string]string) LUN {
	if l := options["lun"]; l != "" {
		return LUNOf(s.number(l))
	}
	return 0
}

func (s *script) execute(w *strings.Builder, n *Nexus, words []string) {
	if n == nil {
		s.t.Fatalf("no such nexus, before %s", words)
	}
	cdb, options := s.options(words)
	out := s.data(options["out"])
	done := make(chan struct{})
	t := &Task{LUN: s.lun(options), Done: func(*Task) { close(done) }, Expected: int64(len(out))}
	copy(t.CDB[:], cdb)
	n.Prepare(t)
	if len(out) == 0 {
		t.Expected = t.inLen
	}
	if e := options["expect"]; e != "" {
		t.Expected = int64(s.number(e))
	}
	t.Out = out[:min(t.OutLen(), t.Expected, int64(len(out)))]
	if !n.Submit(t) {
		<-done
	}
	describe(w, t)
	t.Release()
}

func (s *script) manage(w *strings.Builder, words []string) {
	functions := map[string]Function{
		"abort-task": AbortTask, "abort-task-set": AbortTaskSet, "clear-aca": ClearACA, "clear-task-set": ClearTaskSet,
		"lun-reset": LogicalUnitReset, "target-reset": TargetReset, "query-task": QueryTask, "query-task-set": QueryTaskSet,
	}
	_, options := s.options(words[2:])
	f := functions[words[1]]
	if f == 0 {
		s.t.Fatalf("no task management function %s", words[1])
	}
	done := make(chan Response, 1)
	s.nexuses[words[0]].Manage(f, s.lun(options), 1, func(r Response) { done <- r })
	fmt.Fprintln(w, []string{"complete", "succeeded", "no such task", "no such LUN", "not supported"}[<-done])
}
