package iscsi

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/target"
)

const (
	hostSecret   = "a host's secret"
	targetSecret = "a target's secret"
)

var testLocal = netip.MustParseAddrPort("192.0.2.1:3260")

// testDevice has a target of each kind.
func testDevice(t testing.TB) *target.Device {
	d := target.NewDevice(buffer.NewPool(1 << 20))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	portals := []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:3260"), netip.MustParseAddrPort("[2001:db8::1]:3260")}
	must(d.SetPortalGroup(target.PortalGroup{Tag: 1, Portals: portals}))
	must(d.SetPortalGroup(target.PortalGroup{Tag: 2, Portals: portals, Redirect: &target.Redirect{Address: "192.0.2.9:3260"}}))
	must(d.SetPortalGroup(target.PortalGroup{Tag: 3, Portals: portals, Redirect: &target.Redirect{Address: "[2001:db8::9]:3260,7", Permanent: true}}))
	must(d.SetInitiator(target.Initiator{
		Name: "iqn.2026-01.org.example:host",
		CHAP: target.Credential{User: "host", Secret: []byte(hostSecret)},
	}))
	self := target.Credential{User: "disks", Secret: []byte(targetSecret)}
	for _, add := range []target.Target{
		{Name: "iqn.2026-01.org.example:open", Alias: "open disks"},
		{Name: "iqn.2026-01.org.example:chap", Auth: target.Auth{Method: target.AuthCHAP}},
		{Name: "iqn.2026-01.org.example:mutual", Auth: target.Auth{Method: target.AuthMutual, Self: self}},
		{Name: "iqn.2026-01.org.example:radius", Auth: target.Auth{Method: target.AuthRADIUS}},
		{Name: "iqn.2026-01.org.example:both", Auth: target.Auth{Method: target.AuthRADIUS, Self: self}},
		{Name: "iqn.2026-01.org.example:off", Offline: true},
		{Name: "iqn.2026-01.org.example:gone"},
	} {
		must(d.AddTarget(add))
	}
	must(d.RemoveTarget("iqn.2026-01.org.example:gone"))
	must(d.SetInitiator(target.Initiator{Name: "iqn.2026-01.org.example:known", RADIUSUser: "known"}))
	d.AskRADIUS = askRADIUS
	return d
}

// askRADIUS is a RADIUS server: everybody has the secret hostSecret.
func askRADIUS(_ context.Context, p target.Proof) error {
	c := chap{}
	if chapAlgorithms[0].code != chapMD5 || !bytes.Equal(p.Response, c.digest(p.ID, []byte(hostSecret), p.Challenge)) {
		return fmt.Errorf("%w: the server rejects %s of %s at %q", target.ErrDenied, p.User, p.Initiator, p.Target)
	}
	return nil
}

// TestLogin plays the conversations of testdata/login.
//
// A conversation is a list of requests and the responses to them, in blocks. A request is a
// line of header fields ("login T csg=0 nsg=1") and a line for each key; a line in quotes is
// text as it is, for what ends in the middle. In keys, $response is the right CHAP response
// to the challenge that came last, $0b the same in base64, $wrong a wrong one, $challenge a
// challenge of ours and $reflect the target's own. A first line "device" sets the stage.
func TestLogin(t *testing.T) {
	files, _ := filepath.Glob("testdata/login/*.txt")
	if len(files) == 0 {
		t.Fatal("there are no conversations in testdata/login")
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path, play(t, string(script)))
		})
	}
}

// play runs a conversation and returns it with the responses that came.
func play(t *testing.T, script string) string {
	var out strings.Builder
	c := &conversation{t: t, device: testDevice(t), tag: 1}
	var request []string
	skipping := false
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case skipping && line != "":
			continue
		case line == "":
			skipping = false
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "device "):
			c.prepare(strings.Fields(line)[1:])
		case line == "----":
			fmt.Fprintln(&out, line)
			out.WriteString(c.request(request))
			request, skipping = nil, true
			continue
		default:
			request = append(request, line)
		}
		fmt.Fprintln(&out, line)
	}
	if request != nil {
		t.Errorf("the request %q has no ----", request[0])
	}
	return out.String()
}

// A conversation is one login from the initiator's side.
type conversation struct {
	t      *testing.T
	device *target.Device
	tag    uint16
	login  *login
	done   bool

	algorithm int // what the target chose and sent
	id        int
	challenge []byte
}

