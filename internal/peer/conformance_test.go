//go:build peers

package peer

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the verdicts of this run to testdata/peers instead of judging them")

// maySkip are the suites, and the tests of other suites, that need what the target does not
// offer, or, of Sanitize, what would end the disk.
var maySkip = []string{
	"SCSI.PreventAllow", "SCSI.NoMedia", "SCSI.StartStopUnit.Simple", // the medium is not removable
	"SCSI.ReadOnly", // the unit is not write-protected
	"SCSI.Sanitize", "SCSI.ReadDefectData*",
	"SCSI.MultipathIO", // one path
	// These want physical blocks of several logical ones; old ESXi knows no such disk.
	"SCSI.CompareAndWrite.InvalidDataOutSize",
	"SCSI.WriteSame1?.InvalidDataOutSize", "SCSI.WriteSame1?.UnmapUnaligned",
	"SCSI.WriteSame1?.ZeroBlocks", // WSNZ: a WRITE SAME of no blocks is refused
}

// TestPeerConformance runs every SCSI and iSCSI suite of libiscsi's iscsi-test-cu, each in a
// process of its own, and holds each test to the verdict that testdata/peers expects.
func TestPeerConformance(t *testing.T) {
	need(t, "iscsi-test-cu")
	for _, tt := range []struct {
		name    string
		unit    Unit
		without []string // suites that are left out
	}{
		{"512", Unit{BlockSize: 512, Thin: true}, nil},
		// SCSI.ProutReserve writes blocks of 512 bytes, whatever the unit's have.
		{"4096", Unit{BlockSize: 4096, Thin: true}, []string{"SCSI.ProutReserve"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.unit.Path, tt.unit.Size = filepath.Join(dir, "unit"), 1<<30
			lunar, err := StartLunar(t.Context(), dir, build(t), "", tt.unit)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := lunar.Stop(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Log(tail(lunar.Log(), 40))
				}
			})
			conform(t, lunar, tt.without, filepath.Join("../../testdata/peers", "iscsi-test-cu-"+tt.name+".txt"))
		})
	}
}

func conform(t *testing.T, target Target, without []string, file string) {
	names, tests, err := Suites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expected, err := ReadExpected(file)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	for test, verdict := range expected {
		if verdict == Skip && !MaySkip(test, maySkip) {
			t.Errorf("%s: %s is expected to skip, and may not", file, test)
		}
	}
	var all []Result
	count := map[Verdict]int{}
	for _, suite := range names {
		if slices.Contains(without, suite) {
			continue
		}
		results, err := RunSuite(t.Context(), suite, tests[suite], URL(target, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			count[r.Verdict]++
			t.Run(r.Test, func(t *testing.T) {
				if wrong := expected.Judge(r); wrong != "" && (!*rewrite || r.Verdict == Fail || r.Verdict == Crash) {
					t.Error(wrong)
				} else if r.Verdict == Skip {
					_, why, _ := strings.Cut(r.Detail, "[SKIPPED] ")
					why, _, _ = strings.Cut(why, "\n")
					t.Skip(why)
				}
			})
		}
		all = append(all, results...)
	}
	t.Logf("iscsi-test-cu: %d tests: %d pass, %d skip, %d fail, %d crash", len(all), count[Pass], count[Skip], count[Fail], count[Crash])
	if *rewrite {
		head := "# What iscsi-test-cu of libiscsi 1.19 has to say of a thin unit. Remake with\n" +
			"#   go test -tags peers ./internal/peer -run TestPeerConformance -rewrite\n"
		if err := WriteExpected(file, head, all); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, test := range expected.Absent(all) {
		t.Errorf("%s did not run", test)
	}
}

// TestPeerRunner shows the runner telling verdicts apart, on a target known to earn each.
func TestPeerRunner(t *testing.T) {
	need(t, "iscsi-test-cu", "tgtd", "tgtadm")
	dir := t.TempDir()
	tgt, err := StartTgt(t.Context(), dir, Unit{Path: filepath.Join(dir, "unit"), Size: 100 << 20, WriteCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tgt.Kill)
	_, tests, err := Suites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := func(suite string, tests []string) map[string]Verdict {
		results, err := RunSuite(t.Context(), suite, tests, URL(tgt, 0))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Verdict{}
		for _, r := range results {
			got[r.Test] = r.Verdict
		}
		return got
	}
	for suite, want := range map[string]map[string]Verdict{
		"SCSI.TestUnitReady":    {"SCSI.TestUnitReady.Simple": Pass},
		"SCSI.CompareAndWrite":  {"SCSI.CompareAndWrite.Simple": Skip},
		"iSCSI.iSCSIdatasn":     {"iSCSI.iSCSIdatasn.iSCSIDataSnInvalid": Fail},
		"SCSI.ReadDefectData10": {"SCSI.ReadDefectData10.Simple": Skip},
	} {
		got := run(suite, tests[suite])
		for test, verdict := range want {
			if got[test] != verdict {
				t.Errorf("%s: %s, want %s", test, got[test], verdict)
			}
		}
	}
	if got := run("SCSI.TestUnitReady", []string{"Simple", "Vanished"}); got["SCSI.TestUnitReady.Vanished"] != Crash {
		t.Errorf("a test without a verdict is %q, want a crash", got["SCSI.TestUnitReady.Vanished"])
	}
	tgt.Kill()
	if got := run("SCSI.TestUnitReady", tests["SCSI.TestUnitReady"]); got["SCSI.TestUnitReady.Simple"] != Crash {
		t.Errorf("a suite without a target is %q, want a crash", got["SCSI.TestUnitReady.Simple"])
	}
}
