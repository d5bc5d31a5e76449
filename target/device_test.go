package target

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

const (
	host  = "iqn.2026-01.org.example:host"
	disks = "iqn.2026-01.org.example:disks"
	tapes = "iqn.2026-01.org.example:tapes"
)

var local = netip.MustParseAddrPort("192.0.2.1:3260")

// newDevice returns a device with the portal groups 1 and 2.
func newDevice(t testing.TB) *Device {
	d := NewDevice(buffer.NewPool(1 << 20))
	for tag := range uint16(2) {
		must(t, d.SetPortalGroup(PortalGroup{Tag: tag + 1, Portals: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:3260")}}))
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustFail checks that err tells what is wrong.
func mustFail(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %q in it", err, want)
	}
}

func newUnit() *scsi.LogicalUnit {
	return scsi.NewLogicalUnit(sbd.NewUnit(sbd.Identity{BlockSize: 512}, sbd.Config{}), buffer.NewPool(1<<20))
}

func TestAddTarget(t *testing.T) {
	d := newDevice(t)
	secret := []byte("twelve bytes")
	must(t, d.SetInitiator(Initiator{Name: host, CHAP: Credential{Secret: secret}}))
	must(t, d.AddTarget(Target{Name: strings.ToUpper(disks), Groups: []uint16{1}}))

	mustFail(t, d.AddTarget(Target{Name: disks}), "exists already")
	mustFail(t, d.AddTarget(Target{Name: "disks"}), "must begin with")
	mustFail(t, d.AddTarget(Target{Name: tapes, Groups: []uint16{9}}), "no portal group 9")
	mustFail(t, d.AddTarget(Target{Name: tapes, Alias: strings.Repeat("x", 256)}), "longer than the 255")
	mustFail(t, d.AddTarget(Target{Name: tapes, Auth: Auth{Method: AuthMutual}}), "0 bytes is too short")
	mustFail(t, d.AddTarget(Target{Name: tapes, Auth: Auth{Method: AuthMutual, Self: Credential{Secret: []byte("eleven byte")}}}), "11 bytes is too short")
	mustFail(t, d.AddTarget(Target{Name: tapes, Auth: Auth{Method: AuthMutual, Self: Credential{Secret: secret}}}), "also the one of initiator "+host)
	mustFail(t, d.AddTarget(Target{Name: tapes, Auth: Auth{Method: 9}}), "no authentication method 9")
	mustFail(t, d.RemovePortalGroup(1), "used by target "+disks)
	mustFail(t, d.RemovePortalGroup(9), "no portal group 9")
	mustFail(t, d.RemoveTarget(tapes), "no such target")
	mustFail(t, d.SetOffline(tapes, true), "no such target")
	must(t, d.RemovePortalGroup(2))
	must(t, d.RemoveTarget(disks))
	must(t, d.AddTarget(Target{Name: disks}))
}

func TestSecrets(t *testing.T) {
	d := newDevice(t)
	self := Credential{User: "disks", Secret: []byte("the target's own")}
	must(t, d.AddTarget(Target{Name: disks, Auth: Auth{Method: AuthMutual, Self: self}}))
	must(t, d.SetDiscoveryAuth(Auth{Method: AuthMutual, Self: Credential{Secret: []byte("discovery's own")}}))

	for want, c := range map[string]Credential{
		"3 bytes is too short":            {Secret: []byte("abc")},
		"0 bytes is too short":            {User: "host"},
		"longer than the 255":             {Secret: make([]byte, 256)},
		"user of 256 bytes":               {User: strings.Repeat("x", 256), Secret: make([]byte, 12)},
		"cannot contain a NUL":            {User: "a\x00b", Secret: make([]byte, 12)},
		"also the one of target " + disks: {Secret: self.Secret},
		"also the one of discovery":       {Secret: []byte("discovery's own")},
	} {
		mustFail(t, d.SetInitiator(Initiator{Name: host, CHAP: c}), want)
	}
	must(t, d.SetInitiator(Initiator{Name: host, CHAP: Credential{Secret: []byte("the host's own")}}))
	mustFail(t, d.SetDiscoveryAuth(Auth{Method: AuthMutual, Self: Credential{Secret: []byte("the host's own")}}), "also the one of initiator")
	mustFail(t, d.SetDiscoveryAuth(Auth{Method: AuthMutual}), "too short")
	mustFail(t, d.SetInitiator(Initiator{Name: "host"}), "must begin with")
}

// Nothing that prints a credential, in any way, prints its secret.
func TestCredentialHidden(t *testing.T) {
	c := Credential{User: "host", Secret: []byte("hush, hush, hush")}
	target := Target{Name: disks, Auth: Auth{AuthMutual, c}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", target)
		fmt.Fprintf(&out, verb+"\n", &target)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "credential", c, "target", target, "pointer", &target)
	}
	for _, secret := range []string{"hush", "104 117 115 104", "68757368", "aHVzaC", "0x68"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the secret is in\n%s", &out)
		}
	}
}

func TestAdmit(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks, Groups: []uint16{1}, Auth: Auth{Method: AuthCHAP}}))
	must(t, d.AddTarget(Target{Name: tapes}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 3, Redirect: &Redirect{Address: "192.0.2.9:3260"}}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 4, Redirect: &Redirect{"[2001:db8::9]:3260,1", true}}))

	for _, c := range []struct {
		what              string
		initiator, target string
		tag               uint16
		err               error
	}{
		{"there", host, disks, 1, nil},
		{"there, spelt otherwise", strings.ToUpper(host), strings.ToUpper(disks), 1, nil},
		{"through another group", host, disks, 2, ErrNoTarget},
		{"through no group", host, tapes, 9, ErrNoTarget},
		{"through all groups", host, tapes, 2, nil},
		{"never there", host, "iqn.2026-01.org.example:x", 1, ErrNoTarget},
		{"no name", host, "disks", 1, ErrNoTarget},
	} {
		a, err := d.Admit(c.initiator, c.target, c.tag)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
		if err == nil && a.Target.Name != strings.ToLower(c.target) {
			t.Errorf("%s: admitted to %q", c.what, a.Target.Name)
		}
	}
	if _, err := d.Admit("host", disks, 1); err == nil || errors.Is(err, ErrNoTarget) {
		t.Errorf("an initiator without a name: %v", err)
	}
	var moved *Redirected
	if _, err := d.Admit(host, tapes, 3); !errors.As(err, &moved) || moved.Address != "192.0.2.9:3260" || moved.Permanent {
		t.Errorf("moved for now: %v", err)
	}
	if _, err := d.Admit(host, tapes, 4); !errors.As(err, &moved) || !moved.Permanent {
		t.Errorf("moved for good: %v", err)
	}
	must(t, d.SetOffline(tapes, true))
	if _, err := d.Admit(host, tapes, 1); !errors.Is(err, ErrUnavailable) {
		t.Errorf("offline: %v", err)
	}
	must(t, d.SetOffline(tapes, false))
	if _, err := d.Admit(host, tapes, 1); err != nil {
		t.Errorf("back online: %v", err)
	}
	must(t, d.RemoveTarget(tapes))
	if _, err := d.Admit(host, tapes, 1); !errors.Is(err, ErrRemoved) {
		t.Errorf("removed: %v", err)
	}
	must(t, d.AddTarget(Target{Name: tapes}))
	if _, err := d.Admit(host, tapes, 1); err != nil {
		t.Errorf("added again: %v", err)
	}
}