func (c *conversation) prepare(words []string) {
	for _, w := range words {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "group":
			n, _ := strconv.Atoi(value)
			c.tag = uint16(n)
		case "discovery":
			if err := c.device.SetDiscoveryAuth(target.Auth{Method: target.AuthCHAP}); err != nil {
				c.t.Fatal(err)
			}
		case "discovery-radius":
			if err := c.device.SetDiscoveryAuth(target.Auth{Method: target.AuthRADIUS}); err != nil {
				c.t.Fatal(err)
			}
		case "silent":
			c.device.AskRADIUS = func(context.Context, target.Proof) error { return errors.New("nobody answers") }
		case "unset":
			c.device.AskRADIUS = nil
		case "self": // the host's secret is the target's own
			if err := c.device.ChangeTarget(target.Target{Name: "iqn.2026-01.org.example:both",
				Auth: target.Auth{Method: target.AuthRADIUS, Self: target.Credential{Secret: []byte(targetSecret)}}}); err != nil {
				c.t.Fatal(err)
			}
			c.device.AskRADIUS = func(context.Context, target.Proof) error { return nil }
		default:
			c.t.Fatalf("device: %s", w)
		}
	}
}

// request sends one request and returns the response as text.
func (c *conversation) request(lines []string) string {
	if c.login == nil {
		c.login = newLogin(c.device, c.tag, testLocal)
	}
	req := c.header(lines[0])
	var text []byte
	for _, line := range lines[1:] {
		if raw, err := strconv.Unquote(line); err == nil {
			text = append(text, raw...)
		} else if key, n, ok := strings.Cut(line, "=*"); ok { // a value of n bytes
			count, _ := strconv.Atoi(n)
			text = appendPair(text, key, strings.Repeat("x", count))
		} else {
			text = append(text, c.expand(line)+"\x00"...)
		}
	}
	if c.done {
		c.t.Errorf("a request after the end: %s", lines[0])
	}
	resp, answer, done, err := c.login.step(c.t.Context(), &req, text)
	c.done = done
	var out strings.Builder
	r := resp.LoginResponse()
	if resp.DataSegmentLen() != len(answer) {
		c.t.Errorf("the header announces %d bytes of %d", resp.DataSegmentLen(), len(answer))
	}
	if resp.ITT() != req.ITT() || r.ISID() != req.LoginRequest().ISID() || resp.Opcode() != OpLoginResponse {
		c.t.Errorf("the response %v does not belong to %v", &resp, &req)
	}
	fmt.Fprintf(&out, "response")
	if r.Transit() {
		out.WriteString(" T")
	}
	if r.Continue() {
		out.WriteString(" C")
	}
	fmt.Fprintf(&out, " csg=%d nsg=%d status=%04x %v\n", r.CSG(), r.NSG(), uint16(r.Status()), r.Status())
	if r.Continue() || len(answer) > 0 && answer[len(answer)-1] != 0 {
		fmt.Fprintf(&out, "%d bytes of text\n", len(answer))
	} else {
		c.answers(&out, answer)
	}
	if (err != nil) != (r.Status() != LoginSuccess) {
		c.t.Errorf("status %v comes with the error %v", r.Status(), err)
	}
	if err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	if done && err == nil {
		out.WriteString("agreed: " + changes(c.login.params) + "\n")
	}
	return out.String()
}

func (c *conversation) header(line string) BHS {
	var b BHS
	b.Start(OpLogin)
	b.SetImmediate()
	b.SetITT(7)
	r := b.LoginRequest()
	r.SetISID([6]byte{0x00, 0x02, 0x3d, 0x00, 0x00, 0x01})
	var csg, nsg Stage
	for i, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.ParseUint(value, 0, 48)
		switch name {
		case "login":
			if i > 0 {
				c.t.Fatalf("header %q", line)
			}
		case "T":
			r.SetTransit(true)
		case "C":
			r.SetContinue(true)
		case "csg":
			csg = Stage(n)
		case "nsg":
			nsg = Stage(n)
		case "cid":
			r.SetCID(uint16(n))
		case "tsih":
			r.SetTSIH(uint16(n))
		case "itt":
			b.SetITT(uint32(n))
		case "isid":
			r.SetISID([6]byte{5: byte(n)})
		case "version-min":
			r.SetVersions(byte(n), byte(n))
		case "version-max":
			r.SetVersions(byte(n), 0)
		default:
			c.t.Fatalf("header %q", line)
		}
	}
	r.SetStages(csg, nsg)
	return b
}

var ownChallenge = bytes.Repeat([]byte{0xc5}, 20)

