package isns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A fake is a server that keeps the names of one entity's targets.
type fake struct {
	mu      sync.Mutex
	away    bool // connections are refused
	silent  bool // requests are not answered
	refusal Status
	nodes   map[string]bool
	asked   []function
}

func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	go f.serve(theirs)
	return ours, nil
}

func (f *fake) serve(c net.Conn) {
	defer c.Close()
	m, err := readMessage(c)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.asked = append(f.asked, m.function)
	answer, silent := f.answer(m), f.silent
	f.mu.Unlock()
	if silent {
		c.Read(make([]byte, 1)) // until the other end gives up
		return
	}
	m = message{function: m.function | response, transaction: m.transaction, payload: answer}
	c.Write(m.encode())
}

// answer does what m asks for and returns the payload of the response. f.mu is held.
func (f *fake) answer(m message) []byte {
	var list []attribute
	for a, err := range attributesOf(m.payload) {
		if err != nil {
			return binary.BigEndian.AppendUint32(nil, 2)
		}
		list = append(list, a)
	}
	answer := attributes(binary.BigEndian.AppendUint32(nil, uint32(f.refusal)))
	if f.refusal != statusGood {
		return answer
	}
	switch m.function {
	case devAttrReg:
		if m.flags&replace != 0 || f.nodes == nil {
			f.nodes = make(map[string]bool)
		}
		for _, a := range list[1:] {
			if a.tag == nodeName {
				f.nodes[string(bytes.TrimRight(a.value, "\x00"))] = true
			}
		}
		answer.number(registrationPeriod, 90)
	case devAttrQry:
		if !f.nodes[string(bytes.TrimRight(list[0].value, "\x00"))] {
			return binary.BigEndian.AppendUint32(nil, uint32(statusSourceUnknown))
		}
		answer.number(nodeType, typeTarget)
	case devDereg:
		f.nodes = nil
	}
	return answer
}

// took returns what was asked since the last call, and how many targets there are now.
func (f *fake) took() (asked string, nodes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[function]string{devAttrReg: "register", devAttrQry: "query", devDereg: "deregister"}
	var b strings.Builder
	for _, a := range f.asked {
		b.WriteString(names[a] + " ")
	}
	f.asked = nil
	return strings.TrimSpace(b.String()), len(f.nodes)
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// TestRegistrar lives through what happens between a client and a server.
func TestRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{away: true}
		var log bytes.Buffer
		entity := testEntity()
		r := &Registrar{Server: "server:3205", Log: slog.New(slog.NewTextHandler(&log, nil)), dial: f.dial,
			Entity: func() (Entity, error) { f.mu.Lock(); defer f.mu.Unlock(); return entity, nil }}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		check := func(after time.Duration, asked string, nodes int, state State) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			gotAsked, gotNodes := f.took()
			got := r.State()
			if gotAsked != asked || gotNodes != nodes {
				t.Errorf("the server was asked for %q and has %d targets, want %q and %d", gotAsked, gotNodes, asked, nodes)
			}
			if got.Registered != state.Registered || got.Targets != state.Targets || (got.Trouble != nil) != (state.Trouble != nil) {
				t.Errorf("the state is %+v, want %+v", got, state)
			}
		}
		trouble := errors.New("some")
		two := State{Registered: true, Targets: 2}

		check(time.Hour, "", 0, State{Trouble: trouble})
		f.set(func() { f.away = false })
		for range int(lastTry / time.Second) { // until the next try
			time.Sleep(time.Second)
			synctest.Wait() // that try may be due at this moment
			if r.State().Registered {
				break
			}
		}
		check(look/2, "register", 2, two) // from here on between the client's steps
		if s := r.State(); s.Period != 90*time.Second || s.Portals != 3 {
			t.Errorf("the state is %+v", s)
		}
		check(3*time.Minute, "query query query query query query", 2, two) // more often than every 90 s

		f.set(func() { entity.Targets[0].Alias = "changed" })
		check(look, "register", 2, two)
		f.set(func() { entity.Targets = entity.Targets[1:] })
		check(look, "deregister register", 1, State{Registered: true, Targets: 1})
		f.set(func() { f.nodes = nil }) // another server in its place
		check(35*time.Second, "query register", 1, State{Registered: true, Targets: 1})

		f.set(func() { f.silent = true })
		check(50*time.Second, "query query query", 1, State{Registered: true, Targets: 1, Trouble: trouble})
		f.set(func() { f.silent, f.refusal = false, 12 })
		check(30*time.Second, "query", 1, State{Registered: true, Targets: 1, Trouble: trouble})
		f.set(func() { f.refusal = statusGood })
		check(time.Minute, "query query", 1, State{Registered: true, Targets: 1})

		f.set(func() { entity.Portals = nil })
		check(look, "deregister", 0, State{})
		f.set(func() { entity = testEntity() })
		check(look, "register", 2, two)
		stop()
		<-ended
		check(0, "deregister", 0, State{})
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one for each time of trouble:\n%s", n, &log)
		}
	})
}

// TestFarewell: a server that does not answer does not hold up the end.
func TestFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		r := &Registrar{Server: "server:3205", Log: slog.New(slog.DiscardHandler), dial: f.dial, Entity: func() (Entity, error) { return testEntity(), nil }}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		time.Sleep(time.Second)
		f.set(func() { f.silent = true })
		begun := time.Now()
		stop()
		<-ended
		if took := time.Since(begun); took != farewell {
			t.Errorf("it took %v", took)
		}
	})
}

// TestCutShort: what a server may know is taken back, even where its answer was not waited for.
func TestCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{silent: true}
		r := &Registrar{Server: "server:3205", Log: slog.New(slog.DiscardHandler), dial: f.dial, Entity: func() (Entity, error) { return testEntity(), nil }}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		time.Sleep(time.Second)
		if _, nodes := f.took(); nodes == 0 {
			t.Error("the request did not come")
		}
		f.set(func() { f.silent = false })
		stop()
		<-ended
		if asked, nodes := f.took(); asked != "deregister" || nodes != 0 {
			t.Errorf("at the end %q was asked, and %d targets stay", asked, nodes)
		}
	})
}
