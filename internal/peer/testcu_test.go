package peer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSuite(t *testing.T) {
	tests := []struct {
		name string
		out  string
		want map[string]Verdict
	}{
		{"passed, and talk behind it", `
Suite: Reserve6
  Test: Simple ...passed
  Test: LUNReset ...passed    [FAILED] PRIN command: failed with sense.

Run Summary:    Type  Total    Ran Passed Failed Inactive
`, map[string]Verdict{"Simple": Pass, "LUNReset": Pass}},
		{"skipped", `
  Test: Simple ...    [SKIPPED] EXTENDEDCOPY is not implemented.
    [SKIPPED] EXTENDEDCOPY is not implemented.
passed
  Test: ParamHdr ...passed
`, map[string]Verdict{"Simple": Skip, "ParamHdr": Pass}},
		{"clearing up skips", `
  Test: Simple ...passed    [SKIPPED] PERSISTENT RESERVE IN is not implemented.

Run Summary:
`, map[string]Verdict{"Simple": Pass}},
		{"failed", `
  Test: BeyondEol ...    [FAILED] GET_LBA_STATUS successful but should have failed
FAILED
    1. test_get_lba_status_beyond_eol.c:38  - CU_ASSERT_EQUAL(_r,0)
  Test: DataSn ...FAILED
    1. test_iscsi_datasn_invalid.c:98  - CU_ASSERT_NOT_EQUAL(ret,0)
`, map[string]Verdict{"BeyondEol": Fail, "DataSn": Fail}},
		{"complained, then passed", `
  Test: UnmapVPD ...    [FAILED] WRITESAME10 command failed with status 2
passed
`, map[string]Verdict{"UnmapVPD": Pass}},
		{"skipped in part and failed", `
  Test: VPD ...    [SKIPPED] UNMAP is not implemented.
FAILED
`, map[string]Verdict{"VPD": Fail}},
		{"cut off", `
  Test: Simple ...passed
  Test: BeyondEol ...    waiting
`, map[string]Verdict{"Simple": Pass, "BeyondEol": Crash}},
		{"nothing", "iscsi-test-cu: Failed to log in to target.", map[string]Verdict{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]Verdict{}
			for name, r := range parseSuite(tt.out) {
				got[name] = r.Verdict
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "expected.txt")
	results := []Result{{"SCSI.A.One", Pass, ""}, {"SCSI.A.Two", Skip, ""}}
	if err := WriteExpected(name, "# what we expect\n", results, []Excuse{{"SCSI.A", "a reason"}}); err != nil {
		t.Fatal(err)
	}
	e, err := ReadExpected(name)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		result Result
		want   string
	}{
		{Result{"SCSI.A.One", Pass, ""}, ""},
		{Result{"SCSI.A.Two", Skip, ""}, ""},
		{Result{"SCSI.A.One", Skip, ""}, "skip, expected pass"},
		{Result{"SCSI.A.Two", Pass, ""}, "pass, expected skip"},
		{Result{"SCSI.A.One", Fail, "line 5"}, "line 5"},
		{Result{"SCSI.A.Two", Crash, ""}, "crash"},
		{Result{"SCSI.A.Three", Pass, ""}, "nothing expected"},
	}
	for _, tt := range tests {
		got := e.Judge(tt.result)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("Judge(%v) = %q, want %q", tt.result, got, tt.want)
		}
	}
	if got := e.Absent(results[:1]); !slices.Equal(got, []string{"SCSI.A.Two"}) {
		t.Errorf("Absent = %v, want SCSI.A.Two", got)
	}
}

// TestReadExpected: a file that says nothing, or something else, is no list of verdicts.
func TestReadExpected(t *testing.T) {
	for _, text := range []string{"", "# pass SCSI.A.One\n", "fail SCSI.A.One\n", "SCSI.A.One\n"} {
		name := filepath.Join(t.TempDir(), "expected.txt")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if e, err := ReadExpected(name); err == nil {
			t.Errorf("%q was read as %v", text, e)
		}
	}
}

func TestExcused(t *testing.T) {
	excuses := []Excuse{{"SCSI.Prin*", "no reservations"}, {"SCSI.NoMedia", "fixed"}, {"SCSI.Start.Simple", "fixed too"}}
	for test, want := range map[string]string{
		"SCSI.PrinReadKeys.Simple": "no reservations",
		"SCSI.NoMedia.NoMediaSBC":  "fixed",
		"SCSI.NoMediaAtAll.Simple": "",
		"SCSI.Read10.Prin":         "",
		"SCSI.Start.Simple":        "fixed too",
		"SCSI.Start.NoLoej":        "",
	} {
		if got, ok := Excused(test, excuses); got != want || ok != (want != "") {
			t.Errorf("Excused(%s) = %q, %v, want %q", test, got, ok, want)
		}
	}
}
