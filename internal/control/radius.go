package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/radius"
)

// radiusName is the key of the one record of RADIUS servers.
const radiusName = "servers"

// A radiusRecord is who is asked about CHAP responses. Nobody is, unless there are both servers and
// a secret.
type radiusRecord struct {
	Servers  []string    `json:"servers,omitempty"` // "host:port", in the order in which they are asked
	Shared   *credential `json:"shared,omitempty"`  // the secret that we share with all of them; without a user
	Unsigned bool        `json:"unsigned,omitempty"`
}

// A RADIUSInfo describes who is asked about CHAP responses.
type RADIUSInfo struct {
	Servers  []RADIUSServer `json:"servers"`
	Secret   bool           `json:"secret"`             // there is one
	Unsigned bool           `json:"unsigned,omitempty"` // answers without a Message-Authenticator are believed
	Reason   string         `json:"reason,omitempty"`   // why nobody can be asked
}

// A RADIUSServer is a server, and what became of the requests to it since the daemon started.
type RADIUSServer struct {
	Server     string    `json:"server"` // "host:port"
	Accepted   uint64    `json:"accepted"`
	Rejected   uint64    `json:"rejected"`
	Unanswered uint64    `json:"unanswered"`
	Heard      time.Time `json:"heard,omitzero"`    // when it last answered
	Trouble    string    `json:"trouble,omitempty"` // why it did not answer the last request
}

// A RADIUSModify changes what is not nil, or empty.
type RADIUSModify struct {
	Servers  *[]string `json:"servers,omitempty"` // "host[:port]", in the order in which they are asked; empty: none
	Secret   Secret    `json:"secret,omitempty"`
	NoSecret bool      `json:"no_secret,omitempty"` // forget the secret
	Unsigned *bool     `json:"unsigned,omitempty"`
}

// radiusSettings returns what was saved about RADIUS.
func (d *Daemon) radiusSettings() (r radiusRecord, err error) {
	r, _, err = radiusKind.find(d.state, radiusName)
	return r, err
}

// loadRADIUS takes up what was saved.
func (d *Daemon) loadRADIUS() error {
	r, err := d.radiusSettings()
	if err == nil {
		d.useRADIUS(r)
	}
	return err
}

// useRADIUS has the servers of r asked from now on. Logins that wait go on with those before.
func (d *Daemon) useRADIUS(r radiusRecord) {
	if !r.complete() {
		d.radius.Store(nil)
		return
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "lunar"
	}
	d.radius.Store(&radius.Client{Servers: r.Servers, Secret: r.Shared.Secret, Unsigned: r.Unsigned, NAS: host})
}

// complete reports whether somebody can be asked.
func (r *radiusRecord) complete() bool {
	return len(r.Servers) > 0 && r.Shared != nil && !r.Shared.Secret.sealed()
}

// askRADIUS asks the servers about a proof; see target.Device.AskRADIUS.
func (d *Daemon) askRADIUS(ctx context.Context, p target.Proof) error {
	c := d.radius.Load()
	if c == nil {
		return errors.New("no RADIUS server can be asked: lunar radius show tells why")
	}
	err := c.Authenticate(ctx, radius.Request{
		User: p.User, ID: p.ID, Challenge: p.Challenge, Response: p.Response, Calling: p.Initiator, Called: p.Target,
	})
	if errors.Is(err, radius.ErrRejected) {
		return fmt.Errorf("%w: %w", target.ErrDenied, err)
	}
	return err
}

// RADIUS tells who is asked about CHAP responses.
func (d *Daemon) RADIUS(context.Context) (RADIUSInfo, error) {
	info := RADIUSInfo{Servers: []RADIUSServer{}}
	r, err := d.radiusSettings()
	if err != nil {
		return info, err
	}
	info.Secret, info.Unsigned = r.Shared != nil, r.Unsigned
	info.Reason = d.lost(string(radiusKind)+radiusName, r.Shared)
	states := make(map[string]radius.ServerState)
	if c := d.radius.Load(); c != nil {
		for _, s := range c.States() {
			states[s.Server] = s
		}
	}
	for _, name := range r.Servers {
		s := states[name]
		server := RADIUSServer{Server: name, Accepted: s.Accepted, Rejected: s.Rejected, Unanswered: s.Unanswered, Heard: s.Heard.UTC()}
		if s.Trouble != nil {
			server.Trouble = oneLine(s.Trouble)
		}
		info.Servers = append(info.Servers, server)
	}
	return info, nil
}

