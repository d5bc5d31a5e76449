package control

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

const (
	friend   = "iqn.2026-11.org.example:friend"
	stranger = "iqn.2026-11.org.example:stranger"
)

// dial logs in, or makes a discovery session where target is empty.
func (r *rig) dial(name, target string, isid byte, chap *initiator.CHAP) (*initiator.Conn, error) {
	nc, err := net.Dial("tcp", r.portal())
	if err != nil {
		return nil, err
	}
	c, err := initiator.Dial(nc, initiator.Options{Name: name, Target: target, ISID: [6]byte{0x80, 5: isid}, CHAP: chap})
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { c.Close() })
	return c, nil
}

// turnedAway checks that a login was refused for reason, a name of a login status.
func turnedAway(t *testing.T, what string, err error, reason string) {
	t.Helper()
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), reason) {
		t.Errorf("%s: %v, want %q in it", what, err, reason)
	}
}

// finds tells whether discovery lets an initiator in, and names iqnA to it.
func (r *rig) finds(name string) bool {
	r.t.Helper()
	c, err := r.dial(name, "", 9, nil)
	if err != nil {
		return false
	}
	defer c.Close()
	text, err := c.Text("SendTargets=All")
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Contains(string(text), "TargetName="+iqnA+"\x00")
}

// TestStranger: an initiator that a target is not for does not find it, does not get in, and is
// put out when that changes while it is there.
func TestStranger(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	in := must(r.dial(stranger, iqnA, 1, nil))(t)
	kept := must(r.dial(friend, iqnA, 1, nil))(t)
	must(r.ModifyTarget(ctx, iqnA, TargetModify{Initiators: &[]string{strings.ToUpper(friend)}}))(t)
	ended(t, in.NetConn())
	ready(t, kept, 0)

	for range 2 { // and after a restart
		if r.finds(stranger) || !r.finds(friend) {
			t.Errorf("the stranger finds it: %t, the friend: %t", r.finds(stranger), r.finds(friend))
		}
		_, err := r.dial(stranger, iqnA, 1, nil)
		turnedAway(t, "the stranger's login", err, "authorization")
		ready(t, must(r.dial(friend, iqnA, 2, nil))(t), 0)
		r.restart()
	}
	must(r.ModifyTarget(ctx, iqnA, TargetModify{Initiators: &[]string{}}))(t)
	ready(t, must(r.dial(stranger, iqnA, 1, nil))(t), 0)
}

// TestNetworks: a connection from elsewhere is closed before a word, and logged once; sessions
// from there end.
func TestNetworks(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := start(t, nil)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	in := must(r.dial(friend, iqnA, 1, nil))(t)
	elsewhere := []string{"10.0.0.7", "192.0.2.128/24"}
	g := must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{Networks: &elsewhere}))(t)
	if strings.Join(g.Networks, " ") != "10.0.0.7/32 192.0.2.0/24" {
		t.Errorf("networks %v", g.Networks)
	}
	ended(t, in.NetConn())
	r.restart()
	for range 3 {
		if _, err := r.dial(friend, iqnA, 1, nil); err == nil {
			t.Error("a login from elsewhere succeeds")
		}
	}
	if n := strings.Count(r.log.String(), "closed a connection from outside"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{Networks: &[]string{"127.0.0.0/8"}}))(t)
	must(r.dial(friend, iqnA, 1, nil))(t)
	_, err := r.ModifyGroup(ctx, DefaultGroup, GroupModify{Networks: &[]string{"ten"}})
	wantProblem(t, err, `"ten"`, "10.0.0.0/8")
}

// TestGroupCHAP: any member of a host group gets in with the group's secret, nobody else does,
// and nobody once it is gone.
func TestGroupCHAP(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := start(t, nil)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Auth: "chap"}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{"h"}))(t)
	must(r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{friend}}))(t)
	must(r.ModifyHostGroup(ctx, "h", HostGroupModify{CHAPSecret: Secret("the group's secret")}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: friend, CHAPSecret: Secret("a secret of its own")}))(t)
	groups, own := &initiator.CHAP{User: "h", Secret: "the group's secret"}, &initiator.CHAP{User: friend, Secret: "a secret of its own"}
	for range 2 { // and after a restart
		must(r.dial(friend, iqnA, 1, groups))(t)
		must(r.dial(friend, iqnA, 2, own))(t)
		_, err := r.dial(stranger, iqnA, 3, groups)
		turnedAway(t, "who is no member", err, "authentication")
		_, err = r.dial(friend, iqnA, 4, &initiator.CHAP{User: "h", Secret: "another secret"})
		turnedAway(t, "a wrong secret", err, "authentication")
		r.restart()
	}
	must(r.ModifyHostGroup(ctx, "h", HostGroupModify{NoCHAP: true}))(t)
	_, err := r.dial(friend, iqnA, 5, groups)
	turnedAway(t, "without a group's secret", err, "authentication")
	if strings.Contains(r.log.String(), "the group's secret") {
		t.Error("the log has the secret")
	}
	_, err = r.CreateTarget(ctx, TargetCreate{Auth: "mutual", SelfSecret: Secret("a secret of its own")})
	wantProblem(t, err, friend)
	must(r.ModifyHostGroup(ctx, "h", HostGroupModify{CHAPSecret: Secret("the group's secret")}))(t)
	_, err = r.CreateTarget(ctx, TargetCreate{Auth: "mutual", SelfSecret: Secret("the group's secret")})
	wantProblem(t, err, `host group "h"`)
}

// TestManyLogins: 200 initiators of one host log in at once, again and again, without a failure.
func TestManyLogins(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := t.Context()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	portal := r.portal()
	var logins atomic.Int64
	end := time.Now().Add(3 * time.Second)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				nc, err := net.Dial("tcp", portal)
				if err != nil {
					t.Error(err)
					return
				}
				c, err := initiator.Dial(nc, initiator.Options{Name: friend, Target: iqnA, ISID: [6]byte{0x80, 5: byte(i)}})
				if err != nil {
					t.Error(err)
					return
				}
				c.Close()
				logins.Add(1)
			}
		})
	}
	all.Wait()
	t.Logf("%d logins", logins.Load())
}
