package iscsi

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/scsi"
)

// BenchmarkHeader reads what a port needs of a SCSI Command's header, and makes the header of
// the Data-In with status that answers it.
func BenchmarkHeader(b *testing.B) {
	var command, answer BHS
	command.Start(OpSCSICommand)
	samples[OpSCSICommand](&command)
	b.ReportAllocs()
	for b.Loop() {
		c := command.SCSICommand()
		if command.Opcode() != OpSCSICommand || !c.Read() || command.LUN() != scsi.LUNOf(300) || c.CDB()[0] != 0x2a {
			b.Fatal("another header")
		}
		answer.Start(OpDataIn)
		answer.SetFinal(true)
		answer.SetITT(command.ITT())
		answer.SetTTT(NoTag)
		answer.SetStatSN(command.ExpStatSN())
		answer.SetDataSegmentLen(int(c.Expected()))
	}
}

// BenchmarkDigest sums a header, and data segments.
func BenchmarkDigest(b *testing.B) {
	for _, n := range []int{48, 4 << 10, 256 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				Digest(0).Add(p).AddPadding(n)
			}
		})
	}
}
