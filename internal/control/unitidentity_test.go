package control

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
)

// The bytes of a disk that COMSTAR served, taken over bit for bit.
func TestUnitIdentityTakenOver(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	u := r.createUnit(UnitCreate{
		Path: r.path("a"), GUID: "naa.600144F0928C010000004FC511EC0001", Serial: "5a17",
		Vendor: "SUN", Product: "COMSTAR", Revision: "1.0", Version: 5, LUN: ptr(7),
	})
	if u.GUID != "600144f0928c010000004fc511ec0001" || u.lowestLUN() != 7 || u.Vendor != "SUN" || u.Version != 5 {
		t.Errorf("created %+v", u)
	}
	other := r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB})
	if other.lowestLUN() != 0 || other.Vendor != "LUNAR" || other.Product != "LUN" || other.Revision != "0001" || other.Version != 6 {
		t.Errorf("created %+v", other)
	}
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	r.restart()
	c := connect(t, r.portal(), iqnA, 1)
	inquiry, _ := perform(t, c, 7, nil, 0x12, 0, 0, 0, 255, 0)
	if inquiry[2] != 5 || string(inquiry[8:36]) != "SUN     COMSTAR         1.0 " {
		t.Errorf("INQUIRY data %q", inquiry)
	}
	if serial, _ := perform(t, c, 7, nil, 0x12, 1, 0x80, 0, 255, 0); string(serial[4:]) != "5a17" {
		t.Errorf("serial number page %q", serial)
	}
	page, _ := perform(t, c, 7, nil, 0x12, 1, 0x83, 0, 255, 0)
	want := "\x01\x03\x00\x10\x60\x01\x44\xf0\x92\x8c\x01\x00\x00\x00\x4f\xc5\x11\xec\x00\x01\x02\x01\x00\x0cSUN     5a17"
	if !strings.HasPrefix(string(page[4:]), want) {
		t.Errorf("identification page\n% x, want\n% x", page[4:], want)
	}
}

func TestUnitIdentityRefused(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Serial: "one"})
	for _, test := range []struct {
		q    UnitCreate
		want []string
	}{
		{UnitCreate{GUID: strings.ToUpper(guidA)}, []string{guidA, "already"}},
		{UnitCreate{Serial: "one"}, []string{"serial number", guidA}},
		{UnitCreate{LUN: ptr(0)}, []string{"LUN 0", guidA}},
		{UnitCreate{LUN: ptr(-1)}, []string{"LUN -1", "out of range"}},
		{UnitCreate{LUN: ptr(scsi.MaxLUN + 1)}, []string{"out of range"}},
		{UnitCreate{Vendor: "NINECHARS"}, []string{"vendor"}},
		{UnitCreate{Product: "SEVENTEEN LETTERS"}, []string{"product"}},
		{UnitCreate{Revision: "00001"}, []string{"revision"}},
		{UnitCreate{Version: 8}, []string{"version 8"}},
	} {
		test.q.Path, test.q.Size = r.path("b"), 1<<20
		_, err := r.CreateUnit(t.Context(), test.q)
		wantProblem(t, err, test.want...)
		if exists(test.q.Path) {
			t.Fatalf("%+v: its store is there", test.q)
		}
	}
}

