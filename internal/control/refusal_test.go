package control

import (
	"errors"
	"testing"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestRefusals closes each door to a friend of the daemon's and wants it refused in discovery, at
// login and at the LUN, as far as the door is in the way there, and what was logged in too.
func TestRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	right := &initiator.CHAP{User: "joe", Secret: "a secret of its own"}
	const lost = iscsi.LoginStatus(0xffff) // the connection ends without an answer
	for _, c := range []struct {
		door  string
		close func(t *testing.T, r *rig)
		chap  *initiator.CHAP

		finds  bool
		status iscsi.LoginStatus
		stays  bool       // what was logged in
		sense  scsi.Sense // of the LUN, for who is in
	}{
		{"none", func(*testing.T, *rig) {}, nil, true, iscsi.LoginSuccess, true, scsi.NoSense},
		{"network", func(t *testing.T, r *rig) {
			must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{Networks: &[]string{"192.0.2.0/24"}}))(t)
		}, nil, false, lost, false, scsi.NoSense},
		{"name", func(t *testing.T, r *rig) {
			must(r.ModifyTarget(ctx, iqnA, TargetModify{Initiators: &[]string{stranger}}))(t)
		}, nil, false, iscsi.AuthorizationFailure, false, scsi.NoSense},
		{"right secret", askSecret, right, true, iscsi.LoginSuccess, true, scsi.NoSense},
		{"wrong secret", askSecret, &initiator.CHAP{User: "joe", Secret: "a secret of others"}, true, iscsi.AuthenticationFailure, true, scsi.NoSense},
		{"wrong user", askSecret, &initiator.CHAP{User: "ann", Secret: right.Secret}, true, iscsi.AuthenticationFailure, true, scsi.NoSense},
		{"no secret told", askSecret, nil, true, iscsi.AuthenticationFailure, true, scsi.NoSense},
		{"no secret known", func(t *testing.T, r *rig) {
			askSecret(t, r)
			must(r.DeleteInitiator(ctx, friend))(t)
		}, right, false, iscsi.AuthenticationFailure, true, scsi.NoSense},
		{"discovery asks for a secret", func(t *testing.T, r *rig) {
			must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "chap"}))(t)
		}, nil, false, iscsi.LoginSuccess, true, scsi.NoSense},
		{"another portal group", func(t *testing.T, r *rig) {
			must(r.CreateGroup(ctx, GroupCreate{Name: "other", Portals: []string{"127.0.0.1:0"}}))(t)
			must(r.ModifyTarget(ctx, iqnA, TargetModify{Groups: &[]string{"other"}}))(t)
		}, nil, false, iscsi.TargetNotFound, false, scsi.NoSense},
		{"target offline", func(t *testing.T, r *rig) { must(r.OfflineTarget(ctx, iqnA))(t) }, nil, false, iscsi.ServiceUnavailable, false, scsi.NoSense},
		{"no view", func(t *testing.T, r *rig) { must(r.RemoveView(ctx, guidA+":0"))(t) },
			nil, true, iscsi.LoginSuccess, true, scsi.LogicalUnitNotSupported},
		{"another host group", func(t *testing.T, r *rig) {
			must(r.RemoveMembers(ctx, HostGroups, "h", MembersChange{[]string{friend}}))(t)
		}, nil, true, iscsi.LoginSuccess, true, scsi.LogicalUnitNotSupported},
		{"another target group", func(t *testing.T, r *rig) {
			must(r.RemoveMembers(ctx, TargetGroups, "t", MembersChange{[]string{iqnA}}))(t)
		}, nil, true, iscsi.LoginSuccess, true, scsi.LogicalUnitNotSupported},
		{"unit retired", func(t *testing.T, r *rig) { must(r.RetireUnit(ctx, guidA, UnitRetire{Force: true}))(t) },
			nil, true, iscsi.LoginSuccess, true, scsi.LogicalUnitNotSupported},
	} {
		t.Run(c.door, func(t *testing.T) {
			r := start(t, nil)
			furnishRefusals(t, r)
			before := must(r.dial(friend, iqnA, 1, nil))(t)
			ready(t, before, 0)
			c.close(t, r)

			if found := r.finds(friend); found != c.finds {
				t.Errorf("discovery finds the target: %t", found)
			}
			in, err := r.dial(friend, iqnA, 2, c.chap)
			var refused *initiator.LoginError
			status := iscsi.LoginSuccess
			if errors.As(err, &refused) {
				status = refused.Status
			} else if err != nil {
				status = lost
			}
			if status != c.status {
				t.Errorf("the login: %v, want %v", err, c.status)
			}
			if !c.stays {
				ended(t, before.NetConn())
			} else {
				atLUN(t, "what was logged in", before, c.sense)
			}
			if in != nil {
				atLUN(t, "what logs in", in, c.sense)
			}
		})
	}
}

// furnishRefusals makes a unit that friend sees on one target, by groups of both kinds.
func furnishRefusals(t *testing.T, r *rig) {
	ctx := t.Context()
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, NoView: true})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{"h"}))(t)
	must(r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{friend}}))(t)
	must(r.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{"t"}))(t)
	must(r.AddMembers(ctx, TargetGroups, "t", MembersChange{[]string{iqnA}}))(t)
	must(r.AddView(ctx, ViewAdd{Unit: guidA, HostGroup: "h", TargetGroup: "t"}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: friend, CHAPUser: "joe", CHAPSecret: Secret("a secret of its own")}))(t)
}

func askSecret(t *testing.T, r *rig) {
	auth := "chap"
	must(r.ModifyTarget(t.Context(), iqnA, TargetModify{Auth: &auth}))(t)
}

// atLUN checks how LUN 0 answers, after unit attentions, and whether REPORT LUNS and INQUIRY
// say the same.
func atLUN(t *testing.T, what string, c *initiator.Conn, want scsi.Sense) {
	t.Helper()
	said := ready(t, c, 0)
	denied := len(said) > 0 && said[len(said)-1] == want
	if denied != (want != scsi.NoSense) {
		t.Errorf("%s: LUN 0 answers %v, want %v", what, said, want)
	}
	page, _ := perform(t, c, 0, nil, 0x12, 0, 0, 0, 36, 0)
	if nothing := len(page) > 0 && page[0] == 0x7f; nothing != denied {
		t.Errorf("%s: INQUIRY of LUN 0: % x", what, page)
	}
	if _, sense := perform(t, c, 0, nil, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0); sense != want {
		t.Errorf("%s: READ (10): %v, want %v", what, sense, want)
	}
}
