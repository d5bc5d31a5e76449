package control

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

const sharedSecret = "between two machines"

// radiusServer is a RADIUS server on the loopback, where everybody has the secret secretA; it says
// who came. The test's end ends it.
func radiusServer(t *testing.T) (server string, came func() string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	users := make(chan string, 16)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			request := b[:n]
			said := make(map[byte]string)
			for at := 20; at+2 <= n; at += int(request[at+1]) {
				said[request[at]] = string(request[at+2 : at+int(request[at+1])])
			}
			users <- said[1] + " of " + said[31] + " at " + said[30]
			code := byte(3)
			if right := md5.Sum([]byte(said[3][:1] + secretA + said[60])); string(right[:]) == said[3][1:] {
				code = 2
			}
			answer := append([]byte{code, request[1], 0, 38}, request[4:20]...)
			answer = append(append(answer, 80, 18), make([]byte, 16)...)
			h := hmac.New(md5.New, []byte(sharedSecret))
			h.Write(answer)
			copy(answer[22:], h.Sum(nil))
			seal := md5.Sum(append(bytes.Clone(answer), sharedSecret...))
			copy(answer[4:], seal[:])
			if _, err := c.WriteTo(answer, from); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-ended
	})
	return c.LocalAddr().String(), func() string {
		select {
		case user := <-users:
			return user
		default:
			return ""
		}
	}
}

// TestRADIUS lets initiators in whose secrets nobody here knows, over a restart too.
func TestRADIUS(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	_, err := r.CreateTarget(ctx, TargetCreate{Name: iqnA, Auth: "radius"})
	wantProblem(t, err, "no RADIUS server", "lunar radius set")
	server, came := radiusServer(t)
	must(r.ModifyRADIUS(ctx, RADIUSModify{Servers: &[]string{server}}))(t)
	_, err = r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "radius"})
	wantProblem(t, err, "no secret that is shared")
	set := must(r.ModifyRADIUS(ctx, RADIUSModify{Secret: Secret(sharedSecret)}))(t)
	if len(set.Servers) != 1 || set.Servers[0].Server != server || !set.Secret || set.Unsigned {
		t.Errorf("it is set to %+v", set)
	}
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Auth: "radius", SelfUser: "us", SelfSecret: Secret(secretB)}))(t)
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "radius"}))(t)
	right := &initiator.CHAP{User: friend, Secret: secretA, TargetUser: "us", TargetSecret: secretB}
	must(r.dial(friend, iqnA, 1, right))(t)
	if got, want := came(), friend+" of "+friend+" at "+iqnA; got != want {
		t.Errorf("the server hears of %q, want %q", got, want)
	}
	must(r.dial(friend, "", 1, &initiator.CHAP{User: friend, Secret: secretA}))(t)
	_, err = r.dial(friend, iqnA, 2, &initiator.CHAP{User: friend, Secret: "another secret"})
	turnedAway(t, "with a wrong secret", err, "authentication failure")
	eventually(t, "the log names the server and the reason", func() bool {
		_, line, _ := strings.Cut(r.log.String(), "a login failed")
		return strings.Contains(line, "rejects the user") && strings.Contains(line, server)
	})
	for came() != "" {
	}
	_, err = r.dial(friend, iqnA, 2, &initiator.CHAP{User: "another", Secret: secretA})
	turnedAway(t, "as another user", err, "authentication failure")
	if got := came(); got != "" {
		t.Errorf("the server was asked about %s", got)
	}
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: friend, RADIUSUser: "another"}))(t)
	r.restart()
	must(r.dial(friend, iqnA, 1, &initiator.CHAP{User: "another", Secret: secretA}))(t)
	if got := must(r.RADIUS(ctx))(t).Servers[0]; got.Accepted != 1 || got.Trouble != "" || got.Heard.IsZero() {
		t.Errorf("the server is %+v", got)
	}
	_, metrics := r.request("GET", "/metrics", "")
	for name, n := range map[string]int{"accepted": 1, "rejected": 0, "unanswered": 0} {
		if want := fmt.Sprintf("lunar_radius_%s_total{server=%q} %d\n", name, server, n); !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}

	// Nobody is there.
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.LocalAddr().String()
	l.Close()
	must(r.ModifyRADIUS(ctx, RADIUSModify{Servers: &[]string{closed}}))(t)
	_, err = r.dial(friend, iqnA, 2, &initiator.CHAP{User: "another", Secret: secretA})
	turnedAway(t, "without an answer", err, "unavailable")
	if alarms := strings.Join(must(r.Status(ctx))(t).Alarms, "\n"); !strings.Contains(alarms, "by RADIUS: "+closed) {
		t.Errorf("alarms %q", alarms)
	}
	for name, q := range map[string]RADIUSModify{
		"no server":    {Servers: &[]string{}},
		"no secret":    {NoSecret: true},
		"many servers": {Servers: &[]string{"a", "b", "c", "d"}},
		"one twice":    {Servers: &[]string{"a", "a:1812"}},
		"no name":      {Servers: &[]string{"a b"}},
		"long secret":  {Secret: bytes.Repeat([]byte("s"), MaxSecret+1)},
	} {
		if _, err := r.ModifyRADIUS(ctx, q); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			wantProblem(t, err)
		}
	}
	must(r.ModifyTarget(ctx, iqnA, TargetModify{Auth: new("none")}))(t)
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "none"}))(t)
	if alarms := must(r.Status(ctx))(t).Alarms; len(alarms) > 0 {
		t.Errorf("while nobody is asked, the alarms are %q", alarms)
	}
	if got := must(r.ModifyRADIUS(ctx, RADIUSModify{Servers: &[]string{}, NoSecret: true}))(t); len(got.Servers) > 0 || got.Secret {
		t.Errorf("when it is off it is %+v", got)
	}
}
