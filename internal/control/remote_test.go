package control

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var remoteLine = regexp.MustCompile(`serving the remote API.* address=(\S+) fingerprint=([0-9a-f]{64})`)

// remotely tells where r's daemon serves the remote API, and its fingerprint.
func (r *rig) remotely() Remote {
	r.t.Helper()
	all := remoteLine.FindAllStringSubmatch(r.log.String(), -1)
	if len(all) == 0 {
		r.t.Fatalf("there is no remote API:\n%s", r.log)
	}
	last := all[len(all)-1]
	return Remote{URL: "https://" + last[1], Fingerprint: last[2]}
}

func startRemote(t *testing.T) *rig {
	return start(t, func(o *Options) { o.Remote = netip.MustParseAddrPort("127.0.0.1:0") })
}

func TestRemote(t *testing.T) {
	t.Parallel()
	r := startRemote(t)
	ctx := t.Context()
	token := must(r.CreateToken(ctx, TokenCreate{"backup"}))(t).Token
	at := r.remotely()
	at.Token = token
	c := NewRemoteClient(at)
	must(c.CreateInitiator(ctx, InitiatorCreate{Name: "iqn.1998-01.com.vmware:esx1"}))(t)
	if list := must(c.ConfigHistory(ctx))(t); list[0].Who != "token backup" {
		t.Errorf("history %+v, want the token's name", list)
	}
	if state := r.dump(); strings.Contains(state, token) || strings.Contains(r.log.String(), token) {
		t.Error("the token is in the state or in the log")
	}

	other := at
	other.Fingerprint = strings.Repeat("00", 32)
	_, err := NewRemoteClient(other).Status(ctx)
	wantProblem(t, err, "not trusted", "--api-fingerprint")
	other.Fingerprint = ""
	_, err = NewRemoteClient(other).Status(ctx)
	wantProblem(t, err, "not trusted", "--api-ca")
	other.CA = filepath.Join(r.opts.StateDir, certificateFile)
	must(NewRemoteClient(other).Status(ctx))(t)

	r.restart()
	again := r.remotely()
	if again.Fingerprint != at.Fingerprint {
		t.Errorf("fingerprint %s after a restart, want %s", again.Fingerprint, at.Fingerprint)
	}
	again.Token = token
	must(NewRemoteClient(again).Status(ctx))(t)
	must(r.RevokeToken(ctx, "backup"))(t)
	_, err = NewRemoteClient(again).Status(ctx)
	wantProblem(t, err, "needs a token")
}

func TestRemoteRefuses(t *testing.T) {
	r := startRemote(t)
	at := r.remotely()
	at.Token = must(r.CreateToken(t.Context(), TokenCreate{"t"}))(t).Token
	c := NewRemoteClient(at)
	request := func(path, authorization string) (int, Problem) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), "GET", at.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", authorization)
		a, err := c.http.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if a.Header.Get("Content-Type") == "application/problem+json" {
			if err := json.Unmarshal(text, &p); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		return a.StatusCode, p
	}
	if status, _ := request("/debug/pprof/", "Bearer "+at.Token); status != 404 {
		t.Errorf("profiles: status %d, want 404", status)
	}
	for _, wrong := range []string{"", "Bearer", "Bearer " + at.Token[1:], "Basic " + at.Token, "Bearer lunar_"} {
		if status, p := request("/v1/status", wrong); status != 401 || p.Title == "" || p.Hint == "" {
			t.Errorf("authorization %q: status %d, %+v", wrong, status, p)
		}
	}
	// Who has guessed too often does not learn any more whether a token is right.
	if status, p := request("/v1/status", "Bearer "+at.Token); status != 429 || p.Status != 429 {
		t.Errorf("after too many guesses: status %d, %+v", status, p)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if conn, err := tls.Dial("tcp", strings.TrimPrefix(at.URL, "https://"), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	for _, bad := range []Remote{{URL: "http://a", Token: "t"}, {URL: "https://", Token: "t"}, {URL: "https://a/b", Token: "t"}, {URL: "https://a", Token: ""}, {URL: "https://a", Token: "t", CA: "/nowhere"}} {
		_, err := NewRemoteClient(bad).Status(t.Context())
		wantProblem(t, err)
	}
}

func TestGuesses(t *testing.T) {
	now := time.Unix(0, 0)
	g := &guesses{now: func() time.Time { return now }}
	here, near, far := netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2"), netip.MustParseAddr("10.0.0.1")
	for n := 1; n <= maxGuesses; n++ {
		if !g.allow(here) {
			t.Fatalf("refused after %d wrong tokens", n-1)
		}
		if last := g.count(here); last != (n == maxGuesses) {
			t.Errorf("wrong token %d is the last: %t", n, last)
		}
	}
	if g.allow(here) || g.allow(near) || !g.allow(far) {
		t.Error("want the network refused, and nobody else")
	}
	if now = now.Add(guessTime); !g.allow(here) {
		t.Error("refused for more than its time")
	}
	for n := range maxGuessers + 100 {
		g.count(netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", n>>8, n&255)))
	}
	if len(g.guesser) > maxGuessers {
		t.Errorf("%d addresses are remembered", len(g.guesser))
	}
}

// More connections than are taken wait, and are served when others end.
func TestRemoteTakesFew(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := &few{l, make(chan struct{}, 1)}
	defer limited.Close()
	taken := make(chan net.Conn)
	go func() {
		defer close(taken)
		for {
			c, err := limited.Accept()
			if err != nil {
				return
			}
			taken <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-taken
	select {
	case <-taken:
		t.Error("two at a time")
	case <-time.After(10 * time.Millisecond): // a wrong limiter may be slower, but not for ever
	}
	first.Close()
	first.Close()
	(<-taken).Close()
	limited.Close()
	<-taken
}

func TestRemoteCertificate(t *testing.T) {
	d := &Daemon{opts: Options{StateDir: t.TempDir(), RemoteCertificate: "/nowhere", RemoteKey: "/nowhere"}}
	_, err := d.certificate(netip.MustParseAddrPort("[::1]:1"))
	wantProblem(t, err, "--api-cert")
	d.opts.RemoteCertificate = ""
	must(d.certificate(netip.MustParseAddrPort("[::1]:1")))(t)
}
