package control

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// The remote API is the API over HTTPS, for who has a token; without profiles, which are for the
// machine itself.

// Limits of the remote API.
const (
	maxRemoteConns  = 64       // at a time; initiators need descriptors more
	maxRemoteHeader = 16 << 10 // bytes
	maxGuesses      = 5        // wrong tokens of an address in guessTime
	maxGuessers     = 4096     // addresses that are remembered
	guessTime       = time.Minute
)

// listenRemote listens for clients of the remote API; nil: it is off.
func (d *Daemon) listenRemote(ctx context.Context) (net.Listener, error) {
	a := d.opts.Remote
	if !a.IsValid() {
		return nil, nil
	}
	c, err := d.certificate(a)
	if err != nil {
		return nil, err
	}
	l := d.keeper.take(a)
	if l == nil {
		network := "tcp"
		if a.Addr().Is4() { // "tcp" makes [::] of 0.0.0.0
			network = "tcp4"
		}
		if l, err = new(net.ListenConfig).Listen(ctx, network, a.String()); err != nil {
			return nil, &Problem{
				Title: fmt.Sprintf("cannot listen for the remote API on %s: %v", a, err),
				Hint:  "Choose another address or port with --api-listen, or leave it out.",
				cause: err,
			}
		}
	}
	d.keeper.keep(a, l)
	d.log.Info("serving the remote API", "address", l.Addr(), "fingerprint", fingerprint(c.Certificate[0]))
	return tls.NewListener(&few{l, make(chan struct{}, maxRemoteConns)}, &tls.Config{
		Certificates: []tls.Certificate{c},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}), nil
}

// A few is a listener that has so many connections at a time as its channel has room for; the others
// wait.
type few struct {
	net.Listener
	open chan struct{}
}

func (l *few) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open <- struct{}{}
	return &oneOfFew{Conn: c, l: l}, nil
}

type oneOfFew struct {
	net.Conn
	l      *few
	closed sync.Once
}

func (c *oneOfFew) Close() error {
	c.closed.Do(func() { <-c.l.open })
	return c.Conn.Close()
}

// newRemoteServer returns the server of the remote API.
func (d *Daemon) newRemoteServer() *http.Server {
	return &http.Server{
		Handler:           d.withToken(d.newMux(), &guesses{now: time.Now}),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxRemoteHeader,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug), // anybody can make it speak
	}
}

// withToken lets requests through that have a token, and counts the others.
func (d *Daemon) withToken(next http.Handler, wrong *guesses) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := netip.ParseAddrPort(r.RemoteAddr)
		if !wrong.allow(from.Addr()) {
			w.Header().Set("Retry-After", fmt.Sprint(int(guessTime.Seconds())))
			answer(w, nil, &Problem{Status: http.StatusTooManyRequests, Title: "too many wrong tokens came from " + from.Addr().String(), Hint: "Wait a minute, and come back with the right one."})
			return
		}
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		name, ok := "", false
		if strings.EqualFold(scheme, "Bearer") {
			name, ok = d.knows(strings.TrimSpace(token))
		}
		if !ok {
			if wrong.count(from.Addr()) {
				d.log.Warn("wrong tokens for the remote API; the address is refused for a while", "peer", from.Addr())
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="lunar"`)
			answer(w, nil, &Problem{Status: http.StatusUnauthorized, Title: "the remote API needs a token", Hint: "Make one with lunar token create on the daemon's machine, and set $LUNAR_TOKEN."})
			return
		}
		who := "token " + name
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), authorKey{}, &who)))
	})
}

// guesses counts wrong tokens by address.
type guesses struct {
	now func() time.Time

	mu      sync.Mutex
	guesser map[netip.Addr]guesser
}

type guesser struct {
	wrong int
	since time.Time
}

// allow reports whether from may try a token.
func (g *guesses) allow(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.guesser[subscriber(from)]
	return known.wrong < maxGuesses || g.now().Sub(known.since) >= guessTime
}

// count counts a wrong token, and reports whether it was the last one allowed.
func (g *guesses) count(from netip.Addr) bool {
	from = subscriber(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	known, there := g.guesser[from]
	if !there || now.Sub(known.since) >= guessTime {
		known = guesser{since: now}
	}
	known.wrong++
	if !there && len(g.guesser) >= maxGuessers {
		for a, old := range g.guesser {
			if now.Sub(old.since) >= guessTime {
				delete(g.guesser, a)
			}
		}
		if len(g.guesser) >= maxGuessers {
			return false // so many that one more or less tells nothing; a token has 256 bits
		}
	}
	if g.guesser == nil {
		g.guesser = make(map[netip.Addr]guesser)
	}
	g.guesser[from] = known
	return known.wrong == maxGuesses
}

// subscriber is what one machine has of addresses: with IPv6 a network of 64 bits.
func subscriber(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
