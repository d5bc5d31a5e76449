package radius

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var testSecret = []byte("a secret between two machines")

func testRequest() *Request {
	return &Request{
		User: "host", ID: 7, Challenge: make([]byte, 16), Response: make([]byte, 16),
		Calling: "iqn.2026-11.org.example:host", Called: "iqn.2026-11.org.example:disks",
	}
}

// answerTo is an answer as a server makes it.
func answerTo(request packet, c code, secret []byte) packet {
	p := startPacket(c, request.identifier(), [authenticatorLen]byte(request.authenticator())).
		with(messageAuthenticator, make([]byte, authenticatorLen)).
		with(18, []byte("a Reply-Message"))
	p.sign(secret, request.authenticator())
	copy(p.authenticator(), p.seal(secret, request.authenticator()))
	return p
}

func accepted(request packet) packet { return answerTo(request, accessAccept, testSecret) }
func rejected(request packet) packet { return answerTo(request, accessReject, testSecret) }

// A behaviour is a server: what it sends back when a request has come for the nth time, from 1.
type behaviour func(request packet, nth int) []packet

// serve is the network of a client whose servers behave, by their addresses.
func serve(t *testing.T, servers map[string]behaviour) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, address string) (net.Conn, error) {
		behave := servers[address]
		if behave == nil {
			return nil, syscall.ECONNREFUSED
		}
		near, far := net.Pipe()
		go func() {
			b := make([]byte, maxPacket)
			for nth := 1; ; nth++ {
				n, err := far.Read(b)
				if err != nil {
					return
				}
				request, err := parsePacket(b[:n])
				if err != nil {
					t.Error(err)
				}
				request = slices.Clone(request)
				go func() {
					for _, answer := range behave(request, nth) {
						_, _ = far.Write(answer) // nobody may be waiting any more
					}
				}()
			}
		}()
		return near, nil
	}
}

// TestAuthenticate meets servers that behave, and others.
func TestAuthenticate(t *testing.T) {
	silent := func(packet, int) []packet { return nil }
	accepts := func(p packet, _ int) []packet { return []packet{accepted(p)} }
	change := func(p packet, f func(packet)) packet {
		f(p)
		return p
	}
	for _, test := range []struct {
		name    string
		servers []behaviour
		lax     bool          // answers need no Message-Authenticator
		want    string        // in the error; empty: accepted
		no      bool          // the error is ErrRejected
		took    time.Duration // by the clock
	}{
		{name: "accepts", servers: []behaviour{accepts}},
		{name: "rejects", servers: []behaviour{func(p packet, _ int) []packet { return []packet{rejected(p)} }}, want: `rejects the user "host": a`, no: true},
		{name: "challenges", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{answerTo(p, accessChallenge, testSecret)}
		}}, want: "a wants to challenge it", no: true},
		{name: "is silent", servers: []behaviour{silent}, want: "RADIUS server a: no answer to 3 requests in 3s", took: 3 * time.Second},
		{name: "is lost and found", servers: []behaviour{func(p packet, nth int) []packet {
			if nth < 3 {
				return nil
			}
			return []packet{accepted(p)}
		}}, took: 2 * time.Second},
		{name: "answers late", servers: []behaviour{func(p packet, nth int) []packet {
			time.Sleep(1500 * time.Millisecond)
			return []packet{accepted(p)}
		}}, took: 1500 * time.Millisecond},
		{name: "has another secret", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{answerTo(p, accessAccept, []byte("another"))}
		}}, want: "do both sides have the same secret?", took: 3 * time.Second},
		{name: "answers somebody else first", servers: []behaviour{func(p packet, _ int) []packet {
			other := startPacket(accessRequest, p.identifier()+1, [authenticatorLen]byte(p.authenticator()))
			return []packet{rejected(other), accepted(p)}
		}}},
		{name: "answers somebody else", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{accepted(startPacket(accessRequest, p.identifier()+1, [authenticatorLen]byte(p.authenticator())))}
		}}, want: "it answers another request", took: 3 * time.Second},
		{name: "is an echo", servers: []behaviour{func(p packet, _ int) []packet { return []packet{p} }}, want: "a packet of code 1 answers nothing", took: 3 * time.Second},
		{name: "talks nonsense", servers: []behaviour{func(packet, int) []packet { return []packet{packet("nonsense")} }}, want: "8 bytes are no packet", took: 3 * time.Second},
		{name: "is forged: a Reject made an Accept", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{change(rejected(p), func(p packet) { p[0] = byte(accessAccept) }), rejected(p)}
		}}, want: "rejects", no: true},
		{name: "is forged, and the Response Authenticator collides", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{change(rejected(p), func(a packet) {
				a[0] = byte(accessAccept)
				copy(a.authenticator(), a.seal(testSecret, p.authenticator()))
			})}
		}}, want: "its Message-Authenticator is wrong", took: 3 * time.Second},
		{name: "is not signed", servers: []behaviour{unsignedAccept}, want: "CVE-2024-3596", took: 3 * time.Second},
		{name: "is not signed, which is allowed", servers: []behaviour{unsignedAccept}, lax: true},
		{name: "signs wrongly, where it need not", servers: []behaviour{func(p packet, _ int) []packet {
			return []packet{change(accepted(p), func(a packet) {
				a[headerLen+2] ^= 1
				copy(a.authenticator(), a.seal(testSecret, p.authenticator()))
			})}
		}}, lax: true, want: "its Message-Authenticator is wrong", took: 3 * time.Second},
		{name: "is the second", servers: []behaviour{silent, accepts}, took: 3 * time.Second},
		{name: "is the second, after one that is closed", servers: []behaviour{nil, accepts}},
		{name: "are all silent", servers: []behaviour{silent, nil, silent}, want: "RADIUS server b: connection refused", took: 6 * time.Second},
		{name: "is none", want: "there is no RADIUS server to ask"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &Client{Secret: testSecret, Unsigned: test.lax, NAS: "store"}
				behaving := make(map[string]behaviour)
				for i, s := range test.servers {
					name := string(rune('a' + i))
					c.Servers = append(c.Servers, name)
					behaving[name] = s
				}
				c.dial = serve(t, behaving)
				begun := time.Now()
				err := c.Authenticate(t.Context(), *testRequest())
				switch {
				case test.want == "" && err != nil:
					t.Error(err)
				case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
					t.Errorf("the error is %v, want %q in it", err, test.want)
				}
				if errors.Is(err, ErrRejected) != test.no {
					t.Errorf("%v is a rejection: %v", err, !test.no)
				}
				if took := time.Since(begun); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
				if err != nil && strings.Contains(err.Error(), string(testSecret)) {
					t.Error("the error tells the secret")
				}
				time.Sleep(5 * time.Second) // late servers end
			})
		})
	}
}

