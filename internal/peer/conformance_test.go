//go:build peers

package peer

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the verdicts of this run to testdata/peers instead of judging them")

// maySkip are the tests that find nothing to try on a disk that is fixed and has one logical block
// per physical block, as old ESXi wants it.
var maySkip = []Excuse{
	{"SCSI.PreventAllow", "the medium is not removable"},
	{"SCSI.StartStopUnit.Simple", "the medium is not removable"},
	{"SCSI.Sanitize.CryptoErase", "nothing is encrypted"},
	{"SCSI.CompareAndWrite.InvalidDataOutSize", "a physical block is one logical block"},
	{"SCSI.WriteSame1?.InvalidDataOutSize", "a physical block is one logical block"},
	{"SCSI.WriteSame1?.UnmapUnaligned", "a physical block is one logical block"},
	{"SCSI.WriteSame1?.ZeroBlocks", "WSNZ: after it has tried that no blocks are refused"},
}

// TestPeerConformance runs every SCSI and iSCSI suite of libiscsi's iscsi-test-cu, each in a
// process of its own and where it has something to try, and holds each test to the verdict that
// testdata/peers expects.
func TestPeerConformance(t *testing.T) {
	need(t, "iscsi-test-cu")
	for _, tt := range []struct {
		block   int
		without []string // suites and tests that are left out
	}{
		{512, nil},
		// SCSI.ProutReserve writes blocks of 512 bytes, whatever the unit's have. SCSI.Sanitize.Reset
		// takes more than a minute, and is the same again.
		{4096, []string{"SCSI.ProutReserve", "SCSI.Sanitize.Reset"}},
	} {
		t.Run(strconv.Itoa(tt.block), func(t *testing.T) {
			r := newRange(t, tt.block)
			conform(t, r, tt.without, filepath.Join("../../testdata/peers", fmt.Sprintf("iscsi-test-cu-%d.txt", tt.block)))
		})
	}
}

// A testRange is a target with a place for every suite.
type testRange struct {
	*Lunar
	second string // URL of the first unit by another portal group
}

// The units of a testRange.
const (
	plainUnit = iota
	readOnlyUnit
	smallUnit // for SANITIZE
	largeUnit // for SANITIZE that takes some seconds
)

const largeSize = 512 << 20 // of the largeUnit, to begin with (bytes)

func newRange(t *testing.T, block int) *testRange {
	dir := t.TempDir()
	unit := func(name string, size int64) Unit {
		return Unit{Path: filepath.Join(dir, name), Size: size, BlockSize: block, Thin: true}
	}
	readOnly := unit("read-only", 64<<20)
	readOnly.ReadOnly = true
	lunar, err := StartLunar(t.Context(), dir, build(t), "",
		unit("plain", 1<<30), readOnly, unit("small", 64<<20), unit("large", largeSize))
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
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	portal := fmt.Sprintf("127.0.0.1:%d", port)
	if _, err := lunar.CLI(t.Context(), "tpg", "create", "second", portal, "--alua-group", "2"); err != nil {
		t.Fatal(err)
	}
	return &testRange{lunar, fmt.Sprintf("iscsi://%s/%s/%d", portal, lunar.IQN(), lunar.LUN(plainUnit))}
}

// run runs a suite in its place.
func (r *testRange) run(ctx context.Context, suite string, tests []string) ([]Result, error) {
	switch suite {
	case "SCSI.ReadOnly":
		return RunSuite(ctx, suite, tests, URL(r, readOnlyUnit))
	case "SCSI.MultipathIO":
		return RunSuite(ctx, suite, tests, URL(r, plainUnit), r.second)
	case "SCSI.Sanitize":
		return r.sanitize(ctx, tests)
	}
	return RunSuite(ctx, suite, tests, URL(r, plainUnit))
}

func conform(t *testing.T, r *testRange, without []string, file string) {
	names, tests, err := Suites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expected, err := ReadExpected(file)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	for test, verdict := range expected {
		if _, ok := Excused(test, maySkip); verdict == Skip && !ok {
			t.Errorf("%s: %s is expected to skip, and may not", file, test)
		}
	}
	var all []Result
	count := map[Verdict]int{}
	for _, suite := range names {
		if slices.Contains(without, suite) {
			continue
		}
		leftOut := func(test string) bool { return slices.Contains(without, suite+"."+test) }
		results, err := r.run(t.Context(), suite, slices.DeleteFunc(tests[suite], leftOut))
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
		head := "# What iscsi-test-cu of libiscsi 1.19 has to say. Remake with\n" +
			"#   go test -tags peers ./internal/peer -run TestPeerConformance -rewrite\n"
		if err := WriteExpected(file, head, all, maySkip); err != nil {
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
