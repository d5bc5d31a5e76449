package control

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// manySecrets makes something of each sort that has a secret.
func manySecrets(t *testing.T, r *rig) {
	ctx := t.Context()
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Auth: "mutual", SelfSecret: Secret("secret of the target")}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: friend, CHAPSecret: Secret("secret of the friend")}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{"h"}))(t)
	must(r.ModifyHostGroup(ctx, "h", HostGroupModify{CHAPSecret: Secret("secret of the group")}))(t)
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "mutual", SelfSecret: Secret("secret of discovery")}))(t)
	must(r.ModifyRADIUS(ctx, RADIUSModify{Servers: &[]string{"127.0.0.1"}, Secret: Secret("secret of RADIUS")}))(t)
}

// entry is how the friend gets in to iqnA.
var entry = &initiator.CHAP{User: friend, Secret: "secret of the friend", TargetUser: iqnA, TargetSecret: "secret of the target"}

// TestSecretsSealed: no secret is in a file of the state, nor in the log, and all work after a
// restart.
func TestSecretsSealed(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	if _, err := os.Stat(filepath.Join(r.opts.StateDir, keyFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a key before there is a secret: %v", err)
	}
	manySecrets(t, r)
	must(r.dial(friend, iqnA, 1, entry))(t)
	r.restart()
	must(r.dial(friend, iqnA, 1, entry))(t)
	r.end()
	files, err := filepath.Glob(filepath.Join(r.opts.StateDir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	texts := []string{r.log.String()}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
		texts = append(texts, string(content))
	}
	for _, text := range texts {
		if strings.Contains(text, "secret of ") || strings.Contains(text, "c2VjcmV0IG9m") {
			t.Error("a secret can be read")
		}
	}
	r.run()
}

// TestSecretsLost: without the key, or with another, what needs a secret is closed and says so,
// and everything else is up; the key, or another secret, opens it again.
func TestSecretsLost(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, lose := range map[string]func(path string) error{
		"no key":      os.Remove,
		"another key": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("07", keySize)), 0o600) },
		"half a key":  func(path string) error { return os.WriteFile(path, []byte("0707"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			manySecrets(t, r)
			r.end()
			path := filepath.Join(r.opts.StateDir, keyFile)
			key, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := lose(path); err != nil {
				t.Fatal(err)
			}
			r.run()
			alarms := strings.Join(must(r.Status(ctx))(t).Alarms, "\n")
			for _, what := range []string{"target " + iqnA + " is offline", "initiator " + friend, `host group "h"`, "discovery is closed", "no RADIUS server can be asked", path, "backup"} {
				if !strings.Contains(alarms, what) {
					t.Errorf("alarms %q, want %q in it", alarms, what)
				}
			}
			_, err = r.dial(friend, iqnA, 1, entry)
			turnedAway(t, "a target without its secret", err, "unavailable")
			_, err = r.dial(friend, "", 1, nil)
			turnedAway(t, "discovery without its secret", err, "unavailable")
			must(r.dial(friend, iqnB, 1, nil))(t)
			_, err = r.OnlineTarget(ctx, iqnA)
			wantProblem(t, err, "stays offline", "lunar target modify")
			alias := "changed"
			if _, err := r.ModifyTarget(ctx, iqnA, TargetModify{Alias: &alias}); err == nil {
				t.Error("the target's alias was changed, and what became of its secret?")
			}

			r.end() // the key comes back
			if err := os.WriteFile(path, key, 0o600); err != nil {
				t.Fatal(err)
			}
			r.run()
			must(r.dial(friend, iqnA, 1, entry))(t)

			r.end() // the key is lost for good
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			r.run()
			must(r.ModifyTarget(ctx, iqnA, TargetModify{SelfSecret: Secret(entry.TargetSecret)}))(t)
			must(r.ModifyInitiator(ctx, friend, InitiatorModify{CHAPSecret: Secret(entry.Secret)}))(t)
			must(r.ModifyHostGroup(ctx, "h", HostGroupModify{NoCHAP: true}))(t)
			must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "none"}))(t)
			must(r.ModifyRADIUS(ctx, RADIUSModify{Secret: Secret("another secret")}))(t)
			if alarms := must(r.Status(ctx))(t).Alarms; len(alarms) > 0 {
				t.Errorf("alarms %q", alarms)
			}
			must(r.dial(friend, iqnA, 1, entry))(t)
			must(r.dial(friend, "", 1, nil))(t)
		})
	}
}

// TestSecretsMigrated: what an older program has saved in the clear is sealed at the next start.
func TestSecretsMigrated(t *testing.T) {
	r := start(t, nil)
	manySecrets(t, r)
	r.end()
	s := must(openState(r.opts.StateDir))(t)
	records := must(initiatorKind.list(s))(t)
	value, err := json.Marshal(envelope[initiatorRecord]{1, records[0]})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.State.Update(func(tx Tx) error { return tx.Put(string(initiatorKind)+friend, value) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(value), "c2VjcmV0IG9m") {
		t.Fatalf("the secret is not in the clear: %s", value)
	}
	r.run()
	must(r.dial(friend, iqnA, 1, entry))(t)
	if err := r.d.state.(sealedState).State.View(func(tx Tx) error {
		if got := string(tx.Get(string(initiatorKind) + friend)); strings.Contains(got, "c2VjcmV0IG9m") {
			t.Errorf("it is in the clear still: %s", got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A sealed secret opens for its own record alone.
func TestVaultSwap(t *testing.T) {
	v := newVault(t.TempDir())
	sealed := must(v.seal("initiator/a", Secret("123456789012")))(t)
	if _, err := v.open("initiator/b", sealed); !errors.Is(err, ErrKey) {
		t.Errorf("opened for another: %v", err)
	}
	for n := len(sealedPrefix); n < len(sealed); n++ {
		if _, err := v.open("initiator/a", sealed[:n]); !errors.Is(err, ErrKey) {
			t.Errorf("opened %d of %d bytes: %v", n, len(sealed), err)
		}
	}
	if again := must(v.seal("initiator/a", Secret("123456789012")))(t); string(again) == string(sealed) {
		t.Error("the same secret is sealed alike twice")
	}
}