// A change of identity needs force, names what follows, reaches live initiators, and is in the
// state as a whole.
func TestUnitIdentityChange(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Serial: "one"})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB, Serial: "two"})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	c := connect(t, r.portal(), iqnA, 1)
	hears(t, "at first", c, 0, scsi.PowerOnOccurred)

	const fresh = "600144f0928c010000004fc511ec00ff"
	for word, q := range map[string]UnitModify{
		"its GUID changes":          {GUID: ptr(fresh)},
		"its serial number changes": {Serial: ptr("three")},
		"its vendor changes":        {Vendor: ptr("SUN")},
		"its product changes":       {Product: ptr("COMSTAR")},
		"its revision changes":      {Revision: ptr("1.0")},
		"its version changes":       {Version: ptr(byte(5))},
		"its LUN changes":           {LUN: ptr(5)},
	} {
		_, err := r.ModifyUnit(ctx, guidA, q)
		wantProblem(t, err, word, "--force")
	}
	for want, q := range map[string]UnitModify{
		"there is a unit":    {GUID: ptr(guidB)},
		`serial number "tw`:  {Serial: ptr("two")},
		"needs a serial":     {Serial: ptr("")},
		"LUN 1 is taken":     {LUN: ptr(1)},
		"out of range":       {LUN: ptr(-1)},
		"first digit of 6":   {GUID: ptr("5" + fresh[1:])},
		"version 9":          {Version: ptr(byte(9))},
		`vendor "NINECHARS"`: {Vendor: ptr("NINECHARS")},
	} {
		q.Force = true
		_, err := r.ModifyUnit(ctx, guidA, q)
		wantProblem(t, err, want)
	}
	hears(t, "after what was refused", c, 0)

	// What is the same is no change.
	must(r.ModifyUnit(ctx, guidA, UnitModify{GUID: ptr(strings.ToUpper(guidA)), LUN: ptr(0)}))(t)

	u := must(r.ModifyUnit(ctx, guidA, UnitModify{GUID: ptr(fresh), Vendor: ptr("SUN"), Force: true}))(t)
	if u.GUID != fresh || u.Vendor != "SUN" || len(u.Follows) != 2 {
		t.Errorf("modified to %+v", u)
	}
	hears(t, "after the change", c, 0, scsi.InquiryDataChanged)
	hears(t, "the other unit", c, 1, scsi.PowerOnOccurred)
	page, _ := perform(t, c, 0, nil, 0x12, 1, 0x83, 0, 255, 0)
	guid := mustGUID(t, fresh)
	if string(page[8:24]) != string(guid[:]) || !strings.Contains(string(page), "SUN     one") {
		t.Errorf("identification page % x", page)
	}
	_, err := r.Unit(ctx, guidA)
	wantProblem(t, err, "there is no unit")

	must(r.ModifyUnit(ctx, fresh, UnitModify{LUN: ptr(5), Force: true}))(t)
	hears(t, "where it goes", c, 5, scsi.PowerOnOccurred, scsi.ReportedLUNsHasChanged)
	hears(t, "the other unit", c, 1, scsi.ReportedLUNsHasChanged)
	if _, sense := perform(t, c, 0, nil, 0, 0, 0, 0, 0, 0); sense != scsi.LogicalUnitNotSupported {
		t.Errorf("where it was: %v", sense)
	}
	before := must(r.Units(ctx))(t)
	r.restart()
	if diff := cmp.Diff(before, must(r.Units(ctx))(t)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

// A cutState is one that the daemon loses at the next change: before it is saved, or after.
type cutState struct {
	State
	after bool
}

var errCut = errors.New("the power went")

func (s cutState) Update(f func(Tx) error) error {
	if s.after {
		return errors.Join(s.State.Update(f), errCut)
	}
	return errCut
}

// A daemon that is killed while an identity changes comes back with the old one or the new.
func TestUnitIdentityCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		r := start(t, nil)
		was := r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
		state := r.d.state
		r.d.state = cutState{state, after}
		_, err := r.d.ModifyUnit(t.Context(), guidA, UnitModify{GUID: ptr(guidB), Product: ptr("OTHER"), LUN: ptr(3), Force: true})
		if !errors.Is(err, errCut) {
			t.Errorf("modified: %v", err)
		}
		r.d.state = state
		r.restart()
		want := was
		if after {
			want.GUID, want.Product, want.LUNs = guidB, "OTHER", []int{3}
		}
		if diff := cmp.Diff([]UnitInfo{want}, must(r.Units(t.Context()))(t)); diff != "" {
			t.Errorf("cut after %t (-want +got):\n%s", after, diff)
		}
	}
}
