package control

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got), -rewrite takes it over:\n%s", path, diff)
	}
}

// TestRecordFormat keeps what is on disk: a change of the golden file is a change of
// recordFormat too, or an older program loses what it does not know.
func TestRecordFormat(t *testing.T) {
	s := must(openState(t.TempDir()))(t)
	defer s.Close()
	s.vault.random = zeros{}
	guid, err := sbd.ParseGUID("600144f0928c010000004fc511ec0001")
	if err != nil {
		t.Fatal(err)
	}
	created := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return created }
	registered := scsi.Reservations{Generation: 1, APTPL: true, Type: scsi.WriteExclusive, Registered: []scsi.Registration{
		{Registrant: scsi.Registrant{InitiatorPort: "i", TargetPort: "t"}, Key: 0xA1, Holder: true},
	}}
	c := &credential{"user", Secret("123456789012")}
	if err := s.Update(func(tx Tx) error {
		return errors.Join(
			unitKind.put(tx, guid.String(), unitRecord{guid, "serial", "LUNAR", "LUN", "0001", 6, 0, 512, "/a", 1 << 30, 64 << 10, "alias", true, 70, true, true, true, created, true, true, ForMaintenance, true, "it failed", "d", []viewRecord{{2, "h", "t", 7}}, nil, &cloneRecord{"/v", "s", "c"}}),
			targetKind.put(tx, "iqn.2026-11.org.example:t", targetRecord{"iqn.2026-11.org.example:t", "alias", []string{"g"}, "mutual", c, true, created, []string{"iqn.2026-11.org.example:i"}}),
			groupKind.put(tx, "g", groupRecord{"g", 2, []string{"10.0.0.1:3260"}, []string{"a:1"}, "b:2", true, 7, []string{"10.0.0.0/8"}}),
			accessKind.put(tx, numberKey(7), accessRecord{7, scsi.NonOptimized, true, true, scsi.ChangedByCommand}),
			portKind.put(tx, numberKey(300), portRecord{"iqn.2026-11.org.example:t", 2, 300}),
			initiatorKind.put(tx, "iqn.2026-11.org.example:i", initiatorRecord{"iqn.2026-11.org.example:i", c, "i", "u"}),
			radiusKind.put(tx, radiusName, radiusRecord{[]string{"192.0.2.1:1812"}, &credential{Secret: c.Secret}, true}),
			peerKind.put(tx, "p", peerRecord{"p", "lunar1-x", "a:1", []string{"/replicas"}, []string{"lu:"}, true, "14d", true, true, created}),
			sanitizeKind.put(tx, guid.String(), sanitizeRecord{guid, scsi.Sanitize{Pattern: []byte{1, 2}, Passes: 3, Invert: true, Exitable: true, Failed: true}}),
			hostGroupKind.put(tx, "h", memberGroupRecord{"h", []string{"iqn.2026-11.org.example:i"}, c, "d"}),
			targetGroupKind.put(tx, "t", memberGroupRecord{"t", []string{"iqn.2026-11.org.example:t"}, nil, ""}),
			discoveryKind.put(tx, discoveryName, discoveryRecord{"mutual", c}),
			carryKind.put(tx, guid.String(), carryRecord{guid, []carriedRecord{{"i", "t", []scsi.Sense{scsi.CapacityHasChanged}}}, true, true, true, true, registered}),
			reservationKind.put(tx, guid.String(), reservationRecord{guid, registered}),
		)
	}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := s.View(func(tx Tx) error {
		for k, v := range tx.Scan("") {
			b.WriteString(k + " " + strings.ReplaceAll(string(v), ",", ",\n    ") + "\n")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "records.golden", b.String())
}

// zeros are random numbers for golden files.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRecordDecode(t *testing.T) {
	tests := []struct {
		name, value string
		want        error
	}{
		{"good", `{"format":1,"record":{"name":"x"}}`, nil},
		{"this format", `{"format":2,"record":{"name":"x"}}`, nil},
		{"newer format", `{"format":3,"record":{"shape":"unknown"}}`, ErrStateNewer},
		{"newer field", `{"format":1,"record":{"name":"x","shape":"unknown"}}`, ErrStateNewer},
		{"no format", `{"record":{"name":"x"}}`, ErrStateDamaged},
		{"wrong type", `{"format":1,"record":{"name":7}}`, ErrStateDamaged},
		{"not JSON", `name=x`, ErrStateDamaged},
		{"cut short", `{"format":1,"record":{"na`, ErrStateDamaged},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := initiatorKind.decode("initiator/x", []byte(test.value))
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err != nil {
				wantProblem(t, err, "initiator/x")
			} else if r.Name != "x" {
				t.Errorf("got %+v", r)
			}
		})
	}
}