func (c *conversation) expand(line string) string {
	proof := func(secret string) []byte {
		a := chapAlgorithms[c.algorithm]
		h := a.hash()
		h.Write([]byte{byte(c.id)})
		h.Write([]byte(secret))
		h.Write(c.challenge)
		return h.Sum(nil)
	}
	for name, value := range map[string]func() string{
		"$response":  func() string { return encodeBinary(proof(hostSecret)) },
		"$wrong":     func() string { return encodeBinary(proof("some other secret")) },
		"$own":       func() string { return encodeBinary(proof(targetSecret)) },
		"$0b":        func() string { return "0b" + base64Of(proof(hostSecret)) },
		"$challenge": func() string { return encodeBinary(ownChallenge) },
		"$reflect":   func() string { return encodeBinary(c.challenge) },
	} {
		if strings.Contains(line, name) {
			return strings.Replace(line, name, value(), 1)
		}
	}
	return line
}

// answers writes the keys of a response, with a stand-in for what is random.
func (c *conversation) answers(out *strings.Builder, text []byte) {
	pairs, err := parsePairs(text)
	if err != nil {
		c.t.Errorf("the answer %q: %v", text, err)
	}
	for _, p := range pairs {
		switch p.key {
		case "CHAP_A":
			n, _ := strconv.Atoi(p.value)
			for i, a := range chapAlgorithms {
				if a.code == n {
					c.algorithm = i
				}
			}
		case "CHAP_I":
			c.id, _ = strconv.Atoi(p.value)
			p.value = "(random)"
		case "CHAP_C":
			c.challenge, err = decodeBinary(p.value, maxChallenge)
			if err != nil {
				c.t.Error(err)
			}
			p.value = fmt.Sprintf("(random, %d bytes)", len(c.challenge))
		case "CHAP_R":
			h := chapAlgorithms[c.algorithm].hash()
			h.Write([]byte{17})
			h.Write([]byte(targetSecret))
			h.Write(ownChallenge)
			if p.value == encodeBinary(h.Sum(nil)) {
				p.value = "(right)"
			}
		}
		fmt.Fprintf(out, "%s=%s\n", p.key, p.value)
	}
}

// changes lists the fields of p that are not at their defaults.
func changes(p Params) string {
	var out []string
	got, def := reflect.ValueOf(p), reflect.ValueOf(defaultParams())
	for i := range got.NumField() {
		if !got.Field(i).Equal(def.Field(i)) {
			out = append(out, fmt.Sprintf("%s=%v", got.Type().Field(i).Name, got.Field(i)))
		}
	}
	return strings.Join(out, " ")
}

func base64Of(p []byte) string { return base64.StdEncoding.EncodeToString(p) }

// TestInvalidDuringLogin sends what has its time after the login, first and in the middle.
func TestInvalidDuringLogin(t *testing.T) {
	device := testDevice(t)
	for _, begun := range []bool{false, true} {
		l := newLogin(device, 1, testLocal)
		var req BHS
		req.Start(OpLogin)
		if begun {
			if _, _, done, err := l.step(t.Context(), &req, []byte("InitiatorName=iqn.2026-01.org.example:host\x00TargetName=iqn.2026-01.org.example:open\x00")); done || err != nil {
				t.Fatalf("the login ends: %v", err)
			}
		}
		req.Start(OpNOPOut)
		resp, _, done, err := l.step(t.Context(), &req, nil)
		if got := resp.LoginResponse().Status(); got != InvalidDuringLogin || resp.Opcode() != OpLoginResponse || !done || err == nil {
			t.Errorf("begun %v: NOP-Out is answered with %v, done %v, %v", begun, &resp, done, err)
		}
	}
}

// TestNoFreeTSIH has a session for every handle: the next login is refused, and served again
// when one of them has gone.
func TestNoFreeTSIH(t *testing.T) {
	s := &Server{byTSIH: make(map[uint16]*session)}
	for tsih := 1; tsih < 1<<16; tsih++ {
		s.byTSIH[uint16(tsih)] = &session{}
	}
	c := &conn{server: s}
	err := s.open(c, &session{})
	var refused *loginError
	if !errors.As(err, &refused) || refused.status != OutOfResources || c.session != nil {
		t.Errorf("without a free handle: %v", err)
	}
	delete(s.byTSIH, 4711)
	sess := &session{}
	if err := s.open(c, sess); err != nil || sess.tsih != 4711 {
		t.Errorf("with a free handle: handle %d, %v", sess.tsih, err)
	}
}
