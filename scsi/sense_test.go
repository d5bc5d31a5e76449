package scsi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

func TestSenseData(t *testing.T) {
	for _, c := range []struct {
		fault             *Fault
		fixed, descriptor string
	}{
		{
			&Fault{Sense: LogicalUnitNotSupported},
			"70 00 05 00000000 0a 00000000 25 00 00 000000",
			"72 05 25 00 000000 00",
		},
		{
			InvalidFieldInCDB.At(2),
			"70 00 05 00000000 0a 00000000 24 00 00 c00002",
			"72 05 24 00 000000 08 0206 0000 c00002 00",
		},
		{
			InvalidFieldInParameters.AtBit(0x0104, 6),
			"70 00 05 00000000 0a 00000000 26 00 00 8e0104",
			"72 05 26 00 000000 08 0206 0000 8e0104 00",
		},
		{
			MiscompareDuringVerify.Info(0x01020304),
			"f0 00 0e 01020304 0a 00000000 1d 00 00 000000",
			"72 0e 1d 00 000000 0c 000a 8000 0000000001020304",
		},
		{ // more than 32 bits have no room in fixed format
			UnrecoveredReadError.Info(0x1_0000_0000),
			"70 00 03 00000000 0a 00000000 11 00 00 000000",
			"72 03 11 00 000000 0c 000a 8000 0000000100000000",
		},
		{
			segmentFault(CopyAborted.At(20), 3, true, copyDestination, CheckCondition, LBAOutOfRange),
			"70 00 0a 00000000 1d 00120003 00 00 00 a00014 02 70 00 05 00000000 0a 00000000 21 00 00 000000",
			"72 0a 00 00 000000 2a 010a 0000 0000000000000003 0206 0000 a00014 00 0c14 0202 70 00 05 00000000 0a 00000000 21 00 00 000000",
		},
		{
			segmentFault(&Fault{Sense: ThirdPartyDeviceFailure}, 0x0102, false, copySource, ReservationConflict, NoSense),
			"70 00 0a 00000000 0b 12000102 0d 01 00 000000 18",
			"72 0a 0d 01 000000 10 010a 0000 0000000000000102 0c02 0118",
		},
	} {
		for descriptors, want := range map[bool]string{false: c.fixed, true: c.descriptor} {
			var d SenseData
			d.encode(c.fault, descriptors)
			want = strings.ReplaceAll(want, " ", "")
			if got := hex.EncodeToString(d.Bytes()); got != want {
				t.Errorf("%v, descriptors %v:\n%s, want\n%s", c.fault, descriptors, got, want)
			}
		}
	}
}

// segmentFault is f in a segment of a copy, where one side has said status and sense.
func segmentFault(f *Fault, segment uint16, within bool, side byte, status Status, sense Sense) *Fault {
	f.copy = &copyFault{segment: segment, within: within, side: side, status: status}
	if sense != NoSense {
		f.copy.sense.encode(&Fault{Sense: sense}, false)
	}
	return f
}

// TestLongestSense wants all that a fault can say to fit.
func TestLongestSense(t *testing.T) {
	f := segmentFault(CopyAborted.AtBit(1, 7), 1, true, copySource, CheckCondition, LBAOutOfRange)
	f.info, f.hasInfo = 1<<63, true
	var d SenseData
	d.encode(f, true)
	if n := len(d.Bytes()); n != 62 || int(d.Bytes()[7]) != n-8 {
		t.Errorf("%d bytes, additional length %d", n, d.Bytes()[7])
	}
}

func TestSenseErrors(t *testing.T) {
	err := fmt.Errorf("here: %w", InvalidFieldInCDB.At(1))
	if !errors.Is(err, InvalidFieldInCDB) || errors.Is(err, InvalidOpcode) {
		t.Errorf("%v is not what it is", err)
	}
	for want, s := range map[string]Sense{"05/20/00 INVALID COMMAND OPERATION CODE": InvalidOpcode, "0B/01/02": 0x0B0102} {
		if got := s.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSenseNames wants a name for each constant, and no name for anything else.
func TestSenseNames(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "sense.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		kind, ok := spec.Type.(*ast.Ident)
		value, literal := spec.Values[0].(*ast.BasicLit)
		if !ok || kind.Name != "Sense" || !literal {
			return true
		}
		code, err := strconv.ParseUint(value.Value, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		constants++
		if senseNames[Sense(code)] == "" {
			t.Errorf("%s has no name", spec.Names[0].Name)
		}
		return true
	})
	if constants != len(senseNames) {
		t.Errorf("%d constants, %d names", constants, len(senseNames))
	}
}
