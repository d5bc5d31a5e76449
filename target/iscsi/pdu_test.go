package iscsi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/scsi"
)

// samples sets every field of a PDU to a value of its own.
var samples = map[Opcode]func(b *BHS){
	OpNOPOut: func(b *BHS) {
		b.SetImmediate()
		b.SetLUN(scsi.LUNOf(3))
		b.SetTTT(0x20212223)
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		b.SetDataSegmentLen(5)
	},
	OpSCSICommand: func(b *BHS) {
		b.SetFinal(true)
		b.SetLUN(scsi.LUNOf(300))
		c := b.SCSICommand()
		c.SetRead()
		c.SetWrite()
		c.SetAttribute(HeadOfQueue)
		c.SetExpected(0x00010000)
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		*c.CDB() = [16]byte{0x2a, 0, 0, 0, 0, 1, 0, 0, 128}
		b[4] = 3 // TotalAHSLength
		b.SetDataSegmentLen(0x010203)
	},
	OpTaskMgmt: func(b *BHS) {
		b.SetImmediate()
		b.SetLUN(scsi.LUNOf(1))
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		r := b.TaskMgmtRequest()
		r.SetFunction(LogicalUnitReset)
		r.SetReferenced(0x20212223)
		r.SetRefCmdSN(32)
	},
	OpLogin: func(b *BHS) {
		b.SetImmediate()
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		r := b.LoginRequest()
		r.SetTransit(true)
		r.SetStages(OperationalNegotiation, FullFeaturePhase)
		r.SetVersions(2, 1)
		r.SetISID([6]byte{0x00, 0x02, 0x3d, 0x00, 0x00, 0x01})
		r.SetTSIH(14)
		r.SetCID(20)
		b.SetDataSegmentLen(400)
	},
	OpText: func(b *BHS) {
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(NoTag)
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		b.TextRequest().SetContinue(true)
		b.SetDataSegmentLen(16)
	},
	OpDataOut: func(b *BHS) {
		b.SetFinal(true)
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(0x20212223)
		b.SetExpStatSN(28)
		d := b.DataOut()
		d.SetDataSN(36)
		d.SetOffset(40)
		b.SetDataSegmentLen(4096)
	},
	OpLogout: func(b *BHS) {
		b.SetImmediate()
		b.SetCmdSN(24)
		b.SetExpStatSN(28)
		r := b.LogoutRequest()
		r.SetReason(CloseConnection)
		r.SetCID(20)
	},
	OpSNACK: func(b *BHS) {
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(0x20212223)
		b.SetExpStatSN(28)
		r := b.SNACKRequest()
		r.SetType(SNACKDataACK)
		r.SetRun(40, 44)
	},
	OpNOPIn: func(b *BHS) {
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(0x20212223)
		sampleSNs(b)
		b.SetDataSegmentLen(5)
	},
	OpSCSIResponse: func(b *BHS) {
		sampleSNs(b)
		r := b.SCSIResponse()
		r.SetResponse(TargetFailure)
		r.SetStatus(scsi.CheckCondition)
		r.SetExpDataSN(36)
		r.SetResidual(0, 44)
		b.SetDataSegmentLen(20)
	},
	OpTaskMgmtResp: func(b *BHS) {
		sampleSNs(b)
		b.TaskMgmtResponse().SetResult(FunctionNotSupported)
	},
	OpLoginResponse: func(b *BHS) {
		sampleSNs(b)
		r := b.LoginResponse()
		r.SetContinue(true)
		r.SetStages(OperationalNegotiation, 0)
		r.SetISID([6]byte{0x00, 0x02, 0x3d, 0x00, 0x00, 0x01})
		r.SetTSIH(14)
		r.SetStatus(SessionDoesNotExist)
		b.SetDataSegmentLen(8192)
	},
	OpTextResponse: func(b *BHS) {
		sampleSNs(b)
		b.SetFinal(true)
		b.SetTTT(NoTag)
		b.SetDataSegmentLen(100)
	},
	OpDataIn: func(b *BHS) {
		sampleSNs(b)
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(NoTag)
		d := b.DataIn()
		d.SetStatus(scsi.ConditionMet)
		d.SetDataSN(36)
		d.SetOffset(40)
		d.SetResidual(44, 0)
		b.SetDataSegmentLen(262144)
	},
	OpLogoutResponse: func(b *BHS) {
		sampleSNs(b)
		r := b.LogoutResponse()
		r.SetResult(LogoutCIDNotFound)
		r.SetTimes(2, 20)
	},
	OpR2T: func(b *BHS) {
		sampleSNs(b)
		b.SetLUN(scsi.LUNOf(1))
		b.SetTTT(0x20212223)
		r := b.R2T()
		r.SetR2TSN(36)
		r.SetOffset(40)
		r.SetDesired(44)
	},
	OpAsync: func(b *BHS) {
		sampleSNs(b)
		b.SetLUN(scsi.LUNOf(1))
		b.SetITT(NoTag)
		m := b.AsyncMessage()
		m.SetEvent(AsyncDropConnection)
		m.SetParameters(38, 40, 42)
	},
	OpReject: func(b *BHS) {
		sampleSNs(b)
		b.SetITT(NoTag)
		b.Reject().SetReason(RejectInvalidField)
		b.SetDataSegmentLen(48)
	},
}

