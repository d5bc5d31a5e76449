package scsi

import (
	"fmt"
	"testing"
)

// BenchmarkDispatch is what the table, the checks and the accounting cost a command that does
// nothing.
func BenchmarkDispatch(b *testing.B) {
	run := inline(b, cdb(opTestUnitReady, 0, 0, 0), nil)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// BenchmarkInquiry makes standard INQUIRY data and each VPD page.
func BenchmarkInquiry(b *testing.B) {
	const evpd = 1
	ask := func(b *testing.B, c CDB) {
		run := inline(b, c, nil)
		b.ReportAllocs()
		for b.Loop() {
			run()
		}
	}
	b.Run("standard", func(b *testing.B) { ask(b, CDB{byte(opInquiry), 0, 0, 1, 0}) })
	for _, page := range vpdPages {
		b.Run(fmt.Sprintf("page %02Xh", page.code), func(b *testing.B) {
			ask(b, CDB{byte(opInquiry), evpd, page.code, 1, 0})
		})
	}
}