func TestPeer(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks, Auth: Auth{Method: AuthCHAP}}))
	must(t, d.SetInitiator(Initiator{Name: host, CHAP: Credential{"joe", []byte("joe's long secret")}}))
	must(t, d.SetInitiator(Initiator{Name: "iqn.2026-01.org.example:bare"}))
	must(t, d.SetInitiator(Initiator{Name: "iqn.2026-01.org.example:unnamed", CHAP: Credential{Secret: []byte("another secret")}}))
	for _, c := range []struct {
		initiator, user string
		known           bool
	}{
		{host, "joe", true},
		{host, "JOE", false},
		{host, "", false},
		{host, host, false},
		{"iqn.2026-01.org.example:unnamed", "iqn.2026-01.org.example:unnamed", true},
		{"iqn.2026-01.org.example:unnamed", "joe", false},
		{"iqn.2026-01.org.example:bare", "", false},
		{"iqn.2026-01.org.example:stranger", "joe", false},
		{"iqn.2026-01.org.example:stranger", "", false},
	} {
		for what, admit := range map[string]func() (Admission, error){
			"target":    func() (Admission, error) { return d.Admit(c.initiator, disks, 1) },
			"discovery": func() (Admission, error) { return d.AdmitDiscovery(c.initiator) },
		} {
			a, err := admit()
			must(t, err)
			if got, known := a.Peer(c.user); known != c.known || known != (len(got.Secret) > 0) {
				t.Errorf("%s: user %q of %s: %v, known %v", what, c.user, c.initiator, got, known)
			}
		}
	}
	d.RemoveInitiator(strings.ToUpper(host))
	a, err := d.Admit(host, disks, 1)
	must(t, err)
	if _, known := a.Peer("joe"); known {
		t.Error("an initiator that was removed is known")
	}
	if _, err := d.AdmitDiscovery("host"); err == nil {
		t.Error("a malformed name is admitted to discovery")
	}
}

func TestDiscover(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: tapes, Groups: []uint16{2}}))
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, d.AddTarget(Target{Name: "iqn.2026-01.org.example:off", Offline: true}))
	for _, c := range []struct {
		tag  uint16
		only string
		want []string
	}{
		{1, "", []string{disks}},
		{2, "", []string{disks, tapes}},
		{2, strings.ToUpper(tapes), []string{tapes}},
		{1, tapes, nil},
		{1, "disks", nil},
		{9, "", nil},
	} {
		var got []string
		for _, f := range d.Discover(host, c.tag, local, c.only) {
			got = append(got, f.Name)
			if diff := cmp.Diff([]string{fmt.Sprintf("192.0.2.1:3260,%d", c.tag)}, f.Addresses); diff != "" {
				t.Errorf("addresses of %s (-want +got):\n%s", f.Name, diff)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Discover(%d, %q) (-want +got):\n%s", c.tag, c.only, diff)
		}
	}
}