func sampleSNs(b *BHS) {
	b.SetStatSN(24)
	b.SetExpCmdSN(28)
	b.SetMaxCmdSN(32)
}

func sample(op Opcode) *BHS {
	b := new(BHS)
	b.Start(op)
	b.SetITT(0x10111213)
	samples[op](b)
	return b
}

// rebuild makes a header of everything that the accessors say about in.
func rebuild(in *BHS) *BHS {
	out := new(BHS)
	out.Start(in.Opcode())
	if in.Immediate() {
		out.SetImmediate()
	}
	out[4] = byte(in.TotalAHSLen() / 4)
	out.SetDataSegmentLen(in.DataSegmentLen())
	out.SetITT(in.ITT())
	op := in.Opcode()
	for _, f := range opcodes[op].fields {
		switch f.name {
		case "LUN":
			out.SetLUN(in.LUN())
		case "TTT":
			out.SetTTT(in.TTT())
		}
	}
	if opcodes[op].target {
		out.SetStatSN(in.StatSN())
		out.SetExpCmdSN(in.ExpCmdSN())
		out.SetMaxCmdSN(in.MaxCmdSN())
	} else {
		out.SetExpStatSN(in.ExpStatSN())
		if op.HasCmdSN() {
			out.SetCmdSN(in.CmdSN())
		}
	}
	switch op {
	case OpSCSICommand:
		out.SetFinal(in.Final())
		i, o := in.SCSICommand(), out.SCSICommand()
		if i.Read() {
			o.SetRead()
		}
		if i.Write() {
			o.SetWrite()
		}
		o.SetAttribute(i.Attribute())
		o.SetExpected(i.Expected())
		*o.CDB() = *i.CDB()
	case OpTaskMgmt:
		i, o := in.TaskMgmtRequest(), out.TaskMgmtRequest()
		o.SetFunction(i.Function())
		o.SetReferenced(i.Referenced())
		o.SetRefCmdSN(i.RefCmdSN())
		out.put32(36, in.u32(36)) // ExpDataSN: no use at error recovery level 0
	case OpLogin:
		i, o := in.LoginRequest(), out.LoginRequest()
		o.SetTransit(i.Transit())
		o.SetContinue(i.Continue())
		o.SetStages(i.CSG(), i.NSG())
		o.SetVersions(i.VersionMax(), i.VersionMin())
		o.SetISID(i.ISID())
		o.SetTSIH(i.TSIH())
		o.SetCID(i.CID())
	case OpText:
		out.SetFinal(in.Final())
		out.TextRequest().SetContinue(in.TextRequest().Continue())
	case OpDataOut:
		out.SetFinal(in.Final())
		out.DataOut().SetDataSN(in.DataOut().DataSN())
		out.DataOut().SetOffset(in.DataOut().Offset())
	case OpLogout:
		out.LogoutRequest().SetReason(in.LogoutRequest().Reason())
		out.LogoutRequest().SetCID(in.LogoutRequest().CID())
	case OpSNACK:
		out.SNACKRequest().SetType(in.SNACKRequest().Type())
		out.SNACKRequest().SetRun(in.SNACKRequest().Run())
	case OpSCSIResponse:
		i, o := in.SCSIResponse(), out.SCSIResponse()
		o.SetResponse(i.Response())
		o.SetStatus(i.Status())
		o.SetExpDataSN(i.ExpDataSN())
		o.SetResidual(i.Residual())
	case OpTaskMgmtResp:
		out.TaskMgmtResponse().SetResult(in.TaskMgmtResponse().Result())
	case OpLoginResponse:
		i, o := in.LoginResponse(), out.LoginResponse()
		o.SetTransit(i.Transit())
		o.SetContinue(i.Continue())
		o.SetStages(i.CSG(), i.NSG())
		o.SetISID(i.ISID())
		o.SetTSIH(i.TSIH())
		o.SetStatus(i.Status())
	case OpTextResponse:
		out.SetFinal(in.Final())
		out.TextResponse().SetContinue(in.TextResponse().Continue())
	case OpDataIn:
		i, o := in.DataIn(), out.DataIn()
		if i.HasStatus() {
			o.SetStatus(i.Status())
		}
		out.SetFinal(in.Final())
		o.SetDataSN(i.DataSN())
		o.SetOffset(i.Offset())
		o.SetResidual(i.Residual())
	case OpLogoutResponse:
		i, o := in.LogoutResponse(), out.LogoutResponse()
		o.SetResult(i.Result())
		o.SetTimes(i.Times())
	case OpR2T:
		i, o := in.R2T(), out.R2T()
		o.SetR2TSN(i.R2TSN())
		o.SetOffset(i.Offset())
		o.SetDesired(i.Desired())
	case OpAsync:
		i, o := in.AsyncMessage(), out.AsyncMessage()
		o.SetEvent(i.Event())
		o.SetParameters(i.Parameters())
	case OpReject:
		out.Reject().SetReason(in.Reject().Reason())
	}
	return out
}