// asksRADIUS reports whether a target or discovery asks initiators for a proof by RADIUS.
func (d *Daemon) asksRADIUS() (bool, error) {
	targets, err := targetKind.list(d.state)
	if err != nil || slices.ContainsFunc(targets, func(r targetRecord) bool { return r.Auth == "radius" }) {
		return true, err
	}
	r, err := d.discovery()
	return r.Auth == "radius", err
}

// alarm is what an operator should know; empty: nothing. A server that is away is no alarm while
// another answers.
func (i *RADIUSInfo) alarm() string {
	if i.Reason != "" {
		return "no RADIUS server can be asked: " + i.Reason
	}
	var troubles []string
	for _, s := range i.Servers {
		if s.Trouble == "" {
			return ""
		}
		troubles = append(troubles, s.Server+": "+s.Trouble)
	}
	if len(troubles) == 0 {
		return ""
	}
	return "initiators cannot log in by RADIUS: " + strings.Join(troubles, "; ")
}

// ModifyRADIUS changes who is asked about CHAP responses.
func (d *Daemon) ModifyRADIUS(ctx context.Context, q RADIUSModify) (RADIUSInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return RADIUSInfo{}, err
	}
	defer end()
	before, err := d.radiusSettings()
	if err != nil {
		return RADIUSInfo{}, err
	}
	r := before
	set(&r.Unsigned, q.Unsigned)
	if q.Servers != nil {
		if r.Servers, err = parseRADIUSServers(*q.Servers); err != nil {
			return RADIUSInfo{}, err
		}
	}
	switch {
	case q.NoSecret:
		r.Shared = nil
	case len(q.Secret) > MaxSecret:
		return RADIUSInfo{}, refuse(fmt.Sprintf("a secret of %d bytes is longer than the %d allowed", len(q.Secret), MaxSecret), "Choose a shorter one, here and at the servers.")
	case len(q.Secret) > 0:
		r.Shared = &credential{Secret: q.Secret}
	}
	c, err := d.configuration()
	if err != nil {
		return RADIUSInfo{}, err
	}
	c.radius[radiusName] = r
	if err := c.checkRADIUS(); err != nil {
		return RADIUSInfo{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return radiusKind.put(tx, radiusName, r) }); err != nil {
		return RADIUSInfo{}, err
	}
	d.useRADIUS(r)
	d.log.Info("changed the RADIUS servers", "servers", cmp.Or(strings.Join(r.Servers, ", "), "none"), "unsigned", r.Unsigned)
	return d.RADIUS(ctx)
}

// parseRADIUSServers reads "host[:port]" of each server.
func parseRADIUSServers(words []string) ([]string, error) {
	servers, err := parseHostPorts(words, radius.DefaultPort)
	if err != nil {
		return nil, err
	}
	if len(servers) > radius.MaxServers {
		return nil, refuse(fmt.Sprintf("%d RADIUS servers are more than %d", len(servers), radius.MaxServers), "A login has to ask all of them in the time that it has. Leave some out.")
	}
	for i, s := range servers {
		if slices.Contains(servers[:i], s) {
			return nil, refuse(fmt.Sprintf("%s is there twice", s), "Name each server once.")
		}
	}
	return servers, nil
}

// checkRADIUS refuses a configuration in which initiators are to prove themselves by RADIUS, and
// nobody can be asked. A secret that is not known at the moment counts: it may come back.
func (c *configuration) checkRADIUS() error {
	r := c.radius[radiusName]
	for _, name := range slices.Sorted(maps.Keys(c.targets)) {
		if err := r.mayBeAsked("target "+name, c.targets[name].Auth); err != nil {
			return err
		}
	}
	return r.mayBeAsked("discovery", c.discovery[discoveryName].Auth)
}

// checkAuth refuses authentication by RADIUS where nobody can be asked.
func (d *Daemon) checkAuth(who, auth string) error {
	r, err := d.radiusSettings()
	if err != nil {
		return err
	}
	return r.mayBeAsked(who, auth)
}

func (r *radiusRecord) mayBeAsked(who, auth string) error {
	missing := ""
	switch {
	case auth != "radius":
	case len(r.Servers) == 0:
		missing = "no RADIUS server"
	case r.Shared == nil:
		missing = "no secret that is shared with the RADIUS servers"
	}
	if missing == "" {
		return nil
	}
	return conflict(fmt.Sprintf("%s asks initiators for a proof by RADIUS, and there is %s", who, missing),
		"lunar radius set SERVER --secret-file FILE says whom to ask.")
}