// unsignedAccept is what servers sent before CVE-2024-3596 was known.
func unsignedAccept(p packet, _ int) []packet {
	a := startPacket(accessAccept, p.identifier(), [authenticatorLen]byte(p.authenticator()))
	copy(a.authenticator(), a.seal(testSecret, p.authenticator()))
	return []packet{a}
}

// TestClientRemembers asks the server first that answered last, and counts.
func TestClientRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{Servers: []string{"a", "b"}, Secret: testSecret, NAS: "store"}
		c.dial = serve(t, map[string]behaviour{
			"a": func(packet, int) []packet { return nil },
			"b": func(p packet, _ int) []packet { return []packet{accepted(p)} },
		})
		for range 3 {
			if err := c.Authenticate(t.Context(), *testRequest()); err != nil {
				t.Fatal(err)
			}
		}
		got := c.States()
		if got[0].Unanswered != 1 || got[0].Trouble == nil || got[1].Accepted != 3 || got[1].Trouble != nil || !got[1].Heard.Equal(time.Now()) {
			t.Errorf("the states are %+v", got)
		}
	})
}

// TestClientGivesUp ends with the login that asks, and blames nobody for it.
func TestClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{Servers: []string{"a", "b"}, Secret: testSecret, NAS: "store"}
		silent := func(packet, int) []packet { return nil }
		c.dial = serve(t, map[string]behaviour{"a": silent, "b": silent})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		begun := time.Now()
		if err := c.Authenticate(ctx, *testRequest()); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(begun); took != 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if s := c.States(); s[0].Unanswered+s[1].Unanswered != 0 {
			t.Errorf("the states are %+v", s)
		}
	})
}

// TestRequestBounds refuses what does not fit, before anybody is asked.
func TestRequestBounds(t *testing.T) {
	for name, change := range map[string]func(*Request){
		"no user":        func(r *Request) { r.User = "" },
		"a long user":    func(r *Request) { r.User = strings.Repeat("u", maxValue+1) },
		"a long caller":  func(r *Request) { r.Calling = strings.Repeat("c", maxValue+1) },
		"a short answer": func(r *Request) { r.Response = r.Response[1:] },
		"no challenge":   func(r *Request) { r.Challenge = nil },
	} {
		r := testRequest()
		change(r)
		if err := (&Client{Servers: []string{"a"}}).Authenticate(t.Context(), *r); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := testRequest()
	r.User, r.Calling, r.Called = strings.Repeat("u", maxValue), strings.Repeat("c", maxValue), strings.Repeat("d", maxValue)
	r.Challenge = make([]byte, maxValue)
	if _, err := parsePacket(r.packet(strings.Repeat("n", maxValue), testSecret)); err != nil {
		t.Errorf("the longest request: %v", err)
	}
}