// TestPDU compares a sample of each opcode with its annotated dump, and reads the dump back.
func TestPDU(t *testing.T) {
	for op := range Opcode(len(opcodes)) {
		if !op.Known() {
			if samples[op] != nil {
				t.Errorf("a sample of %v, which is not in the table", op)
			}
			continue
		}
		if samples[op] == nil {
			t.Errorf("no sample of %v", op)
			continue
		}
		t.Run(strings.ReplaceAll(op.String(), " ", "-"), func(t *testing.T) {
			path := filepath.Join("testdata", "pdu", fmt.Sprintf("%02x-%s.txt", uint8(op), strings.ToLower(strings.ReplaceAll(op.String(), " ", "-"))))
			b := sample(op)
			golden(t, path, dump(b))
			if again := rebuild(undump(t, path)); *again != *b {
				t.Errorf("the accessors make of the dump\n%s", dump(again))
			}
		})
	}
}

// dump writes a header as bytes with what they mean; the last line is the trace of the PDU.
func dump(b *BHS) string {
	var s strings.Builder
	row := &opcodes[b.Opcode()]
	line := func(from, to int, what string) {
		fmt.Fprintf(&s, "%02d: %-24s # %s\n", from, fmt.Sprintf("% x", b[from:to]), what)
	}
	line(0, 1, b.Opcode().String()+map[bool]string{true: ", immediate"}[b.Immediate()])
	var flags []string
	for i, letter := range row.flags {
		if letter != '.' && b[1]&(0x80>>i) != 0 {
			flags = append(flags, string(letter))
		}
	}
	for at := 1; at < len(b); {
		n, what := 0, []string(nil)
		for i := range row.fields {
			if f := &row.fields[i]; f.at == at {
				n, what = f.n, append(what, f.name+" "+f.value(b))
			}
		}
		switch {
		case at == 1:
			n, what = 1, append(flags, what...)
		case at == 4:
			n, what = 1, []string{fmt.Sprintf("TotalAHSLength %d bytes", b.TotalAHSLen())}
		case at == 5:
			n, what = 3, []string{fmt.Sprintf("DataSegmentLength %d bytes", b.DataSegmentLen())}
		case n == 0:
			n, what = 1, []string{"reserved"}
			for at+n < len(b) && at+n != 4 && !hasField(row, at+n) {
				n++
			}
		}
		for n > 8 { // the CDB
			line(at, at+8, strings.Join(what, ", "))
			at, n, what = at+8, n-8, nil
		}
		line(at, at+n, strings.Join(what, ", "))
		at += n
	}
	return strings.ReplaceAll(s.String(), " # \n", "\n") + b.String() + "\n"
}

func hasField(row *opcodeRow, at int) bool {
	for _, f := range row.fields {
		if f.at == at {
			return true
		}
	}
	return false
}

// undump reads the bytes of a dump.
func undump(t *testing.T, path string) *BHS {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for line := range strings.Lines(string(text)) {
		if _, rest, ok := strings.Cut(line, ": "); ok && line[2] == ':' {
			digits, _, _ := strings.Cut(rest, "#")
			for _, d := range strings.Fields(digits) {
				var c byte
				fmt.Sscanf(d, "%02x", &c)
				b = append(b, c)
			}
		}
	}
	if len(b) != len(BHS{}) {
		t.Fatalf("%s holds %d bytes", path, len(b))
	}
	return (*BHS)(b)
}

// A trace must tell everything that the accessors know, and the setters must set what the
// accessors read.
func FuzzBHS(f *testing.F) {
	for op := range samples {
		f.Add(sample(op)[:])
	}
	f.Add(make([]byte, 48))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < len(BHS{}) {
			return
		}
		in := (*BHS)(p)
		trace := in.String()
		if !in.Opcode().Known() {
			return
		}
		out := rebuild(in)
		if again := rebuild(out); *again != *out {
			t.Errorf("%x becomes %x", out[:], again[:])
		}
		// What Start and setters fix may differ from what a peer sent: residual counts
		// without O or U, F bits that are always one, statuses without S.
		if opcodes[in.Opcode()].target {
			return
		}
		in[1] |= out[1] & finalBit
		if got := out.String(); got != in.String() {
			t.Errorf("trace of what was read differs:\n%s\n%s\n%s", got, in.String(), trace)
		}
	})
}

func TestAppendSense(t *testing.T) {
	if got := string(AppendSense(nil, []byte("\x70\x00\x05"))); got != "\x00\x03\x70\x00\x05" {
		t.Errorf("AppendSense = %q", got)
	}
	if got := AppendSense(nil, nil); len(got) != 0 {
		t.Errorf("AppendSense of nothing = %q", got)
	}
}
